"""The door: every operation on Tensors goes through `apply`.

pick the backend → bring the inputs to one dtype → run a kernel or the op's rule → record a Node
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from candle._graph import Node
from candle._modes import Switch, special, state
from candle._promotion import common_dtype, from_array, mixed, narrow, needs_width, promote, refuse_bools, wide
from candle._tensor import Tensor, wrap
from candle._views import LEAF, make_view, overwrite, refresh, storage_of
from candle.op import MutatingOp, Op, stand_in

if TYPE_CHECKING:
    from candle.backends.base import Backend
    from candle.kernels import Kernel


def apply(op: type[Op], *inputs: Any, **attrs: Any) -> Any:
    """Run `op` on Tensors, Python numbers and None."""
    if special.count and state.autocast is not None and op.autocast is not None:
        inputs = _autocast(op, inputs)
    backend: Any = None
    dtype: Any = None
    out: Any = None
    tracked, alike, numbers = False, True, False
    arrays = []
    for t in inputs:
        if isinstance(t, Tensor):
            if t._view is not None and t._view.seen != t._storage.version:  # type: ignore[union-attr]
                refresh(t)
            array = t._array
            if backend is None:
                backend, dtype = t._backend, array.dtype
            elif t._backend is not backend:
                return apply(op, *meet(op, inputs), **attrs)
            elif array.dtype is not dtype and array.dtype != dtype:
                alike = False
            if t._edge is not None:
                tracked = True
            arrays.append(array)
        else:
            if type(t) is float or type(t) is int:
                numbers = True
            else:
                alike = False
            arrays.append(t)
    if backend is None:
        raise TypeError(f"{op.name}: expected at least one Tensor, got {', '.join(map(repr, inputs))}")
    way = backend.ways[op]
    if (
        way.suited is not None
        and not (alike and dtype in (way.beside_numbers if numbers else way.suited))
        and mixed(op, arrays, way.suited)
    ):
        if any(type(t) is not Tensor and getattr(t, "ndim", 0) and not isinstance(t, Tensor) for t in inputs):
            return apply(op, *map(from_array, inputs), **attrs)
        common = common_dtype(op, inputs, backend)
        if needs_width(op, inputs, backend.raw_dtype(common), backend):
            widened = [wide(t) if op.promotes_input(i) else t for i, t in enumerate(inputs)]
            with Switch(autocast=None):  # which would narrow them again
                return narrow(apply(op, *widened, **attrs), common)
        inputs, arrays = promote(op, inputs, arrays, common, backend)
    kernel = residuals = None
    try:
        if offers := backend.kernels[way.name]:
            out, residuals, kernel = _run_kernel(offers, arrays, attrs)
        if kernel is None:
            out = way.rule(*arrays, **attrs)
    except Exception as error:
        refuse_bools(op, inputs)
        raise explain_failure(op, inputs, attrs, error) from error
    if type(out) is not way.array_type:
        if isinstance(out, tuple):
            return _wrap_many(op, backend, inputs, arrays, attrs, out, kernel, residuals, tracked)
        if not isinstance(out, way.array_type):
            out = backend.to_array(out)
    result = wrap(out, backend)
    # in inference mode not even an enable_grad inside records anything
    if tracked and out.dtype in way.carriers and state.grad and not (special.count and state.inference):
        result._edge = (record(op, backend, inputs, arrays, attrs, (out,), kernel, residuals, (result,)), 0)
    if way.view:
        source = inputs[0]
        if not way.aliases or backend.shares_memory(out, source._array):
            make_view(result, source, op, attrs)
    if special.count:
        _inspect(op, inputs, result)
    return result


def _run_kernel(offers: Sequence[Kernel], arrays: list[Any], attrs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The first kernel that accepts: its result and residuals, and the kernel itself; three None if none does."""
    for kernel in offers:
        answer = kernel.forward(*arrays, **attrs)
        if answer is not NotImplemented:
            return *answer, kernel
    return None, None, None


def _wrap_many(
    op: Any, backend: Any, inputs: Any, arrays: Any, attrs: Any, outs: Any, kernel: Any, residuals: Any, tracked: bool
) -> tuple[Tensor, ...]:
    outs = tuple(out if isinstance(out, backend.array_type) else backend.to_array(out) for out in outs)
    results = tuple(wrap(out, backend) for out in outs)
    carries = [i not in op.no_grad_outputs and out.dtype in backend.inexact for i, out in enumerate(outs)]
    if tracked and state.grad and any(carries) and not (special.count and state.inference):
        node = record(op, backend, inputs, arrays, attrs, outs, kernel, residuals, results)
        for i, (result, carry) in enumerate(zip(results, carries, strict=True)):
            if carry:
                result._edge = (node, i)
    if special.count:
        _inspect(op, inputs, results)
    return results


