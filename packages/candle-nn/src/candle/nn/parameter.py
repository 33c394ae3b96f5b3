"""Tensors that a module registers when they are assigned to it: parameters, which are trained, and buffers.

Those of lazy layers are uninitialized first: of a dtype and on a device, but without a shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import candle
from candle import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class Parameter(Tensor):
    """A tensor to be trained: assigned to a module, it is one of its `parameters()`.

    >>> import candle
    >>> layer = candle.nn.Module()
    >>> layer.scale = Parameter(candle.ones(2))
    >>> [name for name, _ in layer.named_parameters()]
    ['scale']
    """

    def __init__(self, data: Any = (), requires_grad: bool = True):
        super().__init__(data, requires_grad=requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = super().__deepcopy__(memo)
        copy.grad = None  # a copied model begins without gradients, as in PyTorch
        return copy

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that belongs to a module's state and is not trained: assigned to it, it is one of its `buffers()`."""

    def __init__(self, data: Any = (), *, persistent: bool = True):
        super().__init__(data)
        self.persistent = persistent


class Uninitialized(Tensor):
    """No shape and no values yet: whoever asks for its array is told so, and `materialize` makes it a plain one."""

    __slots__ = ()
    becomes: ClassVar[type[Tensor]]
    grad_fn = None

    @property
    def _array(self) -> Any:
        raise RuntimeError(
            f"an {type(self).__name__} has no shape and no values before its layer has seen an input: "
            f"call the model once, on a batch such as it will be given"
        )

    @_array.setter
    def _array(self, array: Any) -> None:
        Tensor._array.__set__(self, array)  # an empty one: it has the dtype

    def detach(self) -> Tensor:
        """An empty tensor of the same dtype, on the same device."""
        return candle.empty(0, dtype=self.dtype, device=self.device)  # type: ignore[no-any-return]

    @property
    def dtype(self) -> candle.dtype:
        return self._backend.dtypes[Tensor._array.__get__(self).dtype]

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: candle.dtype | None = None) -> None:
        """Become an ordinary one of this shape, in place; its values are whatever the memory holds."""
        self.data = candle.empty(*shape, device=device or self.device, dtype=dtype or self.dtype)
        self.__class__ = self.becomes  # type: ignore[assignment]

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        memo[id(self)] = copy = type(self)(device=self.device, dtype=self.dtype)
        return copy.requires_grad_(self.requires_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, str(self.device), self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter whose shape a lazy layer finds out.

    >>> parameter = UninitializedParameter()
    >>> parameter
    <UninitializedParameter>
    >>> parameter.materialize((2, 3))
    >>> type(parameter).__name__, parameter.shape
    ('Parameter', candle.Size([2, 3]))
    """

    becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: candle.dtype | None = None):
        super().__init__(candle.empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(Uninitialized):
    """A buffer whose shape a lazy layer finds out."""

    becomes = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: candle.dtype | None = None):
        super().__init__(candle.empty(0, device=device, dtype=dtype), requires_grad=requires_grad)


def is_lazy(param: Any) -> bool:
    """Whether it is an uninitialized parameter or buffer."""
    return isinstance(param, Uninitialized)
