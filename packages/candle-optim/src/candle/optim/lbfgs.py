"""L-BFGS: Newton's method, with the curvature guessed from the last steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import candle
from candle import Tensor
from candle.optim._checks import check_at_least_zero
from candle.optim._line_search import strong_wolfe
from candle.optim.optimizer import Optimizer, ParamsT

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Goes along -H g, with H the inverse Hessian guessed from the last `history_size` steps and changes of g.

    One `step` is up to `max_iter` iterations; `closure` clears the gradients, computes the loss, calls backward
    and returns the loss. With `line_search_fn="strong_wolfe"` each iteration looks for a good length, else it is
    lr. All parameters in one group, full batches (Nocedal and Wright 2006, algorithms 7.4 and 3.5).

    >>> import candle
    >>> w = candle.tensor([-1.0, 2.0], requires_grad=True)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> optimizer = candle.optim.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
    >>> optimizer.step(closure)
    tensor(104., grad_fn=<AddBackward>)
    >>> [round(x, 3) for x in w.tolist()]
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_at_least_zero(lr=lr)
        if history_size < 1:
            raise ValueError(f"Invalid history_size value: {history_size}; it must be at least 1")
        super().__init__(
            params,
            {
                **{"lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval},
                **{"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change},
                **{"history_size": history_size, "line_search_fn": line_search_fn},
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @candle.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to max_iter iterations; returns the loss before them."""
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        lr, state = float(group["lr"]), self.state[group["params"][0]]  # where PyTorch keeps it
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = self._evaluate(closure)
        loss, grad, evaluations = float(first_loss), self._grad(), 1
        state["func_evals"] += 1
        if _largest(grad) <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(d=-grad, old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
                length = min(1.0, 1.0 / float(grad.abs().sum())) * lr
            else:
                _remember(state, grad, group["history_size"])
                state["d"], length = _newton(state, grad), lr
            direction, before = state["d"], loss
            state.update(prev_flat_grad=grad, prev_loss=loss, t=length)
            slope = _dot(grad, direction)
            if slope > -group["tolerance_change"]:
                break
            more = 0
            if group["line_search_fn"]:
                at, most = self._along(direction, closure), group["max_eval"] - evaluations
                loss, grad, length, more = strong_wolfe(at, length, direction, loss, grad, slope, max_ls=most)
                state["t"] = length
            self._move(length, direction)
            if not group["line_search_fn"] and iteration != group["max_iter"]:
                loss, grad, more = float(self._evaluate(closure)), self._grad(), 1
            evaluations += more
            state["func_evals"] += more
            if evaluations >= group["max_eval"] or _largest(grad) <= group["tolerance_grad"]:
                break
            if _largest(direction) * abs(length) <= group["tolerance_change"]:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        return first_loss

    def _along(self, direction: Tensor, closure: Callable[[], Any]) -> Callable[[float], tuple[float, Tensor]]:
        """The loss and its gradient at a distance from here, as a function of it."""
        here = [p.clone() for p in self.param_groups[0]["params"]]

        def at(length: float) -> tuple[float, Tensor]:
            self._move(length, direction)
            found = float(self._evaluate(closure)), self._grad()
            for p, before in zip(self.param_groups[0]["params"], here, strict=True):
                p.copy_(before)
            return found

        return at

    def _evaluate(self, closure: Callable[[], Any]) -> Any:
        with candle.enable_grad():
            return closure()

    def _grad(self) -> Tensor:
        """All gradients as one vector, complex numbers as two."""
        parts = [candle.zeros_like(p) if p.grad is None else p.grad for p in self.param_groups[0]["params"]]
        flat: Tensor = candle.cat([_real(part.detach()).reshape(-1) for part in parts])
        return flat

    def _move(self, length: float, direction: Tensor) -> None:
        start = 0
        for p in map(_real, self.param_groups[0]["params"]):
            p.add_(direction[start : start + p.numel()].reshape(p.shape), alpha=length)
            start += p.numel()


def _real(x: Tensor) -> Tensor:
    return candle.view_as_real(x) if x.dtype.is_complex else x


def _dot(a: Tensor, b: Tensor) -> float:
    return float(a.dot(b))


def _largest(x: Tensor) -> float:
    return float(x.abs().max())


def _remember(state: dict[str, Any], grad: Tensor, size: int) -> None:
    """Add the last step s, and the change y of the gradient along it, to what the Hessian is guessed from."""
    y, s = grad - state["prev_flat_grad"], state["d"] * float(state["t"])
    along = _dot(y, s)
    if along > 1e-10:
        new = {"old_dirs": y, "old_stps": s, "ro": 1.0 / along}
        for name, value in new.items():
            state[name] = [*state[name], value][-size:]
        state["H_diag"] = along / _dot(y, y)


def _newton(state: dict[str, Any], grad: Tensor) -> Tensor:
    """-H grad by the two loops of algorithm 7.4: over the steps from the last to the first, and back."""
    steps = list(zip(state["old_dirs"], state["old_stps"], map(float, state["ro"]), strict=True))
    q, weights = -grad, []
    for y, s, ro in reversed(steps):
        weights.append(_dot(s, q) * ro)
        q = q - y * weights[-1]
    r = q * float(state["H_diag"])
    for (y, s, ro), weight in zip(steps, reversed(weights), strict=True):
        r = r + s * (weight - _dot(y, r) * ro)
    return r