def record(
    op: type[Op],
    backend: Backend,
    inputs: Any,
    arrays: Any,
    attrs: dict[str, Any],
    outs: Sequence[Any],
    kernel: Any = None,
    residuals: Any = None,
    results: tuple[Tensor, ...] = (),
) -> Node:
    """A Node that keeps what the derivative reads, and stand-ins for the rest."""
    edges = []
    for t in inputs:
        edge = t._edge if isinstance(t, Tensor) else None
        edges.append((t, 0) if edge is LEAF else edge)
    way = backend.ways[op]
    needs = tuple(map(bool, edges))
    kept, dropped, keep_out = way.plans.get(needs) or op.plan(needs)
    versions = []
    for i in kept:
        t = inputs[i]
        if isinstance(t, Tensor):
            storage = t._storage or storage_of(t)
            versions.append((storage, storage.version))
    if dropped:
        arrays = list(arrays)
        for i in dropped:
            if isinstance(inputs[i], Tensor):
                arrays[i] = stand_in(arrays[i])
    if keep_out:
        versions += [(storage, storage.version) for storage in map(storage_of, results)]
    else:
        outs = tuple(map(stand_in, outs))
    node = Node(op, backend, edges, needs, attrs, (arrays, outs, residuals), versions, kernel)
    if not way.aliases:
        node.versions = ()  # arrays that cannot be written need no watching
    if special.count or special.inference:
        _record_specially(node)
    return node


def _record_specially(node: Node) -> None:
    if any(storage.inference for storage, _ in node.versions):
        raise RuntimeError(f"{node.op.name}: tensors made in inference_mode cannot be saved for backward; clone() them")
    if state.pack is not None and node.saves:
        node.put_away(unpack=state.pack(node.payload, node.backend))
    if state.anomaly:
        from candle.autograd.anomaly import user_line

        node.where = user_line()


def meet(op: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Bring inputs of several backends to one: batched ones (vmap) lift the others; CPU numbers follow."""
    backends = {id(t._backend): t._backend for t in inputs if isinstance(t, Tensor)}.values()
    top: Any = max(backends, key=lambda b: b.level)
    if top.level:
        return tuple(top.lift(t) if isinstance(t, Tensor) and t._backend is not top else t for t in inputs)
    others = [t for t in inputs if isinstance(t, Tensor) and (t.ndim or str(t.device) != "cpu")]
    if len({id(t._backend) for t in others}) == 1:
        return tuple(t.to(others[0].device) if isinstance(t, Tensor) else t for t in inputs)
    places = ", ".join(
        f"{op.inputs[min(i, len(op.inputs) - 1)]} on {t.device}" for i, t in enumerate(inputs) if isinstance(t, Tensor)
    )
    raise RuntimeError(
        f"{op.name}: expected all tensors on the same device, found {places}; move them with .to(device)"
    )


# The rarer switches: the door comes here only while somebody, in some thread, has one on


def _autocast(op: type[Op], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    from candle.amp import cast_inputs

    return cast_inputs(op, inputs)


def _inspect(op: type[Op], inputs: tuple[Any, ...], result: Any) -> None:
    """Mark what inference mode made, and look for the first nan in anomaly mode."""
    if state.inference:
        for t in result if isinstance(result, tuple) else (result,):
            if t._view is None:  # a view is of what it sees
                storage_of(t).inference = special.inference = True
    if state.anomaly:
        from candle.autograd.anomaly import check_forward

        check_forward(op, inputs, result)


def mutate(op: type[MutatingOp], *inputs: Any, **attrs: Any) -> None:
    """Run a mutating op: inputs are lists of tensors and plain numbers; nothing is recorded."""
    arrays = [[t.current() for t in x] if isinstance(x, list | tuple) else x for x in inputs]
    backend = next(x[0]._backend for x in inputs if isinstance(x, list | tuple) and x)
    targets = [x for name, x in zip(op.inputs, inputs, strict=True) if name in op.mutates]
    for kernel in backend.kernels[op.name]:
        if kernel.forward(*arrays, **attrs) is not NotImplemented:
            for t in [t for each in targets for t in each]:
                (t._storage or storage_of(t)).version += 1
            return
    for each, values in zip(targets, op.forward(backend.xp, *arrays, **attrs), strict=True):
        for t, value in zip(each, values, strict=True):
            overwrite(t, value)


def explain_failure(op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], error: Exception) -> Exception:
    """The library's error, with the operation and what it was given."""

    def describe(i: int, t: Any) -> str:
        what = f"{tuple(t.shape)} {t.dtype.name}" if isinstance(t, Tensor) else repr(t)
        return f"{op.input_name(i)}: {what}"

    given = ", ".join([describe(i, t) for i, t in enumerate(inputs)] + [f"{k}={v!r}" for k, v in attrs.items()])
    message = str(error)
    not_of_types = isinstance(error, TypeError) and ("ufunc" in message or "broadcast" in message)  # a dtype, shapes
    kind = RuntimeError if isinstance(error, ValueError) or not_of_types else type(error)
    if message.startswith(op.name) and message.split()[0].endswith(":"):  # it is candle's own
        return kind(message)
    if "broadcast" in message:
        message = (
            "these shapes do not broadcast: sizes must be equal, or one of them 1, counted from the last dimension"
        )
    try:
        return kind(f"{op.name}({given}): {message}")
    except TypeError:  # an exception class that takes no plain message
        return RuntimeError(f"{op.name}({given}): {message}")
