"""The Python array API standard, 2024.12, on candle's Tensors: for libraries that are written in it.

    def distances(x):                       # knows nothing of candle
        xp = x.__array_namespace__()
        return xp.sqrt(xp.sum((x - xp.mean(x, axis=0)) ** 2, axis=-1))

Strict: what the standard does not promise (mixing integers and floats, sines of integers) raises a TypeError, so
what runs here runs on every library of the standard. The functions record gradients, as everything of candle does.
Operators are the Tensor's own and so PyTorch's.
"""

from __future__ import annotations

import math

from candle._dtypes import bool_ as bool
from candle._dtypes import (
    complex64,
    complex128,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from candle.array_api import fft, linalg
from candle.array_api._creation import *  # noqa: F403
from candle.array_api._dtypes import astype, can_cast, finfo, iinfo, isdtype, result_type
from candle.array_api._elementwise import *  # noqa: F403
from candle.array_api._info import __array_namespace_info__
from candle.array_api._manipulation import *  # noqa: F403
from candle.array_api._reductions import *  # noqa: F403
from candle.array_api._searching import *  # noqa: F403
from candle.array_api.linalg import matmul, matrix_transpose, tensordot, vecdot

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
__array_api_version__ = VERSIONS[-1]

e, pi, inf, nan, newaxis = math.e, math.pi, math.inf, math.nan, None
