"""Does the harness see what it is there to see? Torch itself, spoiled in one place at a
time, takes candle's seat: unspoiled it agrees, and each kind of mistake is found."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch

from .checks import Check, run
from .subject import Subject


def spoiled(**replaced: Any) -> Subject:
    """Torch with some of its functions replaced."""
    module = types.SimpleNamespace(**{**vars(torch), **replaced})
    module.__name__ = "torch"
    return Subject(module)


class _CutGradient(torch.autograd.Function):
    """sin whose gradient is right, and constant: no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * ctx.saved_tensors[0].detach().cos()


def unsupported(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("add: alpha is not supported")


def writes_into_its_argument(x: torch.Tensor, other: Any, **kwargs: Any) -> torch.Tensor:
    result = torch.add(x, other, **kwargs)
    with torch.no_grad():
        x.mul_(2)
    return result


AGREE = """
    add where sum max.reduction_with_dim nn.functional.embedding einsum __getitem__ __radd__ T zero_ to
    polygamma.polygamma_n_1 linalg.eigh cholesky_inverse sort nn.functional.elu
""".split()


@pytest.mark.parametrize("op", AGREE)
@pytest.mark.parametrize("kind", ["forward", "gradient", "second", "errors", "inplace", "method", "promotion"])
def test_torch_agrees_with_itself(op: str, kind: str) -> None:
    outcome = run(Check(op, kind, "float64", "cpu"), Subject(torch))
    assert not outcome.failures
    assert not outcome.unsupported


MISTAKES = {
    "values": ("forward", spoiled(add=lambda x, y, **kw: torch.add(x, y, **kw) * (1 + 1e-8))),
    "dtype": ("forward", spoiled(add=lambda x, y, **kw: torch.add(x, y, **kw).float())),
    "shape": ("forward", spoiled(add=lambda x, y, **kw: torch.add(x, y, **kw)[None])),
    "type": ("forward", spoiled(add=lambda x, y, **kw: 1.0)),
    "raises TypeError": ("forward", spoiled(add=lambda x: x)),
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_a_wrong_add_is_found(reason: str) -> None:
    kind, subject = MISTAKES[reason]
    assert run(Check("add", kind, "float64", "cpu"), subject).reasons == {reason}


def test_an_answer_where_torch_raises_is_found() -> None:
    outcome = run(Check("diag", "errors", "", "cpu"), spoiled(diag=lambda x, *args, **kwargs: x))
    assert outcome.reasons == {"answers"}


def test_a_wrong_promotion_is_found() -> None:
    subject = spoiled(add=lambda x, y, **kw: torch.add(x, y, **kw).to(x.dtype))
    assert not run(Check("add", "forward", "float64", "cpu"), subject).failures
    assert "dtype" in run(Check("add", "promotion", "float64", "cpu"), subject).reasons


def test_a_changed_argument_is_found() -> None:
    outcome = run(Check("add", "forward", "float64", "cpu"), spoiled(add=writes_into_its_argument))
    assert "argument 0 after the call" in outcome.failures[0]


def test_a_missing_field_is_found() -> None:
    subject = spoiled(max=lambda *args, **kwargs: tuple(torch.max(*args, **kwargs)))
    assert run(Check("max.reduction_with_dim", "forward", "float64", "cpu"), subject).reasons == {"fields"}


def test_a_wrong_gradient_is_found() -> None:
    subject = spoiled(sin=lambda x: x.detach().sin())
    assert not run(Check("sin", "forward", "float64", "cpu"), subject).failures
    assert run(Check("sin", "gradient", "float64", "cpu"), subject).reasons == {"values"}


def test_a_wrong_second_derivative_is_found() -> None:
    subject = spoiled(sin=_CutGradient.apply)
    assert not run(Check("sin", "gradient", "float64", "cpu"), subject).failures
    assert run(Check("sin", "second", "float64", "cpu"), subject).reasons == {"values"}


def test_a_wrong_method_and_inplace_method_are_found() -> None:
    class Tensor(torch.Tensor):
        sin, sin_ = torch.Tensor.cos, torch.Tensor.cos_

    subject = spoiled(Tensor=Tensor)
    subject.is_tensor = lambda value: isinstance(value, torch.Tensor)
    assert run(Check("sin", "method", "float64", "cpu"), subject).reasons == {"values"}
    assert run(Check("sin", "inplace", "float64", "cpu"), subject).reasons == {"values"}


def test_an_unsupported_option_is_neither_a_pass_nor_a_difference() -> None:
    outcome = run(Check("add", "forward", "float64", "cpu"), spoiled(add=unsupported))
    assert (outcome.compared, outcome.failures) == (0, [])
    assert outcome.unsupported == {"add: alpha is not supported"}


def other_order(x: torch.Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """A sort that is right, but starts from the far end where it need not be stable."""
    if stable or not x.ndim:
        return torch.sort(x, dim=dim, descending=descending, stable=stable)
    values, indices = torch.sort(x.flip(dim), dim=dim, descending=descending)
    return torch.return_types.sort([values, x.shape[dim] - 1 - indices])


def wrong_indices(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    values, indices = torch.sort(x, *args, **kwargs)
    return torch.return_types.sort([values, (indices + 1) % max(1, x.numel()) if x.ndim == 1 else indices])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_equal_elements_may_come_in_any_order_but_the_indices_must_point_at_them(dtype: str) -> None:
    check = Check("sort", "forward", dtype, "cpu")
    assert not run(check, spoiled(sort=other_order), full=True).failures
    assert run(check, spoiled(sort=wrong_indices), full=True).reasons == {"values"}


def test_a_failure_names_the_sample_and_the_first_difference() -> None:
    text = run(Check("add", "forward", "float64", "cpu"), MISTAKES["values"][1]).failures[0]
    for part in ("add, sample 0: (float64[", "max abs difference", "max rel difference", "first at ("):
        assert part in text
