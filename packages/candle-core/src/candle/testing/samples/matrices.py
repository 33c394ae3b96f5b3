"""Samples of linear algebra and of Fourier transforms.

Where only one triangle of a matrix is read, and where eigenvectors are free to turn, differences say nothing.
"""

import math

import numpy as np

import candle.fft
import candle.linalg  # noqa: F401  (both bring their ops)
from candle.testing.samples import complexes, floats, rough, sample, transposed


def regular(*shape: int) -> np.ndarray:
    """Invertible, with singular values that differ, and not symmetric."""
    return np.asarray(floats(*shape) + 3 * np.diag(np.arange(1.0, shape[-1] + 1)))


def regular_complex(*shape: int) -> np.ndarray:
    return np.asarray(complexes(*shape) + 3 * np.diag(np.arange(1.0, shape[-1] + 1)))


def definite(x: np.ndarray) -> np.ndarray:
    """Hermitian and positive-definite."""
    return np.asarray(x @ np.conj(np.swapaxes(x, -2, -1)) + np.eye(x.shape[-2]))


SQUARE = [regular(3, 3), regular(2, 2, 2), regular(3, 3).T, regular(0, 0), regular(0, 2, 2), regular_complex(2, 2)]
TALL = [floats(4, 2), transposed(3, 2), floats(2, 3, 2), floats(2, 0), floats(0, 3, 2)]
WIDE = [np.swapaxes(x, -2, -1) for x in TALL]

for _x in SQUARE:
    for _name in ("inv", "det", "slogdet", "lu_factor"):
        sample(_name, _x)
    rough("cholesky", definite(_x))
    rough("eig", _x)
    for _upper in (False, True):
        rough("eigh", definite(_x), upper=_upper)
rough("det", np.array([[1.0, 2, 3], [2, 4.5, 1], [3, 6.5, 4]]))  # singular
for _left, _right in (((3, 3), (3, 2)), ((2, 2, 2), (2, 1)), ((2, 2), (3, 2, 1)), ((0, 0), (0, 2))):
    sample("solve", regular(*_left), floats(*_right))
sample("solve", regular_complex(2, 2), complexes(2, 3))

for _x in TALL + WIDE:
    _smooth = sample if _x.size else rough
    _smooth("lu_factor", _x)
    _smooth("svd", _x, full_matrices=False)
    rough("svd", _x, full_matrices=True)
    _smooth("pinv", _x, floats(*_x.shape[:-2]) * 0, floats(*_x.shape[:-2]) * 0 + 1e-9, hermitian=False)
    rough("geqrf", _x)
for _x in [*TALL, regular(2, 2)]:
    (sample if _x.size else rough)("qr", _x, mode="reduced")
sample("svd", regular(3, 3), full_matrices=True)
sample("qr", regular(2, 2, 2), mode="complete")
sample("qr", complexes(3, 2), mode="reduced")
rough("svd", complexes(3, 2), full_matrices=False)
rough("svd", complexes(2, 2), full_matrices=True)
sample("pinv", complexes(3, 2), np.array(0.0), np.array(1e-9), hermitian=False)
sample("pinv", np.diag([2.0, 1.0, 0.0]), np.array(0.5), np.array(0.0), hermitian=False)
rough("pinv", definite(floats(2, 2)), np.array(0.0), np.array(1e-9), hermitian=True)

for _p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf, -math.inf):
    for _x, _dim in ((floats(2, 3), None), (transposed(2, 3), (1,)), (floats(2, 3, 2), (0, 2))):
        sample("vector_norm", _x, p=_p, dim=_dim, keepdim=_dim == (1,))
    sample("vector_norm", complexes(2, 3), p=_p, dim=(0,), keepdim=False)
    rough("vector_norm", np.array([[0.0, 0.0], [0.0, 2.0]]), p=_p, dim=(1,), keepdim=False)

for _norm in ("backward", "ortho", "forward"):
    for _inverse in (False, True):
        sample("fft", complexes(4), dim=(0,), norm=_norm, inverse=_inverse)
        sample("fft", complexes(2, 3), dim=(0, 1), norm=_norm, inverse=_inverse)
    sample("rfft", floats(4), dim=(0,), norm=_norm)
    sample("rfft", transposed(3, 2), dim=(1, 0), norm=_norm)
    sample("irfft", complexes(2, 3), dim=(0, 1), norm=_norm, n=4)
    sample("irfft", complexes(3), dim=(0,), norm=_norm, n=5)
