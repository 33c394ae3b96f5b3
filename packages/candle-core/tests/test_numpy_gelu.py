"""The NumPy backend's kernel for gelu, beside its rule and PyTorch."""

import numpy as np
import pytest
import torch

from candle._numpy_kernels.gelu import Gelu
from candle.kernels import Kernel
from candle.testing.kernels import KernelSuite
from candle.testing.samples import Sample, floats


class TestGelu(KernelSuite):
    samples = (
        Sample("gelu", (floats(5, 7, low=-4, high=4),), {"approximate": "tanh"}),
        Sample("gelu", (floats(1001),), {"approximate": "tanh"}),
    )

    @pytest.fixture
    def kernel(self) -> Kernel:
        return Gelu()


class TestGeluNormal(KernelSuite):
    samples = (
        Sample("gelu", (floats(5, 7, low=-4, high=4),), {"approximate": "none"}),
        Sample("gelu", (floats(40, 1001),), {"approximate": "none"}),  # more than a block
    )
    dtypes = ("float32",)

    @pytest.fixture
    def kernel(self) -> Kernel:
        return Gelu()


@pytest.mark.parametrize("dtype", ["float16", "complex64", "int64"])
def test_leaves_other_dtypes_to_the_rule(dtype: str) -> None:
    assert Gelu().forward(np.ones((2, 3), dtype), approximate="tanh") is NotImplemented


@pytest.mark.parametrize(("x", "form"), [(np.array(1.0), "tanh"), (np.ones(3), "none")], ids=["no dims", "float64"])
def test_leaves_other_forms_to_the_rule(x: np.ndarray, form: str) -> None:
    assert Gelu().forward(x, approximate=form) is NotImplemented


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_pytorch(dtype: str) -> None:
    x, grad = np.linspace(-9, 9, 4001, dtype=dtype), np.linspace(1, -2, 4001, dtype=dtype)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.gelu(leaf, approximate="tanh")
    expected.backward(torch.tensor(grad))
    out, residuals = Gelu().forward(x, approximate="tanh")
    (dx,) = Gelu().vjp((True,), grad, residuals, out, x, approximate="tanh")
    assert leaf.grad is not None
    bound = 64 * np.finfo(dtype).eps  # what tanh rounds is multiplied by the derivative of its argument, and by x
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=0, atol=bound)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=0, atol=bound)


def test_the_tail_keeps_its_digits() -> None:
    """Where 1 + erf(x / sqrt 2) has lost all of them."""
    x = np.linspace(-11, 3, 5001, dtype=np.float32)
    expected = torch.special.log_ndtr(torch.tensor(x).double()).exp().numpy() * x
    np.testing.assert_allclose(Gelu().forward(x, approximate="none")[0], expected, rtol=1e-5, atol=0)
    near = x[x > -1]
    np.testing.assert_allclose(Gelu().forward(near, approximate="none")[0], expected[x > -1], rtol=6e-7, atol=0)
