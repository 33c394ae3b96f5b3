"""Special functions against values that mpmath computed with forty digits."""

from __future__ import annotations

import functools
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

import candle
import candle.testing.strict  # registers two devices
from candle.plugins import backend_of

ONE = {
    "erf": {-0.3: -0.3286267594591274, 0.5: 0.5204998778130465, 2.5: 0.999593047982555},
    "erfc": {
        -1.2: 1.9103139782296354,
        0.7: 0.32219880616258156,
        5.0: 1.537459794428035e-12,
        20.0: 5.395865611607901e-176,
    },
    "erfinv": {-0.999: -2.3267537655135246, 0.1: 0.08885599049425769, 0.8: 0.9061938024368233},
    "special.erfcx": {
        -2.0: 108.94090438997797,
        0.3: 0.7345993345676551,
        3.0: 0.17900115118138996,
        50.0: 0.011281536265323773,
    },
    "special.ndtri": {1e-20: -9.262340089798407, 0.3: -0.5244005127080408, 0.99: 2.3263478740408408},
    "special.log_ndtr": {-30.0: -454.3212439563432, -1.0: -1.8410216450092636, 2.0: -0.02301290932896349},
    "lgamma": {-3.7: -1.3797399049658245, 0.2: 1.5240638224307845, 1.5: -0.12078223763524522, 30.0: 71.25703896716801},
    "digamma": {-3.7: -0.8450768588704194, 0.2: -5.289039896592188, 1.5: 0.03648997397857652, 30.0: 3.384438132685525},
    "i0": {0.5: 1.0634833707413236, 15.0: 339649.3732979139, 40.0: 1.48947747934199e16},
    "special.i1": {-0.5: -0.2578943053908963, 15.0: 328124.9219702064, 40.0: 1.4707396163259352e16},
    "special.i0e": {0.5: 0.6450352704491501, 300.0: 0.02304255841508546},
    "special.i1e": {0.5: 0.1564208031848717, 300.0: 0.02300412204026895},
    "special.bessel_j0": {
        1.0: 0.7651976865579666,
        7.9: 0.19436184484127825,
        8.1: 0.14751745404437766,
        100.0: 0.019985850304223122,
    },
    "special.bessel_j1": {
        -1.0: -0.4400505857449335,
        7.9: 0.2191793999217512,
        8.1: 0.24760776698159287,
        100.0: -0.07714535201411216,
    },
    "special.bessel_y0": {
        0.01: -3.005455637083646,
        7.9: 0.20652094814437577,
        8.1: 0.23809132870223482,
        100.0: -0.07724431336508315,
    },
    "special.bessel_y1": {
        0.01: -63.67859628206065,
        7.9: -0.18172107728057313,
        8.1: -0.13314879595249593,
        100.0: -0.020372312002759792,
    },
    "special.modified_bessel_k0": {
        0.01: 4.721244730161095,
        1.9: 0.1288459792760475,
        2.1: 0.10078374088996693,
        20.0: 5.741237815336525e-10,
    },
    "special.modified_bessel_k1": {
        0.01: 99.97389411829624,
        1.9: 0.15966015303266762,
        2.1: 0.12274641153350789,
        20.0: 5.883057969557038e-10,
    },
    "special.airy_ai": {
        -12.0: -0.06655517505437313,
        -4.6: 0.33749597548946275,
        -4.4: 0.23370325807316336,
        0.5: 0.23169360648083348,
        2.1: 0.029952602115866523,
        9.0: 2.47116843087249e-09,
    },
}
TWO = {
    "polygamma": {(1, -8.9): 103.24955606864194, (1, 0.3): 12.245364546107732, (3, 12.5): 0.0011534128049134052},
    "igamma": {
        (0.5, 0.2): 0.4729107431344619,
        (3.0, 9.0): 0.9937678048936227,
        (25.0, 30.0): 0.8427579727616084,
        (1000.0, 950.0): 0.05505468623073803,
    },
    "igammac": {
        (0.5, 9.0): 2.209049699858544e-05,
        (25.0, 60.0): 1.0958807112599779e-07,
        (1000.0, 1100.0): 0.0010593232539299773,
    },
    "special.zeta": {(2.5, 0.3): 21.069239202247726, (3.0, -2.7): 34.4664695116319, (8.0, 20.0): 1.324356313130173e-10},
}


