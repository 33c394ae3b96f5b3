"""What is kept for backward can be kept elsewhere: `saved_tensors_hooks`, the base of checkpointing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from candle._modes import Switch
from candle._tensor import Tensor, wrap
from candle._views import storage_of

if TYPE_CHECKING:
    from candle.backends.base import Backend

__all__ = ["increment_version", "save_on_cpu", "saved_tensors_hooks"]

Payload = tuple[tuple[Any, ...], tuple[Any, ...], Any]


class saved_tensors_hooks(Switch):
    """Inside, every tensor saved for backward goes through `pack`, and comes back through `unpack`."""

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        super().__init__(pack=self._pack)
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def _pack(self, payload: Payload, backend: Backend) -> Callable[[], Payload]:
        inputs, outs, residuals = payload
        is_array = [isinstance(x, backend.array_type) for x in (*inputs, *outs)]
        packed = [self.pack_hook(wrap(x, backend)) if a else x for x, a in zip((*inputs, *outs), is_array, strict=True)]

        def unpack() -> Payload:
            back = [_array(self.unpack_hook(x)) if a else x for x, a in zip(packed, is_array, strict=True)]
            return tuple(back[: len(inputs)]), tuple(back[len(inputs) :]), residuals

        return unpack


def _array(unpacked: Any) -> Any:
    if not isinstance(unpacked, Tensor):
        raise TypeError(f"saved_tensors_hooks: unpack_hook must return a Tensor, got {type(unpacked).__name__}")
    return unpacked.current()


class save_on_cpu(saved_tensors_hooks):
    """Inside, what is saved for backward waits on the host."""

    def __init__(self, pin_memory: bool = False):
        super().__init__(lambda t: (t.device, t.cpu()), lambda kept: kept[1].to(kept[0]))


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Tell that the memory was written by somebody else, so that a backward that needs the old values raises."""
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        storage_of(each).version += 1
