"""Discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle import _dtypes
from candle._apply import apply
from candle._tensor import Tensor
from candle.op import Op
from candle.ops._common import HALVES, integers, one_dim
from candle.ops.joining import cat

__all__ = [
    "fft",
    "fft2",
    "fftn",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftn",
]

Dim = int | Sequence[int] | None
OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}  # where 1/n goes in the adjoint


class Fft(Op):
    """sum of x_j e^(-2 pi i j k / n) over j, along dim (with + for the inverse);  dx = the opposite of grad"""

    name, extension = "fft", "fft"

    def forward(xp, x, *, dim, norm, inverse):
        return (xp.fft.ifftn if inverse else xp.fft.fftn)(x, axes=dim, norm=norm)

    def vjp(xp, needs, grad, out, x, *, dim, norm, inverse):
        return (Fft.forward(xp, grad, dim=dim, norm=OPPOSITE[norm], inverse=not inverse),)


class Rfft(Op):
    """the transform of real x, as far as it is not the conjugate of itself;  dx = Re of the inverse of grad"""

    name, extension = "rfft", "fft"

    def forward(xp, x, *, dim, norm):
        return xp.fft.rfftn(x, axes=dim, norm=norm)

    def vjp(xp, needs, grad, out, x, *, dim, norm):
        last = dim[-1]
        missing = tuple(x.shape[d] - size if d == last else size for d, size in enumerate(grad.shape))
        full = xp.concat([grad, xp.zeros(missing, dtype=grad.dtype)], axis=last)
        return (xp.real(xp.fft.ifftn(full, axes=dim, norm=OPPOSITE[norm])),)


class Irfft(Op):
    """the real inverse, of size n, of half a transform;  dx = the transform of grad, twice where x counts twice"""

    name, extension = "irfft", "fft"

    def forward(xp, x, *, dim, norm, n):
        sizes = (*(x.shape[d] for d in dim[:-1]), n)
        return xp.fft.irfftn(x, s=sizes, axes=dim, norm=norm)

    def vjp(xp, needs, grad, out, x, *, dim, norm, n):
        half = xp.fft.rfftn(grad, axes=dim, norm=OPPOSITE[norm])
        last = dim[-1]
        k = xp.reshape(xp.arange(x.shape[last]), tuple(-1 if d == last else 1 for d in range(x.ndim)))
        alone = xp.logical_or(xp.equal(k, 0), xp.equal(k * 2, n))
        return (xp.where(alone, half, half * 2),)


# Sizes, dims and dtypes


def _floating(name: str, x: Tensor) -> Tensor:
    if x.dtype in HALVES:
        raise RuntimeError(f"{name}: not for {x.dtype}; use x.float()")
    return x.to(_dtypes.get_default_dtype()) if x.dtype.category < _dtypes.FLOAT else x


def _complex(name: str, x: Tensor) -> Tensor:
    x = _floating(name, x)
    return x if x.dtype.is_complex else x.to(x.dtype.to_complex())


def _real(name: str, x: Tensor) -> Tensor:
    if x.dtype.is_complex:
        raise RuntimeError(f"{name}: needs a real tensor, got {x.dtype}")
    return _floating(name, x)


def _resized(x: Tensor, dim: int, n: int) -> Tensor:
    """Cut, or followed by zeros, to size n."""
    size = x.shape[dim]
    if n <= size:
        return x.narrow(dim, 0, n) if n < size else x
    return cat([x, x.new_zeros((*x.shape[:dim], n - size, *x.shape[dim + 1 :]))], dim)


def _places(name: str, x: Tensor, s: Any, dim: Dim) -> tuple[tuple[int, ...], list[int]]:
    """The dims to transform, and the sizes to bring them to."""
    s = None if s is None else integers(name, (s,))
    if dim is None:
        dims = tuple(range(x.ndim)) if s is None else tuple(range(x.ndim - len(s), x.ndim))
        if s is not None and len(s) > x.ndim:
            raise RuntimeError(f"{name}: got {len(s)} sizes for a tensor of {x.ndim} dims")
    else:
        dims = tuple(one_dim(d, x.ndim) for d in integers(name, (dim,)))
        if not x.ndim and dims:
            raise IndexError(f"{name}: a tensor without dims has nothing to transform")
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"{name}: a dimension appears twice in {dim}")
    if s is not None and len(s) != len(dims):
        raise RuntimeError(f"{name}: sizes {s} and dims {dim} differ in number")
    sizes = [x.shape[d] if s is None or s[i] == -1 else s[i] for i, d in enumerate(dims)]
    return dims, sizes


def _norm(name: str, norm: str | None) -> str:
    if norm not in (None, *OPPOSITE):
        raise RuntimeError(f"{name}: norm must be 'backward', 'ortho' or 'forward', got {norm!r}")
    return norm or "backward"


def _fit(name: str, x: Tensor, dims: tuple[int, ...], sizes: list[int]) -> Tensor:
    for d, n in zip(dims, sizes, strict=True):
        if n < 1:
            raise RuntimeError(f"{name}: size {n} of dim {d} is not positive")
        x = _resized(x, d, n)
    return x


def _c2c(name: str, x: Tensor, s: Any, dim: Dim, norm: str | None, inverse: bool) -> Tensor:
    x = _complex(name, x)
    dims, sizes = _places(name, x, s, dim)
    x, norm = _fit(name, x, dims, sizes), _norm(name, norm)
    return apply(Fft, x, dim=dims, norm=norm, inverse=inverse) if dims else x


def _some(name: str, dims: tuple[int, ...]) -> None:
    if not dims:
        raise RuntimeError(f"{name}: expected at least one dim to transform")


def _r2c(name: str, x: Tensor, s: Any, dim: Dim, norm: str | None) -> Tensor:
    x = _real(name, x)
    dims, sizes = _places(name, x, s, dim)
    _some(name, dims)
    return apply(Rfft, _fit(name, x, dims, sizes), dim=dims, norm=_norm(name, norm))


def _c2r(name: str, x: Tensor, s: Any, dim: Dim, norm: str | None) -> Tensor:
    x = _complex(name, x)
    dims, sizes = _places(name, x, s, dim)
    _some(name, dims)
    n = sizes[-1]
    if s is None or integers(name, (s,))[-1] == -1:
        n = 2 * (x.shape[dims[-1]] - 1)
    if n < 1:
        raise RuntimeError(f"{name}: size {n} of the result is not positive")
    x = _fit(name, x, dims, [*sizes[:-1], n // 2 + 1])
    return apply(Irfft, x, dim=dims, norm=_norm(name, norm), n=n)


def _hfft(name: str, x: Tensor, s: Any, dim: Dim, norm: str | None) -> Tensor:
    """The transform, real, of half a signal whose other half is the conjugate."""
    return _c2r(name, _complex(name, x).conj(), s, dim, OPPOSITE[_norm(name, norm)])


def _ihfft(name: str, x: Tensor, s: Any, dim: Dim, norm: str | None) -> Tensor:
    return _r2c(name, x, s, dim, OPPOSITE[_norm(name, norm)]).conj()


# What users call


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform along a dim, whose size `n` becomes first (cut, or filled with zeros).

    >>> import candle
    >>> candle.fft.fft(candle.tensor([1.0, 0.0, -1.0, 0.0]))
    tensor([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j])
    """
    return _c2c("fft", input, n, dim, norm, False)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    return _c2c("ifft", input, n, dim, norm, True)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first half of the `fft` of real input; the rest is its conjugate."""
    return _r2c("rfft", input, n, dim, norm)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`; `n` is the size of the result, which half a transform leaves open (even, unless given)."""
    return _c2r("irfft", input, n, dim, norm)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real `fft` of a signal that is the conjugate of itself backwards, given by its first half."""
    return _hfft("hfft", input, n, dim, norm)


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`: the first half."""
    return _ihfft("ihfft", input, n, dim, norm)


def fftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """`fft` along several dims."""
    return _c2c("fftn", input, s, dim, norm, False)


def ifftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """`ifft` along several dims."""
    return _c2c("ifftn", input, s, dim, norm, True)


def rfftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """`rfft` along the last of the dims, `fft` along the others."""
    return _r2c("rfftn", input, s, dim, norm)


def irfftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`: `irfft` along the last of the dims, `ifft` along the others."""
    return _c2r("irfftn", input, s, dim, norm)


def hfftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """`hfft` along the last of the dims, `fft` along the others."""
    return _hfft("hfftn", input, s, dim, norm)


def ihfftn(input: Tensor, s: Any = None, dim: Dim = None, norm: str | None = None) -> Tensor:
    """`ihfft` along the last of the dims, `ifft` along the others."""
    return _ihfft("ihfftn", input, s, dim, norm)


def fft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`fftn` along two dims."""
    return _c2c("fft2", input, s, dim, norm, False)


def ifft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`ifftn` along two dims."""
    return _c2c("ifft2", input, s, dim, norm, True)


def rfft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` along two dims."""
    return _r2c("rfft2", input, s, dim, norm)


def irfft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`irfftn` along two dims."""
    return _c2r("irfft2", input, s, dim, norm)


def hfft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`hfftn` along two dims."""
    return _hfft("hfft2", input, s, dim, norm)


def ihfft2(input: Tensor, s: Any = None, dim: Dim = (-2, -1), norm: str | None = None) -> Tensor:
    """`ihfftn` along two dims."""
    return _ihfft("ihfft2", input, s, dim, norm)
