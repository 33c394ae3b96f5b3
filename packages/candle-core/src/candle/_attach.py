"""How ops become methods of Tensor: decorators for their public functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from candle import _views
from candle._methods import Methods

if TYPE_CHECKING:
    from candle._tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

# x += y and so on
AUGMENTED = {*("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")}


def method(*names: str, inplace: bool = False) -> Callable[[F], F]:
    """Make a public function a method of Tensor too, under its own name or `names`.

    With `inplace` there is also `name_` (and `__iadd__` for `__add__`), which writes the result into the tensor.
    """

    def attach(function: F) -> F:
        for name in names or (function.__name__,):
            setattr(Methods, name, function)
            if inplace and name[2:-2] in AUGMENTED:
                setattr(Methods, f"__i{name[2:]}", in_place(function, f"__i{name[2:]}"))
            elif inplace and not name.startswith("__"):
                setattr(Methods, f"{name}_", in_place(function, f"{name}_"))
        return function

    return attach


def view_method(function: F) -> F:
    """As `method`, for a function that makes a view: `name_` changes the tensor's own shape."""

    def change(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return _views.become(self, lambda t: function(t, *args, **kwargs), change.__name__)

    change.__name__ = change.__qualname__ = f"{function.__name__}_"
    change.__doc__ = f"In place: {function.__name__}."
    change.__wrapped__ = function  # type: ignore[attr-defined]
    setattr(Methods, function.__name__, function)
    setattr(Methods, change.__name__, change)
    return function


def attach_property(name: str, function: Callable[[Tensor], Any]) -> None:
    """Make a function a read-only attribute of Tensor."""
    setattr(Methods, name, property(function))


def in_place(function: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    def write(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return _views.assign(self, function(self, *args, **kwargs), name)

    write.__name__ = write.__qualname__ = name
    write.__doc__ = f"In place: {function.__name__}."
    write.__wrapped__ = function  # type: ignore[attr-defined]
    return write