def function(name: str) -> Any:
    return functools.reduce(getattr, name.split("."), candle)


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_number(name: str) -> None:
    x = candle.tensor(list(ONE[name]), dtype=candle.float64)
    np.testing.assert_allclose(function(name)(x).numpy(), list(ONE[name].values()), rtol=2e-14, atol=1e-15)


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_numbers(name: str) -> None:
    for (a, b), expected in TWO[name].items():
        first: Any = a if name == "polygamma" else candle.tensor(a, dtype=candle.float64)
        found = function(name)(first, candle.tensor(b, dtype=candle.float64))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in ONE if not name.startswith("special.ndtri")])
def test_single_and_half_precision(name: str) -> None:
    """No coefficient is too large for the dtype, and rounding does not grow."""
    x = np.array([v for v in ONE[name] if abs(v) < 16])
    for dtype, bound in ((candle.float32, 3e-6), (candle.float16, 2e-3), (candle.bfloat16, 2e-2)):
        given = candle.tensor(x.tolist(), dtype=dtype)
        expected = function(name)(given.double())
        found = function(name)(given)
        assert found.dtype is dtype
        finite = (expected.abs() < 6e4).numpy()
        np.testing.assert_allclose(
            found.double().numpy()[finite], expected.numpy()[finite], rtol=bound, atol=bound, err_msg=str(dtype)
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_of_a_device(dtype: str) -> None:
    """Where a device computes in it, so that nothing was widened at the door."""
    xp = backend_of("cpu").xp
    x = np.array([1.5625, 4.03125, 6.53125, 7.78125]).astype(getattr(xp, dtype))  # as they are in bfloat16
    found = xp.lgamma(x)
    assert found.dtype == x.dtype
    expected = np.vectorize(math.lgamma)(x.astype(float)).astype(x.dtype)
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=4 * float(ml_dtypes.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_close_to_the_pole_at_zero(dtype: str) -> None:
    """x - floor(x) is 1, rounded, for the first of these: what is left of its distance from 0 is nothing."""

    def program(lib: Any) -> list[Any]:
        x = lib.tensor([-1e-9, 1e-9, -3e-8, -1e-4, 1e-4], dtype=getattr(lib, dtype))
        return [x.lgamma(), x.digamma(), *(x.polygamma(n) for n in (1, 2, 3))]

    for mine, theirs in zip(program(candle), program(torch), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=2e-6 if dtype == "float32" else 1e-13)


def test_the_derivative_of_the_incomplete_gamma_function_by_both() -> None:
    """By the first argument, too, which PyTorch has not."""
    a, x = (candle.tensor(v, dtype=candle.float64, requires_grad=True) for v in ([0.7, 4.0, 30.0], [1.9, 2.5, 28.0]))
    for function in (candle.igamma, candle.igammac):
        assert candle.autograd.gradcheck(function, (a, x))


def test_edges() -> None:
    inf, nan = math.inf, math.nan
    x = candle.tensor([0.0, -0.0, -1.0, inf, -inf, nan], dtype=candle.float64)
    np.testing.assert_array_equal(candle.lgamma(x).numpy(), [inf, inf, inf, inf, inf, nan])
    np.testing.assert_array_equal(candle.digamma(x).numpy(), [-inf, inf, nan, inf, nan, nan])
    np.testing.assert_array_equal(candle.special.bessel_y0(x).numpy(), [-inf, -inf, nan, nan, nan, nan])
    np.testing.assert_array_equal(candle.special.modified_bessel_k1(x).numpy()[[0, 3, 5]], [inf, 0, nan])
    p = candle.tensor([-1.0, 1.0, 1.5, nan], dtype=candle.float64)
    np.testing.assert_array_equal(candle.erfinv(p).numpy(), [-inf, inf, nan, nan])


def test_views_of_complex_numbers_share_memory() -> None:
    for device in ("cpu", "strict", "frozen"):
        z = candle.tensor([1 + 2j, 3 - 4j], dtype=candle.complex128, device=device)
        candle.view_as_real(z)[:, 1] = 7.0
        assert z.tolist() == [1 + 7j, 3 + 7j]
        pairs = candle.zeros(2, 2, dtype=candle.float64, device=device)
        candle.view_as_complex(pairs)[0] = 5j
        assert pairs.tolist() == [[0, 5], [0, 0]]
