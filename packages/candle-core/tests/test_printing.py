"""`repr` is PyTorch's, with candle's name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
import torch

import candle

from .oracle import to_candle


def in_candle_words(text: str) -> str:
    """PyTorch's text, as candle should write it: `<MulBackward0>` is `<MulBackward>`."""
    return re.sub(r"Backward\d+", "Backward", text.replace("torch.", "candle."))


def values(*shape: int, dtype: torch.dtype = torch.float32, start: float = 0, step: float = 1) -> torch.Tensor:
    return (torch.arange(torch.Size(shape).numel(), dtype=torch.float64) * step + start).to(dtype).reshape(shape)


TENSORS = {
    "number": torch.tensor(1.5),
    "whole number": torch.tensor(3.0),
    "integer": torch.tensor(7),
    "bool": torch.tensor(True),
    "complex number": torch.tensor(1 + 2j),
    "vector": torch.tensor([1.0, 2.5, -3.25]),
    "whole vector": torch.tensor([1.0, 2.0, -30.0]),
    "integers": torch.tensor([1, -200, 3]),
    "bools": torch.tensor([[True, False], [False, True]]),
    "matrix": values(2, 3, start=0.125),
    "column": values(3, 1),
    "cube": values(2, 2, 3, step=0.5),
    "four dims": values(2, 1, 2, 2),
    "empty": torch.tensor([]),
    "empty matrix": torch.zeros(0, 3),
    "empty integers": torch.zeros(2, 0, dtype=torch.int64),
    "empty bools": torch.zeros(0, dtype=torch.bool),
    "float64": torch.tensor([1.5], dtype=torch.float64),
    "float16": torch.tensor([1.5, 2.25], dtype=torch.float16),
    "bfloat16": torch.tensor([1.5, 2.25], dtype=torch.bfloat16),
    "int8": torch.tensor([1, 2], dtype=torch.int8),
    "uint8": torch.tensor([1, 255], dtype=torch.uint8),
    "complex64": torch.tensor([1 + 2j, -3.5j, 0.25]),
    "whole complex": torch.tensor([1 + 2j, -3j]),
    "complex128": torch.tensor([1 + 2j], dtype=torch.complex128),
    "small": torch.tensor([1e-5, 2e-5]),
    "tiny": torch.tensor([1e-10, 1.0]),
    "tiny number": torch.tensor(1.5e-7),
    "large": torch.tensor([1e8, 2e9]),
    "large whole": torch.tensor([123456789.0, 1.0]),
    "large number": torch.tensor(123456.789),
    "wide": torch.tensor([0.001, 1000.5]),
    "wide whole": torch.tensor([1.0, 100000.0]),
    "huge": torch.tensor([1e30, -1e30]),
    "thousandths": torch.tensor([0.001, 0.002]),
    "thirds": torch.tensor([1 / 3, 2 / 3, 1.0]),
    "inf": torch.tensor([math.inf, -math.inf, 1.0]),
    "nan": torch.tensor([math.nan, 1.5]),
    "only nan": torch.tensor([math.nan]),
    "inf number": torch.tensor(math.inf),
    "zeros": torch.zeros(2, 2),
    "negative zero": torch.tensor([-0.0, 0.0]),
    "long": values(100),
    "long fractions": values(40, step=0.37),
    "long integers": values(60, dtype=torch.int64),
    "summarized vector": values(2000),
    "summarized matrix": values(200, 30),
    "summarized cube": values(20, 20, 20, dtype=torch.int64),
    "summarized fractions": values(50, 50, step=0.37),
    "just not summarized": values(10, 100, dtype=torch.int64),
    "wide matrix": values(3, 40, step=1.37),
    "transposed": values(2, 3).T,
    "expanded": torch.tensor([1.0]).expand(2, 3),
    "largest int64": torch.tensor([2**63 - 1, -(2**63)]),
    "leaf": torch.tensor([1.0, 2.0]).requires_grad_(),
    "leaf of float64": torch.tensor([[1.0]], dtype=torch.float64).requires_grad_(),
}


@pytest.mark.parametrize("t", TENSORS.values(), ids=TENSORS)
def test_repr_is_that_of_torch(t: torch.Tensor) -> None:
    mine = to_candle(t)
    assert repr(mine) == in_candle_words(repr(t))
    assert str(mine) == in_candle_words(str(t))


