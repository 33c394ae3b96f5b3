"""A small network learns the same on every device."""

from __future__ import annotations

import math
from typing import Any

import candle
from candle.testing.backend_suite.base import Suite, for_each

F = candle
Params = dict[str, Any]


def parameters(device: str, dtype: Any) -> Params:
    """An embedding of 5 words, a layer, and a head of 5 classes."""
    candle.manual_seed(0)
    shapes = {"words": (5, 4), "norm": (4,), "w1": (4, 6), "b1": (6,), "w2": (6, 5)}
    made = {name: candle.randn(*shape, dtype=candle.float64) * 0.5 for name, shape in shapes.items()}
    return {name: p.to(dtype).to(device).requires_grad_() for name, p in made.items()}


def loss_of(p: Params, text: Any, target: Any) -> Any:
    x = F.layer_norm(F.embedding(text, p["words"]), (4,), p["norm"])
    hidden = F.gelu(x @ p["w1"] + p["b1"])
    return F.cross_entropy((hidden @ p["w2"]).reshape(-1, 5), target.reshape(-1))


def losses(device: str, dtype: str) -> list[float]:
    """Five steps of AdamW; the bias by plain gradient descent in place."""
    p = parameters(device, candle._dtypes.BY_NAME[dtype])
    text, target = (candle.tensor(rows, device=device) for rows in ([[0, 3, 1], [2, 2, 4]], [[3, 1, 0], [2, 4, 1]]))
    learned = [t for name, t in p.items() if name != "b1"]
    means, squares = ([candle.zeros_like(t) for t in learned] for _ in range(2))
    history = []
    for step in range(1, 6):
        loss = loss_of(p, text, target)
        loss.backward()
        history.append(loss.item())
        candle.adamw_(learned, [t.grad for t in learned], means, squares, step, lr=0.1)
        with candle.no_grad():
            p["b1"].sub_(p["b1"].grad * 0.1)
        for t in p.values():
            t.grad = None
    return history


class TrainingTests(Suite):
    """All of it together."""

    @for_each(lambda supports: {name: name for name in ("float32", "float64") if name in supports})
    def test_five_steps(self, backend: str, case: str) -> None:
        here, there = losses(backend, case), losses("cpu", case)
        assert here[-1] < here[0]
        bound = 1e-5 if case == "float32" else 1e-10
        assert all(math.isclose(a, b, rel_tol=bound) for a, b in zip(here, there, strict=True)), (here, there)
