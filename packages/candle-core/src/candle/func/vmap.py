"""`vmap`: a function for one example, applied to a whole batch at once.

It is a backend. Its arrays carry a batch axis in front that their shape does not show, and its namespace
says for each name of the contract how to work around that axis. Every op is written in these names, so
all ops, and all their derivatives, work on batches without knowing.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from candle import _dtypes, ops, random
from candle._modes import Switch, no_grad, state
from candle._tensor import Tensor, wrap
from candle.backends.base import Backend
from candle.func.pytree import leaves_of, rebuild, spread
from candle.func.vmap_graph import record, wants_gradients
from candle.func.vmap_rules import BatchedArray, namespace
from candle.kernels import Table
from candle.op import Op
from candle.plugins import backend_of

_levels = itertools.count(1)  # a later vmap stands above an earlier one


class VmapBackend(Backend):
    """One level of vmap over a device."""

    aliases = False
    array_type = BatchedArray

    def __init__(self, level: int, size: int, device: Any, randomness: str):
        super().__init__(device)
        self.level, self.size, self.randomness, self.kernels = level, size, randomness, Table([])
        self.xp = namespace(backend_of(device))
        self.dtypes = {d: d for d in _dtypes.ALL}  # arrays are Tensors inside: their dtypes are candle's

    @functools.cached_property
    def native(self) -> frozenset[Any]:
        return frozenset(d for d in self.inexact if d.itemsize > 2)

    def rule(self, op: type[Op]) -> Callable[..., Any]:
        return functools.partial(self.run_rule, op)

    def run_rule(self, op: type[Op], *arrays: Any, **attrs: Any) -> Any:
        """The op's rule. If somebody outside wants gradients, they come by the op's derivative too."""
        if not state.grad or op.vjp is None or not any(map(wants_gradients, arrays)):
            return op.forward(self.xp, *arrays, **attrs)
        with no_grad():
            result = op.forward(self.xp, *arrays, **attrs)
        record(op, self, list(arrays), attrs, result if isinstance(result, tuple) else (result,))
        return result

    def detached(self, array: Any) -> Any:
        return BatchedArray(array.value.detach())

    def raw_dtype(self, d: _dtypes.dtype) -> _dtypes.dtype:
        return d

    def to_array(self, result: Any) -> Any:
        return result if isinstance(result, BatchedArray) else self.xp.asarray(result)

    def copy(self, array: Any) -> Any:
        return array

    def batched(self, t: Tensor) -> Tensor:
        """A tensor whose first axis counts the examples."""
        return wrap(BatchedArray(t), self)

    def lift(self, t: Tensor) -> Tensor:
        """A tensor from outside: the same for every example."""
        return wrap(BatchedArray(t.unsqueeze(0)), self)

    def from_numpy(self, array: Any) -> Any:
        return BatchedArray(ops.tensor(array, device=self.device).unsqueeze(0))

    def to_numpy(self, array: Any) -> Any:
        raise RuntimeError(
            "vmap: the function asks for the values of a batched tensor (.item(), bool(), .numpy()), "
            "which differ from example to example; use candle.where instead of if"
        )


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps `func` over a batch axis of its inputs.

    `in_dims` says which axis of each input (None: the same for all), `out_dims` where it goes in each output.
    Keyword arguments are the same for all. `randomness`: whether random numbers are an "error", the "same" for all
    examples, or "different".

    >>> import candle
    >>> candle.vmap(lambda row: row.sum() * row)(candle.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[ 3.,  6.],
            [21., 28.]])
    """
    if randomness not in ("error", "same", "different"):
        raise ValueError(f"vmap: randomness must be 'error', 'same' or 'different', got {randomness!r}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size must be None or at least 1, got {chunk_size}")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        values = leaves_of(args)
        axes = spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args, "in_dims")
        size = _batch_size(values, axes)
        if chunk_size is not None and size > chunk_size:
            part = functools.partial(batched, **kwargs)
            return _in_chunks(part, values, axes, args, size, chunk_size, out_dims, randomness)
        device = next(v.device for v, d in zip(values, axes, strict=True) if isinstance(v, Tensor) and d is not None)
        level = VmapBackend(next(_levels), size, device, randomness)
        given = [
            level.batched(v.movedim(d, 0)) if isinstance(v, Tensor) and d is not None else v
            for v, d in zip(values, axes, strict=True)
        ]
        with Switch(vmaps=(*state.vmaps, level)):
            out = func(*rebuild(args, given), **kwargs)
        for t, v, d in zip(given, values, axes, strict=True):
            if t is not v and t._version:  # the function wrote into its argument
                v.movedim(d, 0).copy_(t.current().value)
        single = isinstance(out, Tensor) and isinstance(out_dims, list | tuple) and len(out_dims) == 1
        places = spread(out_dims[0] if single else out_dims, out, "out_dims")
        return rebuild(out, [_unbatch(t, d, level, size) for t, d in zip(leaves_of(out), places, strict=True)])

    return batched


def _batch_size(values: list[Any], axes: list[Any]) -> int:
    found = {}
    for i, (v, d) in enumerate(zip(values, axes, strict=True)):
        if d is not None and type(d) is not int:
            raise ValueError(f"vmap: in_dims must hold integers and None, got {d!r} for input {i}")
        if d is not None and isinstance(v, Tensor):
            if not v.ndim or not -v.ndim <= d < v.ndim:
                raise ValueError(f"vmap: input {i} of shape {tuple(v.shape)} has no dim {d} to map over")
            found[i] = v.shape[d]
        elif d is not None and not isinstance(v, Tensor) and d != 0:
            raise ValueError(
                f"vmap: input {i} is a {type(v).__name__}; only tensors can be mapped over, use in_dims None"
            )
    if not found:
        raise ValueError("vmap: at least one input must be a tensor to map over")
    if len(set(found.values())) > 1:
        raise ValueError(f"vmap: the sizes to map over differ between inputs: {found}")
    return int(next(iter(found.values())))


def lifted(t: Tensor) -> Tensor:
    """The tensor on the innermost level of vmap that is running, so that what is done to it is done per example."""
    for level in state.vmaps:
        if t._backend.level < level.level:
            t = level.lift(t)
    return t


def _unbatch(t: Any, dim: Any, level: VmapBackend, size: int) -> Tensor:
    if not isinstance(t, Tensor):
        raise ValueError(f"vmap: the function must return tensors, got a {type(t).__name__}")
    value = t.current().value if t._backend is level else t.unsqueeze(0)
    if dim is None:
        if value.shape[0] != 1:
            raise ValueError("vmap: out_dims is None for a result that differs from example to example")
        return value[0]
    return value.expand(size, *value.shape[1:]).movedim(0, dim)


def _in_chunks(
    batched: Any, values: list[Any], axes: list[Any], form: Any, size: int, step: int, out_dims: Any, randomness: str
) -> Any:
    parts, drawn_from = [], random.get_rng_state()
    for start in range(0, size, step):
        if randomness == "same":
            random.set_rng_state(drawn_from)
        length = min(step, size - start)
        part = [
            v.narrow(d, start, length) if d is not None and isinstance(v, Tensor) else v
            for v, d in zip(values, axes, strict=True)
        ]
        parts.append(batched(*rebuild(form, part)))
    dims = spread(out_dims, parts[0], "out_dims")
    columns = zip(*map(leaves_of, parts), strict=True)
    return rebuild(parts[0], [c[0] if d is None else ops.cat(c, d) for c, d in zip(columns, dims, strict=True)])