HISTORIES = {
    "mul": lambda x: x * 2,
    "exp": lambda x: x.exp(),
    "sum": lambda x: x.sum(),
    "long line": lambda x: (x * 123.456).reshape(1, 3).expand(4, 3) * 1,
    "matmul": lambda x: x[None] @ x[:, None],
}


@pytest.mark.parametrize("make", HISTORIES.values(), ids=HISTORIES)
def test_the_history_is_named(make) -> None:
    theirs = make(torch.tensor([0.5, 1.5, 2.5], requires_grad=True))
    mine = make(candle.tensor([0.5, 1.5, 2.5], requires_grad=True))
    name = re.compile(r"grad_fn=<(\w+)>")
    assert name.search(repr(mine))
    assert name.sub("grad_fn", repr(mine)) == name.sub("grad_fn", in_candle_words(repr(theirs)))


def test_a_parameterless_view_of_a_device() -> None:
    assert repr(candle.device("cpu")) == repr(torch.device("cpu"))
    assert str(candle.device("cuda", 1)) == str(torch.device("cuda", 1)) == "cuda:1"
    assert (candle.device("cuda:1").type, candle.device("cuda:1").index) == ("cuda", 1)
    assert candle.device("cpu") == candle.device("cpu") != candle.device("cuda")


@pytest.mark.parametrize(
    "name", ["float16", "bfloat16", "float32", "float64", "int8", "int64", "uint8", "bool", "complex64", "complex128"]
)
def test_the_names_of_dtypes(name: str) -> None:
    assert repr(getattr(candle, name)) == in_candle_words(repr(getattr(torch, name)))


def test_sizes() -> None:
    for shape in ((), (3,), (2, 3)):
        assert repr(candle.zeros(*shape).shape) == in_candle_words(repr(torch.zeros(shape).shape))


# --- formatting ---------------------------------------------------------------------------


def test_format_of_numbers_and_of_more() -> None:
    for spec in ("", ".2f", ".3e", "8.1f", "<10.2f"):
        assert format(candle.tensor(3.14159), spec) == format(torch.tensor(3.14159), spec)
    assert f"{candle.tensor(3):03d}" == f"{torch.tensor(3):03d}" == "003"
    assert f"{candle.tensor([1.5, 2.0])}" == f"{torch.tensor([1.5, 2.0])}"
    assert f"{candle.tensor(1.5, requires_grad=True):.1f}" == "1.5"
    with pytest.raises(TypeError):
        f"{candle.tensor([1.5, 2.0]):.2f}"


@pytest.fixture
def options() -> Iterator[None]:
    yield
    for lib in (candle, torch):
        lib.set_printoptions(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)


OPTIONS = [
    {"precision": 2},
    {"precision": 8},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"linewidth": 40},
    {"linewidth": 200},
    {"sci_mode": True},
    {"sci_mode": False},
]


@pytest.mark.parametrize("chosen", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "t",
    [values(30, step=0.37), values(4, 8, dtype=torch.int64), torch.tensor([1e-6, 1.0])],
    ids=["vector", "matrix", "wide"],
)
def test_print_options(options: None, chosen: dict, t: torch.Tensor) -> None:
    for lib in (candle, torch):
        lib.set_printoptions(**chosen)
    assert repr(to_candle(t)) == in_candle_words(repr(t))


@pytest.mark.parametrize("profile", ["short", "full", "default"])
def test_print_profiles(options: None, profile: str) -> None:
    t = values(2000, step=0.37)
    for lib in (candle, torch):
        lib.set_printoptions(profile=profile)
    assert repr(to_candle(t)) == in_candle_words(repr(t))


def test_unknown_print_options_are_refused() -> None:
    with pytest.raises(TypeError, match="digits"):
        candle.set_printoptions(digits=3)


def test_printing_forces_nothing_into_the_graph() -> None:
    x = candle.ones(3, requires_grad=True)
    y = x.exp()
    before = y._version
    assert "Exp" in repr(y)
    assert y._version == before
    y.sum().backward()
    assert x.grad is not None
