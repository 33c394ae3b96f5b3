"""Samples of the reductions, and of what runs along a dim."""

import math
from typing import Any

import numpy as np

from candle.testing.samples import complexes, floats, rough, sample, transposed, truths

for _name in ("sum", "mean", "prod", "var", "std", "amax", "amin", "logsumexp", "any", "all"):
    _more: dict[str, Any] = {"correction": 1} if _name in ("var", "std") else {}
    _make = truths if _name in ("any", "all") else floats
    for _dim, _keepdim in (((0, 1, 2), False), ((1,), False), ((0, 2), True), ((2,), True)):
        sample(_name, _make(2, 3, 2), dim=_dim, keepdim=_keepdim, **_more)
    if _name != "logsumexp":
        sample(_name, _make(2, 3).T, dim=None, keepdim=False, **_more)
        sample(_name, _make(2, 3), dim=None, keepdim=True, **_more)
        if not _more:
            sample(_name, _make(), dim=None, keepdim=False)
for _name in ("sum", "mean", "prod"):
    sample(_name, complexes(2, 3), dim=(1,), keepdim=False)
    sample(_name, floats(0, 3), dim=(1,), keepdim=False)
    rough(_name, np.array([[math.nan, 1], [math.inf, -math.inf]]), dim=(1,), keepdim=False)
sample("prod", np.array([[0.0, 2.0, 3.0], [0.0, 4.0, 0.0]]), dim=(1,), keepdim=False)
sample("std", floats(2, 3), dim=(1,), keepdim=False, correction=0)
for _name in ("amax", "amin"):
    rough(_name, np.array([[math.nan, 1], [math.inf, -math.inf], [2, 2]]), dim=(1,), keepdim=False)
for _name in ("argmax", "argmin"):
    rough(_name, np.array([[3.0, 1, 3, 1], [2, 2, 2, 2], [1, math.inf, -math.inf, 0]]), dim=1, keepdim=False)
    sample(_name, transposed(2, 3), dim=0, keepdim=True)
rough("logsumexp", np.array([[math.inf, 1], [-math.inf, -math.inf], [800, 800]]), dim=(1,), keepdim=False)
for _x, _along in ((transposed(2, 3), 1), (floats(2, 3), 0), (floats(0, 2), 0), (complexes(3), 0)):
    sample("cumsum", _x, dim=_along)
for _x, _along in ((transposed(2, 3), 1), (floats(5, 2), 0), (complexes(3), 0), (np.array([2.0, 0.0, 3.0, 0.0]), 0)):
    sample("cumprod", _x, dim=_along)
for _x, _along in ((transposed(2, 3), 1), (floats(5, 2), 0)):
    sample("logcumsumexp", _x, dim=_along)
    for _largest in (True, False):
        sample("cumulative_argmax", _x, dim=_along, largest=_largest)
rough("logcumsumexp", np.array([-math.inf, 1, 800, 750, math.inf]), dim=0)
for _largest in (True, False):
    rough("cumulative_argmax", np.array([2.0, 1, 2, math.nan, 3, math.nan, 0]), dim=0, largest=_largest)
for _name in ("softmax", "log_softmax"):
    sample(_name, transposed(2, 3), dim=1)
    sample(_name, floats(3, 2, 2), dim=0)
    rough(_name, np.array([800.0, 799.0, -math.inf]), dim=0)
