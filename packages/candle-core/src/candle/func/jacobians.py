"""Jacobians, by rows or by columns, and Hessians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from candle import ops
from candle._modes import Switch, state
from candle._tensor import Tensor
from candle.func.argnums import Chosen
from candle.func.derivative import Derivative, differentiable
from candle.func.products import jvp
from candle.func.pytree import leaves_of, map_leaves, rebuild
from candle.func.vmap import vmap


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `func`, a row for each output element, by vmap over vjp.

    Shape: (*output shape, *input shape).

    >>> import candle
    >>> candle.func.jacrev(lambda x: x * x)(candle.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(argnums, args)
        at = Derivative("jacrev", chosen.function(func, kwargs), chosen.values, has_aux, differentiable)
        _refuse_complex("jacrev", at.ins)
        result = rebuild(at.out, [rebuild(chosen.form, each) for each in by_rows(at, chunk_size)])
        return at.settled((result, at.aux) if has_aux else result)

    return wrapped


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `func`, a column for each input element, by vmap over jvp.

    `randomness` is that of `vmap`, here over the columns.
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = Chosen(argnums, args)
        function, values = chosen.function(func, kwargs), chosen.values
        if randomness == "different":  # so the function runs for each column
            run = lambda *t: jvp(function, values, rebuild(values, t), has_aux=has_aux)[1:]  # noqa: E731
            ins = leaves_of(values)
            columns, *aux = vmap(run, 0, (0, None) if has_aux else (0,), randomness)(*_basis(ins))
            result = map_leaves(lambda batch: rebuild(chosen.form, _split_columns(batch, ins)), columns)
            return (result, *aux) if has_aux else result
        with Switch(vmaps=(*state.vmaps, _Columns(randomness))):
            at = Derivative("jacfwd", function, values, has_aux)
        _refuse_complex("jacfwd", at.ins)
        result = rebuild(at.out, [rebuild(chosen.form, each) for each in by_columns(at)])
        return at.settled((result, at.aux) if has_aux else result)

    return wrapped


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of `func`.

    >>> import candle
    >>> candle.func.hessian(lambda x: (x**3).sum())(candle.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


class _Columns:
    """Stands among the levels of vmap while jacfwd's function runs, once for all columns, to watch what it draws."""

    level, size = 0, 1

    def __init__(self, randomness: str):
        self.randomness = randomness

    def batched(self, t: Tensor) -> Tensor:
        return t.squeeze(0)


def by_rows(at: Derivative, chunk_size: int | None = None) -> list[list[Tensor]]:
    """The Jacobians by output, then by input, from the weights of one output element at a time."""
    rows = vmap(lambda *weights: at.pull(weights), chunk_size=chunk_size)(*_basis(at.outs))
    by_input = [_split_rows(batch, at.outs) for batch in rows]
    return [list(each) for each in zip(*by_input, strict=True)]


def by_columns(at: Derivative) -> list[list[Tensor]]:
    """The same, from the change of one input element at a time."""
    return [_split_columns(batch, at.ins) for batch in vmap(at.pushing())(*_basis(at.ins))]


def _basis(tensors: list[Tensor]) -> list[Tensor]:
    """All unit vectors of several tensors together, as one batch for each."""
    total = sum(t.numel() for t in tensors)
    parts, start = [], 0
    for t in tensors:
        rows = ops.eye(total, dtype=t.dtype, device=t.device)[:, start : start + t.numel()]
        parts.append(rows.reshape(total, *t.shape))
        start += t.numel()
    return parts


def _split_rows(batch: Tensor, outs: list[Tensor]) -> list[Tensor]:
    rows = batch.split([t.numel() for t in outs])
    return [r.reshape(*t.shape, *batch.shape[1:]) for r, t in zip(rows, outs, strict=True)]


def _split_columns(batch: Tensor, ins: list[Tensor]) -> list[Tensor]:
    """The axis that counts input elements comes last, in the shape of each input."""
    return [
        rows.movedim(tuple(range(x.ndim)), tuple(range(-x.ndim, 0)))
        for rows, x in zip(_split_rows(batch, ins), ins, strict=True)
    ]


def _refuse_complex(name: str, ins: list[Tensor]) -> None:
    if any(x.is_complex() for x in ins):
        raise RuntimeError(f"{name}: expected all inputs to be real; differentiate the parts of complex ones")
