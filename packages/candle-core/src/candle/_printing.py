"""The text of a tensor, laid out as PyTorch lays it out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from candle import _dtypes
from candle._attach import method

if TYPE_CHECKING:
    import numpy as np

    from candle._tensor import Tensor


@dataclass(frozen=True)
class Options:
    """How tensors are printed; `set_printoptions` changes it."""

    precision: int = 4  # digits after the point
    threshold: float = 1000  # more elements than this are summarized
    edgeitems: int = 3  # ... to so many at each end of a dim
    linewidth: int = 80
    sci_mode: bool | None = None  # None: where the range of the values asks for it


PROFILES = {"default": Options(), "short": Options(2, 1000, 2), "full": Options(threshold=math.inf)}
_options = Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; `profile` is "default", "short" or "full"."""
    global _options
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"set_printoptions: {profile!r} is not a profile; there are {', '.join(PROFILES)}")
        _options = PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options = replace(_options, **{name: v for name, v in given.items() if v is not None}, sci_mode=sci_mode)  # type: ignore[arg-type]


class _Format:
    """One way of writing all numbers of a tensor, so that they stand below each other."""

    def __init__(self, values: np.ndarray):
        import numpy as np

        self.floating = values.dtype.kind == "f"
        self.whole, self.scientific, self.width = True, False, 1
        if not self.floating:
            self.width = max((len(str(v)) for v in values.ravel().tolist()), default=1)
            return
        finite = values[np.isfinite(values) & (values != 0)].astype(np.float64)
        if not finite.size:
            return
        size = np.abs(finite)
        self.whole = bool((finite == np.ceil(finite)).all())
        wide = size.max() / size.min() > 1000 or size.max() > 1e8
        self.scientific = bool(wide or (not self.whole and size.min() < 1e-4))
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode
        self.width = max(len(self.plain(v)) for v in finite.tolist())

    def plain(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self.plain(value).rjust(self.width)


class _ComplexFormat:
    """Both parts, each in a format of its own."""

    def __init__(self, values: np.ndarray):
        self.real, self.imag = _Format(values.real), _Format(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = (self.imag(value.imag) + "j").lstrip()
        return self.real(value.real) + ("" if imag[0] in "+-" else "+") + imag


@method("__format__")
def formatted(t: Tensor, spec: str) -> str:
    if not t.ndim and not t._backend.level:
        return format(t.item(), spec)
    if spec:
        raise TypeError(f"format: {spec!r} is for numbers, not for a tensor of shape {tuple(t.shape)}; use .item()")
    return text_of(t)


@method("__repr__")
def text_of(t: Tensor) -> str:
    if t._backend.level:
        return f"BatchedTensor(level={t._backend.level}, shape={tuple(t.shape)}, dtype={t.dtype})"
    values = t._backend.to_numpy(t.current())
    values = values.astype("float32") if t.dtype is _dtypes.bfloat16 else values
    default = _dtypes.get_default_dtype()
    natural = (default, _dtypes.int64, _dtypes.bool_, default.to_complex()) if t.numel() else (default,)
    notes = [f"device='{t.device}'"] if t.device.type != "cpu" else []
    if not t.numel() and t.ndim != 1:
        notes.append(f"size={tuple(t.shape)}")
    if t.dtype not in natural:
        notes.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        notes.append(f"grad_fn={t.grad_fn!r}")
    elif t.requires_grad:
        notes.append("requires_grad=True")
    return _with_notes("tensor(" + (_body(values) if t.numel() else "[]"), notes)


def _with_notes(text: str, notes: list[str]) -> str:
    for note in notes:
        line = len(text) - text.rfind("\n") - 1
        text += ", " + note if line + len(note) + 3 <= _options.linewidth else ",\n       " + note
    return text + ")"


def _body(values: np.ndarray) -> str:
    summarize = values.size > _options.threshold
    shown = _edges(values) if summarize else values
    form = _ComplexFormat(shown) if values.dtype.kind == "c" else _Format(shown)
    return _nested(values, form, summarize, len("tensor("))


def _edges(values: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    import numpy as np

    n = _options.edgeitems
    for axis, size in enumerate(values.shape):
        if size > 2 * n:
            values = np.take(values, [*range(n), *range(size - n, size)], axis=axis)
    return values


def _nested(values: np.ndarray, form: Any, summarize: bool, indent: int) -> str:
    if not values.ndim:
        return form.plain(values.item()) if isinstance(form, _Format) else form(values.item())
    n = _options.edgeitems
    cut = summarize and len(values) > 2 * n
    rows = [*values[:n], *values[len(values) - n :]] if cut else list(values)
    if values.ndim == 1:
        texts = [form(v.item() if hasattr(v, "item") else v) for v in rows]
        if cut:
            texts.insert(n, " ...")
        per_line = max(1, (_options.linewidth - indent) // (form.width + 2))
        lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    texts = [_nested(row, form, summarize, indent + 1) for row in rows]
    if cut:
        texts.insert(n, "...")
    return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(texts) + "]"
