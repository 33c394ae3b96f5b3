"""Views that share memory, writing in place, and what that does to the graph.

A view knows the tensor it is a view of (`base`) and the view ops that lead there (`chain`). Writing into
it is recorded on the base, as `ViewWrite`; the other views of that base find out by the version counter
of the storage they share, the next time somebody uses them, and read their history (and, on devices whose
arrays cannot be written, their values) anew.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from candle import _graph, _tensor
from candle._modes import enable_grad, no_grad, state
from candle.op import Op, StandIn

if TYPE_CHECKING:
    from candle._tensor import Tensor

Step = tuple[type[Op], tuple[tuple[str, Any], ...]]  # a view op and its attrs
Chain = tuple[Step, ...]
PARTS = ("real", "imag", "view_as_real", "view_as_complex")  # view ops that take numbers apart
LEAF: tuple[Any, int] = (None, 0)  # the edge of a leaf that requires grad, which must not point to itself


class Storage:
    """The memory that views share: how often it was written and, where arrays are immutable, its value."""

    __slots__ = ("inference", "root", "version")

    def __init__(self, root: Any = None):
        self.version, self.root, self.inference = 0, root, False


class View:
    """How a tensor sees its storage."""

    __slots__ = ("_base", "base_edge", "chain", "path", "recorded", "seen")

    def __init__(self, base: Tensor | None, chain: Chain, path: Chain, seen: int):
        self._base, self.chain, self.path, self.seen = base, chain, path, seen
        self.base_edge = None if base is None else base._edge
        self.recorded = state.grad

    @property
    def base(self) -> Tensor | None:
        """What it is a view of. A tensor that has changed its own shape since is itself a view, of what it was then."""
        base = self._base
        if base is not None and base._edge is not LEAF and base._view is not None and base._view.base is not None:
            self._base = base._view.base
        return self._base


def storage_of(t: Tensor) -> Storage:
    """The tensor's storage, made when first somebody else must know of it."""
    if t._storage is None:
        if t._backend.aliases:
            t._storage = Storage()
        else:
            t._storage, t._view = Storage(t._array), View(None, (), (), 0)
    return t._storage


def make_view(t: Tensor, source: Tensor, op: type[Op], attrs: dict[str, Any]) -> None:
    """Let `t`, the result of the view op, share the storage of `source`."""
    storage, step, above = source._storage or storage_of(source), ((op, tuple(attrs.items())),), source._view
    path = above.path if above else ()
    if not t._backend.aliases and path and layout(source, step) is None:
        return
    t._storage = storage
    if above is None or above.base is None or source._edge is LEAF:
        t._view = View(source, step, path + step, storage.version)
    else:
        t._view = View(above.base, above.chain + step, path + step, storage.version)
        t._view.recorded = above.recorded and state.grad


def share(t: Tensor, source: Tensor) -> Tensor:
    """Let `t` be `source` without its history: same memory and version, no base (`detach`)."""
    storage = storage_of(source)
    t._storage = storage
    if not source._backend.aliases:
        t._view = View(None, (), source._view.path if source._view else (), storage.version)
    return t


def layout(t: Tensor, step: Chain = ()) -> tuple[int, ...] | None:
    """The strides of `t` in elements, or of its next view; None where that view would have to be a copy.

    Where arrays have no layout it is the CPU's, so that the same results are views on every device.
    """
    strides = t._backend.strides(t._array)
    if strides is not None:
        return strides
    path = t._view.path if t._view else ()
    shape = t._storage.root.shape if t._storage else t._array.shape
    steps = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    if not path and not step:
        return steps
    import numpy as np

    blank = np.lib.stride_tricks.as_strided(np.empty(1, np.int8), shape, steps)  # nothing reads it
    try:
        return replay(_ViewsOnly, path + step, blank).strides  # type: ignore[no-any-return]
    except ValueError:
        return None


