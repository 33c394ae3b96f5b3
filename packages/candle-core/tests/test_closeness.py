"""`testing.assert_close` and `make_tensor`: what passes, what fails, and what is told, as PyTorch has it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import candle

NAN = math.nan
PAIRS = """
t([1.0, 2.0]), t([1.0, 2.0]); t([1.0, 2.0]), t([1.0, 3.0]); t([1.0]), t([1 + 1e-6]); t([1.0]), t([1 + 2e-5]); t(1.0), t(2.0); t([]), t([])
t([1, 2]), t([1, 2]); t([1, 2]), t([1, 3]); t([True]), t([False]); t([1.0]), t([[1.0]]); t([1.0]), t([1.0]).double(); t([1.0]).half(), t([1.0009]).half()
t([NAN]), t([NAN]); t([1.0]).bfloat16(), t([1.01]).bfloat16(); t([1 + 1j]), t([1 + 2j]); t([[1.0, 5.0], [2.0, 3.0]]), t([[1.0, 4.0], [2.0, 1.0]])
t([float("inf")]), t([float("inf")]); t([float("inf")]), t([1.0]); 1.0, 1.0; 1.0, 1.1; 1.0, 1 + 1e-9; 1, 2; 1, 1.0; True, True; 1j, 1j
None, None; None, 1; [1.0, t(2.0)], [1.0, t(3.0)]; [1, 2], [1]; (1.0,), [1.0]; {"a": 1}, {"b": 1}; {"a": [t(1.0)]}, {"a": [t(2.0)]}; {"a": 1, "b": 2}, {"b": 2, "a": 1}
np.ones(2), np.ones(2); np.ones(2), np.zeros(2); t([1.0]), 1.0; "a", "a"; t([1.0]), np.ones(1); t([0.0]), t([1e-6]); t([1e-4]), t([0.0])
""".replace("\n", ";").split(";")
OPTIONS: list[dict[str, Any]] = [
    *({}, {"check_dtype": False}, {"equal_nan": True}, {"rtol": 0.0, "atol": 0.5}, {"rtol": 0.4, "atol": 0.0}),
    {"rtol": 0.0, "atol": 0.0},
]


def outcome(lib: Any, pair: str, options: dict[str, Any]) -> tuple[str, str]:
    """The kind of the error, and its words from the numbers on; nothing where there is none."""
    actual, expected = eval(pair, {"t": lib.tensor, "np": np, "NAN": NAN})
    try:
        lib.testing.assert_close(actual, expected, **options)
    except (AssertionError, ValueError, TypeError) as error:
        return type(error).__name__, str(error)
    return "", ""


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_same_pairs_are_close(options: dict[str, Any]) -> None:
    for pair in (each.strip() for each in PAIRS if each.strip()):
        assert outcome(candle, pair, options)[0] == outcome(torch, pair, options)[0], pair


@pytest.mark.parametrize(
    "pair",
    [
        *(
            "t([1.0, 2.0]), t([1.0, 3.0])",
            "t([1, 2]), t([1, 3])",
            "t([[1.0, 5.0], [2.0, 3.0]]), t([[1.0, 4.0], [2.0, 1.0]])",
        ),
        *("t([1.0]), t([[1.0]])", "t([1.0]), t([1.0]).double()", "[1, 2], [1]", "{'a': [t([1.0])]}, {'a': [t([2.0])]}"),
        *("t([True, False]), t([True, True])", "1, 1.0", "None, 1", "t([1e6, 1.0]), t([1e6 + 0.5, 1.001])"),
    ],
)
def test_the_same_is_told(pair: str) -> None:
    assert outcome(candle, pair, {})[1] == outcome(torch, pair, {})[1].replace("torch.", "candle.")


def test_a_message_of_one_s_own() -> None:
    for lib in (torch, candle):
        for msg, expected in (("own", "own"), (lambda told: f"first\n{told[:7]}", "first\nScalars")):
            with pytest.raises(AssertionError) as raised:
                lib.testing.assert_close(1.0, 2.0, msg=msg)
            assert str(raised.value) == expected


def test_one_tolerance_alone_is_refused() -> None:
    for lib in (torch, candle):
        with pytest.raises(ValueError, match="atol"):
            lib.testing.assert_close(lib.ones(1), lib.ones(1), rtol=0.1)


def test_strides_are_compared_when_asked() -> None:
    for lib in (torch, candle):
        a, b = lib.ones(2, 3).T, lib.ones(3, 2)
        lib.testing.assert_close(a, b)
        with pytest.raises(AssertionError, match="stride"):
            lib.testing.assert_close(a, b, check_stride=True)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "float16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("ends", [{}, {"low": -3, "high": 4}, {"low": 0.5}, {"high": 1.5}])
def test_made_tensors_lie_in_the_same_range(dtype: str, ends: dict[str, float]) -> None:
    """The ends of many draws agree to a hundredth of the range."""
    found = []
    for lib in (torch, candle):
        lib.manual_seed(0)
        x = lib.testing.make_tensor(4000, dtype=getattr(lib, dtype), device="cpu", **ends)
        x = lib.view_as_real(x) if x.is_complex() else x.double()
        found.append([x.min().item(), x.max().item()])
    assert found[1] == pytest.approx(found[0], abs=0.2 if "float" in dtype or "complex" in dtype else 0)


def test_made_tensors_as_asked() -> None:
    for lib in (torch, candle):
        make = lib.testing.make_tensor
        x = make((3, 4), dtype=lib.float64, device="cpu", noncontiguous=True, requires_grad=True)
        assert (tuple(x.shape), x.is_contiguous(), x.requires_grad) == ((3, 4), False, True)
        assert (make(500, dtype=lib.uint8, device="cpu", high=2, exclude_zero=True) == 1).all()
        with pytest.raises(ValueError, match="low|numbers"):
            make(2, dtype=lib.uint8, device="cpu", low=5, high=5)
        with pytest.raises(ValueError, match="low|numbers"):
            make(2, dtype=lib.uint8, device="cpu", low=300, high=400)
