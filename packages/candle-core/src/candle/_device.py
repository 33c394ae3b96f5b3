"""Where a tensor lives: a backend's name and a number."""

from __future__ import annotations

from candle._modes import state


class Device:
    """`device("cuda", 1)`, `device("cuda:1")` or `device(1)`; devices of one name and number are equal.

    Where a device is looked for, "gpu" stands for the only one besides "cpu". Inside `with candle.device("cuda"):`
    tensors are made there that nobody gave a place.

    >>> import candle
    >>> candle.device("cpu"), candle.device("cuda:1").index
    (device(type='cpu'), 1)
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | Device, index: int | None = None):
        name, colon, number = (f"cuda:{type}" if isinstance(type, int) else str(type)).partition(":")
        if colon:
            if index is not None or not number.isdigit():
                raise RuntimeError(f"device: expected a name like 'cpu' or 'cuda:0', got {type!r}, index {index}")
            index = int(number)
        self.type, self.index = name, index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and (self.type, self.index or 0) == (other.type, other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __enter__(self) -> Device:
        state.devices += (self,)
        return self

    def __exit__(self, *error: object) -> None:
        state.devices = state.devices[:-1]
