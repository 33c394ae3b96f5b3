"""A GPT of two layers in plain functions, trained on one line of text."""

import candle
from candle import Tensor

WIDTH, HEADS, LAYERS, LENGTH = 16, 2, 2, 12
TEXT = "what I cannot create, I do not understand. "
LETTERS = sorted(set(TEXT))


def weights(device: str) -> dict[str, Tensor]:
    """Drawn on the host, so the same on every device."""
    shapes = {"tokens": (len(LETTERS), WIDTH), "places": (LENGTH, WIDTH), "last.gain": (WIDTH,), "last.shift": (WIDTH,)}
    for i in range(LAYERS):
        for norm in (f"{i}.first", f"{i}.second"):
            shapes |= {f"{norm}.gain": (WIDTH,), f"{norm}.shift": (WIDTH,)}
        shapes |= {f"{i}.qkv": (WIDTH, 3 * WIDTH), f"{i}.mix": (WIDTH, WIDTH)}
        shapes |= {f"{i}.up": (WIDTH, 4 * WIDTH), f"{i}.bias": (4 * WIDTH,), f"{i}.down": (4 * WIDTH, WIDTH)}
    candle.manual_seed(0)
    drawn = {name: candle.randn(*shape, dtype=candle.float64) * 0.2 for name, shape in shapes.items()}
    return {name: (w + 1 if "gain" in name else w).to(device).requires_grad_() for name, w in drawn.items()}


def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return candle.layer_norm(x, (WIDTH,), w[f"{name}.gain"], w[f"{name}.shift"])


def attention(w: dict[str, Tensor], layer: int, x: Tensor) -> Tensor:
    batch, length, _ = x.shape
    qkv = (x @ w[f"{layer}.qkv"]).reshape(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
    mixed = candle.scaled_dot_product_attention(*qkv.unbind(0), is_causal=True)  # (B, H, T, C / H)
    return mixed.transpose(1, 2).reshape(batch, length, WIDTH) @ w[f"{layer}.mix"]


def logits(w: dict[str, Tensor], text: Tensor) -> Tensor:
    """(B, T) letters -> (B, T, letters)"""
    x = candle.embedding(text, w["tokens"]) + w["places"][: text.shape[1]]
    for i in range(LAYERS):
        x = x + attention(w, i, norm(w, f"{i}.first", x))
        hidden = norm(w, f"{i}.second", x) @ w[f"{i}.up"] + w[f"{i}.bias"]
        x = x + candle.gelu(hidden, approximate="tanh") @ w[f"{i}.down"]
    return norm(w, "last", x) @ w["tokens"].T


def train(device: str, steps: int) -> list[float]:
    """The losses of the first steps."""
    w = weights(device)
    params = list(w.values())
    means, squares = ([candle.zeros_like(p) for p in params] for _ in range(2))
    codes = candle.tensor([LETTERS.index(c) for c in TEXT * 2], device=device)
    rows = candle.stack([codes[start : start + LENGTH + 1] for start in (0, 11, 22, 33)])
    losses = []
    for step in range(1, steps + 1):
        loss = candle.cross_entropy(logits(w, rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        losses.append(loss.item())
        candle.adamw_(params, [p.grad for p in params], means, squares, step, lr=3e-3, weight_decay=0.01)
        for p in params:
            p.grad = None
    return losses
