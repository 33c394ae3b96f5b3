"""The networks whose training is measured: each function takes a library, candle or torch, and gives its step."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np


def mlp(lib: Any) -> Callable[[], float]:
    """784-128-10, Adam, 64 images of digits."""
    nn = lib.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return stepping(lib, model, lib.optim.Adam(model.parameters()), *images(lib, 784))


def convolutions(lib: Any) -> Callable[[], float]:
    """1 → 8 → 16 channels, Adam, 64 images of 28 × 28."""
    nn = lib.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(784, 10)),
    )
    return stepping(lib, model, lib.optim.Adam(model.parameters()), *images(lib, 1, 28, 28))


def resnet20(lib: Any) -> Callable[[], float]:
    """He et al. (2015), section 4.2, as the example has it: 273,066 parameters; SGD, 64 images of 3 × 32 × 32."""
    sys.path.insert(0, "examples")
    from side_by_side import load, twin

    program = load("resnet") if lib.__name__ == "candle" else twin("resnet")
    model = program.ResNet(3, program.RESNET20)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    return stepping(lib, model, optimizer, *images(lib, 3, 32, 32))


def lstm(lib: Any) -> Callable[[], float]:
    """An LSTM of width 128 reads 64 images of 28 rows, row by row; Adam."""
    nn = lib.nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows, self.head = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.rows(x)[0][:, -1])

    model = Reader()
    return stepping(lib, model, lib.optim.Adam(model.parameters()), *images(lib, 28, 28))


def gpt(lib: Any, layers: int = 4, heads: int = 4, width: int = 128, vocab: int = 65) -> Callable[[], float]:
    """4 layers of 4 heads, width 128, 65 characters, AdamW with clipping, 12 pieces of 64."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
            self.look, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
            gelu = nn.GELU(approximate="tanh")
            self.think = nn.Sequential(nn.Linear(width, 4 * width), gelu, nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            n, length, _ = x.shape
            qkv = self.look(self.norms[0](x)).reshape(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            seen = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=True)
            x = x + self.join(seen.transpose(1, 2).reshape(n, length, width))
            return x + self.think(self.norms[1](x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(vocab, width), nn.Embedding(64, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocab, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.place(lib.arange(tokens.shape[1]))
            return self.head(self.norm(self.blocks(x))).flatten(0, 1)

    model = GPT()
    tokens = lib.from_numpy(np.random.default_rng(0).integers(0, vocab, (12, 65)))
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3)
    return stepping(lib, model, optimizer, tokens[:, :-1], tokens[:, 1:].flatten(), clip=1.0)


def images(lib: Any, *shape: int) -> tuple[Any, Any]:
    """64 examples of a shape, and which of ten classes each belongs to."""
    rng = np.random.default_rng(0)
    return lib.from_numpy(rng.standard_normal((64, *shape), np.float32)), lib.from_numpy(rng.integers(0, 10, 64))


def stepping(
    lib: Any, model: Any, optimizer: Any, inputs: Any, targets: Any, clip: float | None = None
) -> Callable[[], float]:
    """A training step, as everybody writes it."""

    def step() -> float:
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        if clip is not None:
            lib.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss.item()  # type: ignore[no-any-return]

    step.model = model  # type: ignore[attr-defined]
    return step
