"""The functions the kernels are made of."""

import math
import platform

import numba
import numpy as np
import pytest

from candle.numba._compile import compiled
from candle.numba._math import exp, gaussian, maximum, tail

SINGLE, DOUBLE = np.float32, np.float64


@compiled
def exps(x, out):
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = exp(x[i], zero)


@compiled
def tails(x, out):
    for i in range(x.size):
        out[i] = gaussian(x[i]) * tail(x[i])


@compiled
def highest(x, out):
    out[0] = x[0]
    for i in range(x.size):
        out[0] = maximum(out[0], x[i])


def of(loop, x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    loop(x, out)
    return out


@pytest.mark.parametrize(("dtype", "low", "high"), [(SINGLE, -87, 88), (DOUBLE, -708, 709)])
def test_exp_is_right_to_an_ulp(dtype: type, low: float, high: float) -> None:
    x = np.random.default_rng(1).uniform(low, high, 100_000).astype(dtype)
    true = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(of(exps, x) - true) / np.spacing(true.astype(dtype))) < 1


@pytest.mark.parametrize(("dtype", "low", "high"), [(SINGLE, -104, -87), (DOUBLE, -746, -708)])
def test_exp_of_the_smallest_numbers(dtype: type, low: float, high: float) -> None:
    """Subnormal results are results."""
    x = np.linspace(low, high, 10_001).astype(dtype)
    true = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(of(exps, x) - true) / np.finfo(dtype).smallest_subnormal) < 1


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_exp_at_the_ends(dtype: type) -> None:
    x = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e30, -1e30, 89 if dtype is SINGLE else 710], dtype)
    np.testing.assert_array_equal(of(exps, x), np.array([math.nan, math.inf, 0, 1, 1, math.inf, 0, math.inf]))


@pytest.mark.parametrize(("dtype", "end"), [(SINGLE, 13), (DOUBLE, 37)])
def test_tail_of_the_normal_distribution(dtype: type, end: float) -> None:
    x = np.random.default_rng(2).uniform(0, end, 20_000).astype(dtype)
    true = np.array([math.erfc(each * math.sqrt(0.5)) / 2 for each in x.astype(np.float64)])
    # the argument of erfc is rounded, too: in float64 that is all that is seen
    bound = 8 * np.finfo(dtype).eps * (1 + (x.astype(np.float64) ** 2 if dtype is DOUBLE else 0))
    assert np.all(np.abs(of(tails, x) / true - 1) < bound)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_tail_at_the_ends(dtype: type) -> None:
    found = of(tails, np.array([0, math.inf, math.nan, 1e30], dtype))
    np.testing.assert_allclose(found, [0.5, 0, math.nan, 0], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("at", [0, 1, 50, 99])
def test_the_maximum_is_nan_if_anything_is(dtype: type, at: int) -> None:
    x = np.arange(100, dtype=dtype)
    assert of(highest, x)[0] == 99
    x[at] = math.nan
    assert np.isnan(of(highest, x)[0])


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="reads the assembly of x86")
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_loops_become_vectors(dtype: type) -> None:
    """A call, a branch or a table within would undo it, and cost a factor of four to sixteen."""
    for each in (exps, tails):
        loop = numba.njit(**each.targetoptions)(each.py_func)  # what comes from the cache shows no assembly
        of(loop, np.ones(10, dtype))
        kind = "ps" if dtype is SINGLE else "pd"
        assembly = next(loop.inspect_asm(s) for s in loop.signatures if s[0].dtype.bitwidth == np.finfo(dtype).bits)
        assert f"mul{kind}" in assembly
        assert "gather" not in assembly