class _ViewsOnly:
    """What view ops need of a namespace, in NumPy, and never a copy."""

    @staticmethod
    def reshape(x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape, copy=False)

    @staticmethod
    def permute_dims(x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
        import numpy as np

        return np.broadcast_to(x, shape)

    @staticmethod
    def take_strided(x: Any, **lattice: Any) -> Any:
        from candle.backends.numpy import take_strided

        return take_strided(x, **lattice)

    @staticmethod
    def real(x: Any) -> Any:
        return x

    imag = real

    @staticmethod
    def as_real(x: Any) -> Any:
        import numpy as np

        return np.lib.stride_tricks.as_strided(x, (*x.shape, 2), (*(2 * step for step in x.strides), 1))

    @staticmethod
    def as_complex(x: Any) -> Any:
        import numpy as np

        return np.lib.stride_tricks.as_strided(x, x.shape[:-1], [step // 2 for step in x.strides[:-1]])


def replay(xp: Any, chain: Chain, x: Any) -> Any:
    for op, attrs in chain:
        x = op.forward(xp, x, **dict(attrs))
    return x


def unview(xp: Any, chain: Chain, value: Any, like: Any) -> Any:
    """An array like `like` whose view through `chain` is `value`, zero elsewhere."""
    stages = [xp.broadcast_to(xp.zeros((), dtype=like.dtype), like.shape)]
    for op, attrs in chain[:-1]:
        stages.append(op.forward(xp, stages[-1], **dict(attrs)))
    for (op, attrs), stage in zip(reversed(chain), reversed(stages), strict=True):
        assert op.vjp is not None
        (value,) = op.vjp(xp, (True,), value, None, StandIn(stage.shape, stage.dtype), **dict(attrs))
    return value


def replaced(xp: Any, chain: Chain, base: Any, value: Any) -> Any:
    """base with what `chain` sees of it replaced by value (a number, or an array of the view's shape)."""
    seen = replay(xp, chain, base)
    value = xp.broadcast_to(xp.asarray(value, dtype=seen.dtype), seen.shape)
    if any(op.name in PARTS for op, _ in chain):  # half of each number is seen, so no mask can tell
        return base - unview(xp, chain, seen, base) + unview(xp, chain, value, base)
    one = xp.broadcast_to(xp.ones((), dtype=xp.int64), seen.shape)
    hit = xp.not_equal(unview(xp, chain, one, StandIn(base.shape, xp.int64)), 0)
    return xp.where(hit, unview(xp, chain, value, base), base)


class ViewWrite(Op):
    """base with its view replaced by value;  dbase = grad with that view zeroed, dvalue = grad's view"""

    name = "view_write"

    def forward(xp: Any, base: Any, value: Any, *, chain: Chain) -> Any:
        return replaced(xp, chain, base, value)

    def vjp(xp: Any, needs: Any, grad: Any, out: Any, base: Any, value: Any, *, chain: Chain) -> Any:
        return replaced(xp, chain, grad, 0) if needs[0] else None, replay(xp, chain, grad)


# Reading


def refresh(t: Tensor) -> None:
    """Somebody wrote into the storage since `t` was last used."""
    view, storage = t._view, t._storage
    assert view is not None
    assert storage is not None
    view.seen = storage.version
    if not t._backend.aliases:
        t._array = replay(t._backend.xp, view.path, storage.root)
    if view.base is not None and view.base._edge is not view.base_edge:
        view.base_edge = view.base._edge
        t._edge = _rederive(t, view)


def _rederive(t: Tensor, view: View) -> Any:
    """The edge of `t`, had it been taken from its base just now."""
    from candle._apply import apply

    base = view.base
    assert base is not None
    if base._edge is None:
        return None
    edge = base.gradient_edge
    with enable_grad():
        again = _tensor.wrap(base._array, base._backend, edge)
        for op, attrs in view.chain:
            again = apply(op, again, **dict(attrs))
    return again._edge


# Writing


def overwrite(t: Tensor, value: Any) -> None:
    """Put new values where `t` is, whoever sees them; no history."""
    storage, backend = storage_of(t), t._backend
    _refuse_overlap(t)
    if backend.aliases:
        backend.write(t._array, value)
    else:
        xp, path = backend.xp, t._view.path if t._view else ()
        value = xp.astype(xp.broadcast_to(value, t._array.shape), t._array.dtype)
        storage.root = ViewWrite.forward(xp, storage.root, value, chain=path) if path else value
        t._array = value
    storage.version += 1
    if t._view is not None and t._view.base is None:
        t._view.seen = storage.version


def _refuse_overlap(t: Tensor, tracked: bool = False) -> None:
    """Of elements that share a place (expanded, or windows that overlap) the last would win, and the rule of writing
    would not know. PyTorch lets the windows pass."""
    reach, steps = 0, () if t._backend.owned(t._array) else layout(t) or ()
    for step, size in sorted((abs(step), size) for step, size in zip(steps, t._array.shape) if size > 1):
        if step <= reach and (tracked or not step) and t.numel():
            raise RuntimeError(
                f"writing in place into an expanded or overlapping view, of shape {tuple(t._array.shape)} and strides "
                f"{steps}: several of its elements share one place in memory; clone() it first"
            )
        reach += step * (size - 1)


def assign(t: Tensor, value: Tensor, name: str) -> Tensor:
    """t[...] = value, with its history: the one way in which any tensor is changed in place."""
    t.current()
    if value._backend.level > t._backend.level:
        raise RuntimeError(
            f"{name}: inside vmap, values that differ between examples cannot be written into a tensor that is the "
            f"same for all; use the operation that makes a new tensor, or map over this one too"
        )
    if tuple(value.shape) != tuple(t.shape):
        raise RuntimeError(
            f"{name}: the result has shape {tuple(value.shape)}, which does not fit into {tuple(t.shape)}"
        )
    _refuse_lossy(t, value, name)
    _refuse_inference(t, name)
    tracked = state.grad and (t._edge is not None or value._edge is not None)
    base = _check_writable(t, name) if state.grad else None
    if tracked and value.dtype is not t.dtype:
        value = value.to(t.dtype)
    if tracked:
        _refuse_overlap(t, tracked)
    _save_before_writing(t, value)
    overwrite(t, value.current())
    if not tracked:
        return t
    if base is None:
        t._edge = value._edge
    else:
        base._edge = _record_write(base, value, t)
        _move_retained(base)
    _move_retained(t)
    return t


def writes_directly(t: Tensor, value: Tensor) -> bool:
    """Whether writing a value into parts of `t` leaves no history, and touches only those parts."""
    tracked = state.grad and (t.requires_grad or value.requires_grad)
    return t._backend.aliases and not tracked and t._backend is value._backend and not t._backend.level


def write_at(t: Tensor, indices: list[Tensor], value: Tensor) -> None:
    """t[i, j, ...] = value, without a copy of the rest."""
    _refuse_overlap(t)
    _refuse_inference(t, "index_put_")
    storage = storage_of(t)
    t._backend.write_at(t.current(), tuple(i.current() for i in indices), value.current())
    storage.version += 1


def become(t: Tensor, make: Callable[[Tensor], Tensor], name: str) -> Tensor:
    """Let `t` be a view of itself, in another shape (`squeeze_`): same memory, same history, one step longer."""
    if state.grad:
        _check_writable(t, name)
    before = _tensor.wrap(t.current(), t._backend, t._edge)
    before._storage, before._view = storage_of(t), t._view
    after = make(before)
    t._array, t._edge, t._storage, t._view = after._array, after._edge, after._storage, after._view
    return t


def _refuse_inference(t: Tensor, name: str) -> None:
    if t._storage is not None and t._storage.inference and not state.inference:
        raise RuntimeError(f"{name}: a tensor made in inference_mode cannot be written outside; clone() it first")


def _refuse_lossy(t: Tensor, value: Tensor, name: str) -> None:
    if value.dtype.category > t.dtype.category:
        raise RuntimeError(f"{name}: result type {value.dtype} can't be cast to the desired output type {t.dtype}")


def _check_writable(t: Tensor, name: str) -> Tensor | None:
    """Raise if writing here would lose a gradient; returns the base if `t` is a view."""
    if t._edge is LEAF:
        raise RuntimeError(
            f"{name}: a leaf Variable that requires grad is being used in an in-place operation; do it under no_grad()"
        )
    view = t._view
    if view is None or view.base is None:
        return None
    if view.base._edge is LEAF:
        raise RuntimeError(
            f"{name}: a view of a leaf Variable that requires grad is being used in an in-place operation; "
            f"do it under no_grad()"
        )
    if not view.recorded and view.base._edge is not None:
        raise RuntimeError(f"{name}: this view was made under no_grad and is written with gradients on; make it again")
    return view.base


def _save_before_writing(t: Tensor, value: Tensor) -> None:
    """The op that made `value` may have saved what `t` held; let it keep a copy of that."""
    node = value._edge[0] if value._edge is not None else None
    if not isinstance(node, _graph.Node) or not node.versions or node.payload is None:
        return
    inputs, outs, residuals = node.payload
    copies = tuple(t._backend.copy(x) if x is t._array else x for x in inputs)
    left = list(node.versions)
    for new, old in zip(copies, inputs, strict=True):
        if new is not old:
            left.remove((t._storage, t._storage.version if t._storage else 0))
    node.payload, node.versions = (copies, outs, residuals), left


def _record_write(base: Tensor, value: Tensor, t: Tensor) -> Any:
    from candle._apply import record

    view = t._view
    assert view is not None
    base_before = _tensor.wrap(base._array, base._backend, None if base._edge is None else base.gradient_edge)
    node = record(
        ViewWrite,
        base._backend,
        (base_before, value),
        (base._array, value._array),
        {"chain": view.chain},
        (base._array,),
    )
    return node, 0


def _move_retained(t: Tensor) -> None:
    """retain_grad means the tensor as it is now."""
    node = t._extra.pop("retained", None) if t._extra else None
    if node is not None:
        node.extra["retained"] = {i: seen for i, seen in node.more("retained").items() if seen() is not t}
        t.retain_grad()


def detached(t: Tensor) -> Tensor:
    with no_grad():
        return share(_tensor.wrap(t._backend.detached(t.current()), t._backend), t)


def of_copy(view: View, memo: dict[int, Any]) -> Tensor:
    """For `copy.deepcopy`: the same view of a deep copy of its base, so that what shared memory still does."""
    from candle._apply import apply

    with no_grad():
        again = copy.deepcopy(view.base, memo)
        for op, attrs in view.chain:
            again = apply(op, again, **dict(attrs))
    return again  # type: ignore[return-value]
