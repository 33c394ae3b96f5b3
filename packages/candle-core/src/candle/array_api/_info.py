"""What the namespace can do, for libraries that ask."""

from __future__ import annotations

from typing import Any

from candle._dtypes import dtype as Dtype
from candle._dtypes import get_default_dtype, int64
from candle.array_api._dtypes import KINDS


class __array_namespace_info__:
    """Capabilities, devices and dtypes."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        from candle import device

        return device("cpu")

    def default_dtypes(self, *, device: Any = None) -> dict[str, Dtype]:
        real = get_default_dtype()
        return {"real floating": real, "complex floating": real.to_complex(), "integral": int64, "indexing": int64}

    def devices(self) -> list[Any]:
        from candle import device
        from candle.plugins import registry

        registry.load()
        return [device(name) for name in registry.factories]

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, Dtype]:
        kinds = ("numeric", "bool") if kind is None else kind if isinstance(kind, tuple) else (kind,)
        return {d.name: d for each in kinds for d in KINDS[each]}
