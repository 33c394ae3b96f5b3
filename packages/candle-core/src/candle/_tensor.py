"""`Tensor`: an array on a device, and where it came from.

Its operators call ops; the other methods are put here by the ops themselves (`@method` beside each op's
public function), so that an op has one place.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from numbers import Number
from typing import TYPE_CHECKING, Any

from candle import _backward, _dtypes, _graph, _views
from candle._device import Device
from candle._methods import Methods
from candle._modes import state
from candle._size import Size
from candle.plugins import backend_of

if TYPE_CHECKING:
    import numpy as np

    from candle._graph import Edge, Node, RemovableHandle
    from candle._views import Storage, View
    from candle.backends.base import Backend


class Tensor(Methods):
    """An array with a dtype, a device and, where gradients are wanted, a history.

    >>> import candle
    >>> x = candle.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_backend", "_edge", "_extra", "_grad", "_storage", "_view")
    __array_priority__ = 1000  # numpy_array + tensor asks the tensor

    _array: Any
    _backend: Backend
    _edge: Edge | None  # (node, output index); LEAF; or None: needs no gradient
    _storage: Storage | None  # made when somebody shares or saves the memory
    _view: View | None
    _extra: dict[str, Any] | None  # hooks
    _grad: Tensor | None
    _edges, outputs = (), 1  # as the end of an edge, a leaf leads nowhere further

    def __init__(self, *data: Any, dtype: _dtypes.dtype | None = None, device: Any = None, requires_grad: bool = False):
        """`Tensor([1, 2])` holds floats; `Tensor(2, 3)` is of that shape; what is a tensor already is shared."""
        from candle.ops.creation import empty, tensor

        source, dtype = data[0] if len(data) == 1 else (), dtype or _dtypes.get_default_dtype()
        if len(data) > 1 or isinstance(source, int | Size):
            source = empty(*data, dtype=dtype, device=device)
        elif not isinstance(source, Tensor):
            source = tensor(source, dtype=dtype, device=device)
        self._array, self._backend, self._edge, self._storage = source.current(), source._backend, None, source._storage
        self._view, self._extra, self._grad = None, None, None
        self.requires_grad = requires_grad

    # What it is

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    @property
    def ndim(self) -> int:
        return self._array.ndim  # type: ignore[no-any-return]

    @property
    def dtype(self) -> _dtypes.dtype:
        return self._backend.dtypes[self._array.dtype]

    @property
    def device(self) -> Device:
        return self._backend.device

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    nbytes = property(lambda self: self.itemsize * self.shape.numel())

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one of its sizes."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """How many dimensions there are."""
        return self.ndim

    ndimension = dim

    def is_inference(self) -> bool:
        """Whether it was made in `inference_mode`, so that no derivative may need it."""
        return self._storage is not None and self._storage.inference

    @property
    def _version(self) -> int:
        """How often the memory was written in place."""
        return self._storage.version if self._storage else 0

    # Its values

    def current(self) -> Any:
        """The backend's array, up to date with what was written through other views."""
        if self._view is not None and self._view.seen != self._storage.version:  # type: ignore[union-attr]
            _views.refresh(self)
        return self._array

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """A NumPy array, sharing memory on the CPU."""
        if force:
            return self.detach().cpu().numpy()
        if self._edge is not None:
            raise RuntimeError("numpy: this tensor requires grad, and NumPy would lose that: use x.detach().numpy()")
        if self.device.type != "cpu":
            raise TypeError(f"numpy: the values are on {self.device}: use x.cpu().numpy()")
        _views.storage_of(self)
        return self._backend.to_numpy(self.current())

    def item(self) -> Any:
        """The one value, as a Python number."""
        if self.numel() != 1:
            raise RuntimeError(
                f"item: a tensor of shape {tuple(self.shape)} has {self.numel()} values; it must have one"
            )
        value = self._backend.to_numpy(self.current()).reshape(())[()]
        return float(value) if self.dtype is _dtypes.bfloat16 else value.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._backend.to_numpy(self.current()).tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise RuntimeError(f"the truth of a tensor of shape {tuple(self.shape)} is ambiguous: use .any() or .all()")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    __complex__ = lambda self: complex(self.item())  # noqa: E731

    def __index__(self) -> int:
        if self.dtype.category > _dtypes.INT or self.numel() != 1:
            what = f"{self.dtype} of shape {tuple(self.shape)}"
            raise TypeError(f"only integer tensors of one element can be converted to an index, got {what}")
        return int(self.item())

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self.ndim else self

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, Number) and not hasattr(value, "dtype"):
            raise RuntimeError(f"in: a tensor holds numbers, so it cannot be asked for {value!r}")
        return bool((self == value).any())

    # Its history

    @property
    def requires_grad(self) -> bool:
        if self._view is not None:
            self.current()  # somebody may have written a tracked value through another view
        return self._edge is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not wanted and self.grad_fn is not None:
            raise RuntimeError("requires_grad: only leaves can stop requiring grad; use x.detach()")
        if wanted and self.dtype.category < _dtypes.FLOAT:
            raise RuntimeError(
                f"requires_grad: only floating-point and complex tensors can require gradients, not {self.dtype}"
            )
        if wanted and self.is_inference() and not state.inference:
            raise RuntimeError("requires_grad: not for a tensor made in inference_mode; clone() it first")
        if self.grad_fn is None:
            self._edge = _views.LEAF if wanted else None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Whether to record what is made from this tensor: set it, and get the tensor back."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The recorded operation that made this tensor, if any."""
        self.current()
        return None if self._edge is None or self._edge is _views.LEAF else self._edge[0]

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def gradient_edge(self) -> Edge:
        """Where a gradient of this tensor arrives."""
        self.current()
        if self._edge is None:
            raise RuntimeError("this tensor does not require grad: call x.requires_grad_() before using it")
        return (self, 0) if self._edge is _views.LEAF else self._edge

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here: a leaf's, or after `retain_grad` any tensor's."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype is not self.dtype or value.device != self.device:
                raise RuntimeError(
                    f"grad: a tensor of {tuple(self.shape)} {self.dtype} on {self.device} cannot have a gradient of "
                    f"{tuple(value.shape)} {value.dtype} on {value.device}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def detach(self) -> Tensor:
        """The same memory without the history."""
        return _views.detached(self)

    def detach_(self) -> Tensor:
        """Forget the history of this very tensor."""
        if self._view is not None and self._view.base is not None:
            raise RuntimeError("detach_: a view cannot forget its history in place; use detach()")
        self._edge = None
        return self

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self._array, self._backend, self._storage, self._view = value.current(), value._backend, value._storage, None

    def alias(self) -> Tensor:
        """A view of all of it, with an edge of its own."""
        return self.view(self.shape)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add the gradient of this tensor by every leaf it was made from to the leaf's `.grad`."""
        several = [inputs] if isinstance(inputs, Tensor) else inputs
        _backward.backward([self], [gradient], retain_graph, create_graph, several)

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is not a leaf, too."""
        node = self.grad_fn
        if self._edge is None:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        if node is not None:
            node.more("retained")[self._edge[1]] = weakref.ref(self)
            self._extra = {**(self._extra or {}), "retained": node}

    @property
    def retains_grad(self) -> bool:
        return bool(self._extra and "retained" in self._extra)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """`hook(grad)` runs when this tensor's gradient is known, and may return another."""
        if self._edge is None:
            raise RuntimeError("register_hook: this tensor does not require grad")
        node = self.grad_fn
        if node is not None:
            return _graph.RemovableHandle(node.more("hooks").setdefault(self._edge[1], {}), hook)
        return _graph.RemovableHandle(self._hooks("hooks"), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """`hook(leaf)` runs when the leaf's `.grad` is complete."""
        if not self.is_leaf or not self.requires_grad:
            raise RuntimeError("register_post_accumulate_grad_hook: only leaves that require grad accumulate gradients")
        return _graph.RemovableHandle(self._hooks("post"), hook)

    def _hooks(self, kind: str) -> dict[Any, Any]:
        if self._extra is None:
            self._extra = {}
        found: dict[Any, Any] = self._extra.setdefault(kind, {})
        return found

    def _leaf_hooks(self) -> dict[int, dict[Any, Any]] | None:
        return {0: self._extra["hooks"]} if self._extra and "hooks" in self._extra else None

    def _post_hooks(self) -> list[Callable[[Tensor], None]]:
        return list(self._extra.get("post", {}).values()) if self._extra else []

    # Copies

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.grad_fn is not None:
            raise RuntimeError("deepcopy: only leaves can be copied deeply; use x.detach().clone()")
        view = (
            self._view if self._view is not None and self._view.base is not None and self._view.base.is_leaf else None
        )
        values = wrap(self._backend.copy(self.current()), self._backend) if view is None else _views.of_copy(view, memo)
        copy: Tensor = type(self).__new__(type(self))
        memo[id(self)] = copy
        copy._array, copy._backend, copy._edge = values._array, self._backend, self._edge
        copy._storage, copy._view, copy._extra = values._storage, values._view, None
        copy._grad = None if self._grad is None else self._grad.__deepcopy__(memo)
        if vars(self):  # attributes of the user's own
            vars(copy).update(deepcopy(vars(self), memo))
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.grad_fn is not None:
            raise RuntimeError("pickle: only leaves can be pickled; use x.detach()")
        values = self._backend.to_numpy(self.current())
        return _unpickle, (type(self), values, str(self.device), self.requires_grad), vars(self)

    __hash__ = object.__hash__


def _unpickle(kind: type[Tensor], values: Any, device: str, requires_grad: bool) -> Tensor:
    backend = backend_of(device)
    t = kind.__new__(kind)
    plain = wrap(backend.from_numpy(values), backend)
    for name in ("_array", "_backend", "_edge", "_storage", "_view", "_extra", "_grad"):
        setattr(t, name, getattr(plain, name))
    return t.requires_grad_(requires_grad)


_new = object.__new__


def wrap(array: Any, backend: Backend, edge: Edge | None = None) -> Tensor:
    """A Tensor around a backend's array: the one way in which results are made."""
    t = _new(Tensor)
    t._array, t._backend, t._edge = array, backend, edge
    t._storage = t._view = t._extra = t._grad = None
    return t
