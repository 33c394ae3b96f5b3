"""The same GPT, its loss and its training, written for PyTorch."""

import numpy as np
import torch
from torch.nn import functional


def logits(p: dict[str, torch.Tensor], tokens: torch.Tensor, layers: int, heads: int) -> torch.Tensor:
    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, p[f"{name}.weight"].T, p[f"{name}.bias"])

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, (x.shape[-1],), p[f"{name}.weight"], p[f"{name}.bias"])

    x = functional.embedding(tokens, p["wte"]) + functional.embedding(torch.arange(tokens.shape[1]), p["wpe"])
    for i in range(layers):
        queries, keys, values = linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").chunk(3, dim=-1)
        split = [each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (queries, keys, values)]
        mixed = functional.scaled_dot_product_attention(*split, is_causal=True)
        x = x + linear(mixed.transpose(1, 2).flatten(2), f"h.{i}.attn.c_proj")
        hidden = functional.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh")
        x = x + linear(hidden, f"h.{i}.mlp.c_proj")
    return functional.linear(norm(x, "ln_f"), p["wte"])


class Training:
    """From `weights`, by the optimizer that the example writes by hand."""

    def __init__(self, weights: dict[str, np.ndarray], layers: int, heads: int, dtype: torch.dtype = torch.float32):
        self.layers, self.heads = layers, heads
        self.params = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in weights.items()}
        groups = [
            {"params": [p for p in self.params.values() if p.ndim == 2], "weight_decay": 0.1},
            {"params": [p for p in self.params.values() if p.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))

    def step(self, batch: torch.Tensor, rate: float) -> float:
        """Returns the loss before the step on a `batch` (B, T + 1) of characters."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        scores = logits(self.params, batch[:, :-1], self.layers, self.heads)
        loss = functional.cross_entropy(scores.flatten(0, 1), batch[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params.values(), 1.0)
        self.optimizer.step()
        return loss.item()
