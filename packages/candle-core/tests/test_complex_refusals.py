"""Complex numbers have no order, no sign and no special functions here: such operations say so, as PyTorch's do."""

from __future__ import annotations

import pytest
import torch

import candle

Z = [1 + 1j, 2 - 1j, 0.5j]

OF_ONE = {
    **{name: lambda lib, z, name=name: getattr(lib, name)(z) for name in (
        "max min amax amin aminmax argmax argmin sort argsort msort median mode relu erf erfc erfinv floor ceil round "
        "trunc sign signbit digamma lgamma i0 logit"
    ).split()},
    "topk": lambda lib, z: lib.topk(z, 2),
    "cummax": lambda lib, z: lib.cummax(z, 0),
    "max over a dim": lambda lib, z: z.max(0),
    "clamp": lambda lib, z: z.clamp(0.0, 1.0),
    "softmax": lambda lib, z: lib.softmax(z, 0),
    "entr": lambda lib, z: lib.special.entr(z),
    "xlog1py": lambda lib, z: lib.special.xlog1py(z, z),
}  # fmt: skip
OF_TWO = "fmod remainder floor_divide maximum minimum fmax fmin atan2 hypot xlogy copysign lt le gt ge".split()


@pytest.mark.parametrize("name", OF_ONE)
def test_of_one(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"not for complex numbers \(candle.complex64\)"):
        OF_ONE[name](candle, candle.tensor(Z))
    with pytest.raises((RuntimeError, NotImplementedError)):
        OF_ONE[name](torch, torch.tensor(Z))


@pytest.mark.parametrize("name", OF_TWO)
@pytest.mark.parametrize("other", [Z, [1.0, 2.0, 3.0]], ids=["complex", "real"])
def test_of_two(name: str, other: list[complex]) -> None:
    for values in (Z, other), (other, Z):
        with pytest.raises(RuntimeError, match=f"{name}: not for complex"):
            getattr(candle, name)(*map(candle.tensor, values))
        with pytest.raises((RuntimeError, NotImplementedError)):
            getattr(torch, name)(*map(torch.tensor, values))


def test_a_complex_number_counts() -> None:
    with pytest.raises(RuntimeError, match="lt: not for complex"):
        candle.lt(candle.ones(2), 1j)
    with pytest.raises(RuntimeError, match="clamp: not for complex"):
        candle.ones(2).clamp(1j)


def test_inside_vmap() -> None:
    with pytest.raises(RuntimeError, match="argsort: not for complex"):
        candle.vmap(lambda z: z.sort().values)(candle.tensor([Z, Z]))


def test_the_direction_of_a_complex_number_is_sgn() -> None:
    assert candle.tensor([3 + 4j, 0j]).sgn().tolist() == pytest.approx([0.6 + 0.8j, 0j])
