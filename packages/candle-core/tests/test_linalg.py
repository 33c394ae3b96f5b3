"""Linear algebra and Fourier transforms: what the parity harness and the conformance suite do not ask."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle.autograd import gradcheck, gradgradcheck
from candle.autograd.functional import hessian
from candle.backends.base import build_namespace
from candle.backends.contract import EXTRA, REQUIRED
from candle.backends.lapack import lu_factor
from candle.backends.numpy import OWN, NumpyBackend
from candle.plugins import registry

from .oracle import assert_same, check_gradients, to_candle

RNG = np.random.default_rng(0)


def real(*shape: int) -> candle.Tensor:
    return candle.tensor(RNG.standard_normal(shape))


def test_they_are_imported_when_first_used() -> None:
    code = """
import candle, sys
assert not {"candle.linalg", "candle.fft", "candle.ops.solving", "numpy.fft"} & sys.modules.keys()
assert candle.eye(2).det().item() == 1 and candle.tensor([3.0, 4.0]).norm().item() == 5
assert candle.fft.fft(candle.ones(2)).real.tolist() == [2, 0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("part", ["linalg", "fft"])
def test_parameters_are_those_of_pytorch_s_parser(part: str) -> None:
    """Its documentation calls some of them otherwise, which does not work there."""
    module = getattr(candle, part)
    for name in module.__all__:
        packet = getattr(torch.ops.aten, f"{part}_{name}", None)
        if packet is None or name in ("matrix_rank", "pinv", "vector_norm"):  # several signatures in one
            continue
        arguments = getattr(packet, packet.overloads()[0])._schema.arguments
        expected = ["input" if a.name == "self" else a.name for a in arguments]
        mine = list(inspect.signature(getattr(module, name)).parameters)
        left_out = {"layout", "pin_memory", "requires_grad"}
        assert [p for p in mine if p not in left_out] == [p for p in expected if p not in left_out], name


# Errors


@pytest.mark.parametrize("name", ["inv", "cholesky", "solve"])
def test_what_cannot_be_done_is_a_linalg_error(name: str) -> None:
    x = candle.tensor([[1.0, 2.0], [2.0, 4.0]]) - (name == "cholesky") * 2 * candle.eye(2)
    arguments = (x, candle.ones(2)) if name == "solve" else (x,)
    with pytest.raises(candle.linalg.LinAlgError, match=name):
        getattr(candle.linalg, name)(*arguments)
    assert issubclass(candle.linalg.LinAlgError, RuntimeError)


def test_info_tells_which_of_a_batch_failed() -> None:
    x = candle.stack([candle.eye(2), candle.tensor([[1.0, 2.0], [2.0, 4.0]])])
    inverse, info = candle.linalg.inv_ex(x)
    assert info.tolist() == torch.linalg.inv_ex(torch.tensor(x.tolist())).info.tolist() == [0, 2]
    assert inverse[0].tolist() == [[1, 0], [0, 1]]
    assert inverse[1].isnan().all()
    result, info = candle.linalg.solve_ex(x, candle.ones(2, 2))
    assert (info.tolist(), result[0].tolist()) == ([0, 2], [1, 1])
    L, info = candle.linalg.cholesky_ex(x - candle.tensor([[0.0, 0.0], [0.0, 1.0]]) * 0.5)
    assert info.tolist() == [0, 2]
    np.testing.assert_allclose((L[0] @ L[0].mT).numpy(), [[1, 0], [0, 0.5]], rtol=1e-6)
    for function in (candle.linalg.inv_ex, candle.linalg.cholesky_ex, candle.linalg.lu_factor_ex):
        with pytest.raises(candle.linalg.LinAlgError):
            function(x * -1, check_errors=True)


def test_condition_of_singular_matrices_is_infinite() -> None:
    x = candle.stack([candle.eye(2), candle.ones(2, 2)])
    assert candle.linalg.cond(x, 1).tolist() == [1, math.inf]


def test_a_device_without_an_extension_says_so() -> None:
    class Little(NumpyBackend):
        def __init__(self) -> None:
            super().__init__(candle.device("little"))
            own = {name: OWN.get(name) or getattr(np, name) for name in REQUIRED | EXTRA}
            dtypes = {name: np.dtype(name) for name in ("bool", "int64", "float32", "complex64")}
            self.xp = build_namespace("little", SimpleNamespace(), own | dtypes)

    registry.add("little", lambda index: Little())
    x = candle.ones(2, 2, device="little")
    with pytest.raises(NotImplementedError, match=r"inv.*device 'little' has no linalg.inv; use .cpu"):
        x.inverse()
    with pytest.raises(NotImplementedError, match=r"device 'little' has no fft.rfftn"):
        candle.fft.rfft(x)
    assert x.norm().item() == 2


@pytest.mark.parametrize("dtype", [candle.float16, candle.bfloat16])
def test_half_precision_is_widened(dtype: Any) -> None:
    x = (candle.eye(3) * 2).to(dtype)
    for found in (x.inverse(), x.det(), candle.linalg.svd(x).S, candle.linalg.eigvalsh(x), x.norm()):
        assert found.dtype is dtype
    assert x.det().item() == 8


# Derivatives where the plain formula fails


def test_derivatives_of_determinants_of_singular_matrices() -> None:
    """The gradient is made of cofactors, which a matrix of rank n - 1 has."""
    x = candle.tensor([[1.0, 2, 3], [2, 4.5, 1], [3, 6.5, 4]], dtype=candle.float64, requires_grad=True)
    assert gradcheck(candle.det, (x,))
    assert gradgradcheck(candle.det, (x,))
    both = candle.stack([x.detach(), candle.eye(3, dtype=candle.float64)]).requires_grad_()
    assert gradcheck(candle.det, (both,))
    assert gradgradcheck(candle.det, (both,))


def test_second_derivative_of_the_determinant_of_the_identity() -> None:
    """Its singular values are all the same, so that their derivative would fail."""
    found: Any = hessian(candle.det, candle.eye(2, dtype=candle.float64))
    expected = torch.autograd.functional.hessian(torch.det, torch.eye(2, dtype=torch.float64))
    assert_same(found, expected)


@pytest.mark.parametrize("imaginary", [0, 1j])
def test_gradients_by_hermitian_matrices_are_hermitian(imaginary: complex) -> None:
    """The function is one of Hermitian matrices, so what leaves them is no direction."""
    x = RNG.standard_normal((4, 4)) + imaginary * RNG.standard_normal((4, 4))
    weights = RNG.standard_normal((4, 4))

    def program(lib: Any, t: Any) -> Any:
        return (lib.linalg.eigh(t).eigenvectors.abs() ** 3 * lib.tensor(weights)).sum()

    mine, theirs = (lib.tensor(x + x.conj().T).requires_grad_() for lib in (candle, torch))
    program(candle, mine).backward()
    program(torch, theirs).backward()
    assert_same(mine.grad, theirs.grad)


def test_second_derivatives_by_symmetric_matrices() -> None:
    x = RNG.standard_normal((3, 3))
    x = x + x.T

    def program(lib: Any) -> Any:
        return lib.autograd.functional.hessian(lambda t: (lib.linalg.eigvalsh(t) ** 3).sum(), lib.tensor(x))

    np.testing.assert_allclose(program(candle).numpy(), program(torch).numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("upper", [False, True])
def test_of_a_cholesky_factor_one_triangle_is_read(upper: bool) -> None:
    factor, b = RNG.standard_normal((3, 3)) + 3 * np.eye(3), RNG.standard_normal((3, 2))

    def program(lib: Any) -> list[Any]:
        x = lib.tensor(factor)
        return [lib.cholesky_inverse(x, upper), lib.cholesky_solve(lib.tensor(b), x, upper)]

    assert_same(program(candle), program(torch))


def test_norms_at_zero() -> None:
    for p in (1, 2, 3, math.inf):
        x = candle.zeros(3, requires_grad=True)
        x.norm(p).backward()
        assert x.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("p", [0, 1, 2, 3, math.inf])
def test_rows_of_no_elements_are_no_distance_apart(p: float) -> None:
    check_gradients(lambda lib, x, y: lib.cdist(x, y, p), *torch.zeros(2, 3, 0, requires_grad=True))


@pytest.mark.parametrize("mode", ["use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist"])
@pytest.mark.parametrize(
    "shapes", [((30, 4), (26, 4)), ((2, 1, 3, 4), (2, 27, 4)), ((30, 0), (3, 0)), ((0, 4), (30, 4))]
)
def test_distances_of_many_rows(shapes: tuple[tuple[int, ...], ...], mode: str) -> None:
    draw = torch.Generator().manual_seed(0)
    rows = [torch.randn(shape, generator=draw, dtype=torch.float64, requires_grad=True) for shape in shapes]
    check_gradients(lambda lib, x, y: lib.cdist(x, y, compute_mode=mode), *rows)


def test_rows_are_no_distance_from_themselves() -> None:
    x = candle.tensor([[3.0, 4.0], [0.0, 2.0]], requires_grad=True)
    found = candle.cdist(x, x, compute_mode="use_mm_for_euclid_dist")
    assert found.diagonal().tolist() == [0, 0]
    found.diagonal().sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="cdist: compute_mode must be one of .*, got 'quick'"):
        candle.cdist(x, x, compute_mode="quick")


def test_exponentials_of_a_batch_of_very_different_sizes() -> None:
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    x = torch.stack([turn * 1e-3, turn * 1e3, torch.diag(torch.tensor([700.0, -700.0], dtype=torch.float64))])
    mine, theirs = to_candle(x).requires_grad_(), x.clone().requires_grad_()
    found, expected = candle.matrix_exp(mine), torch.matrix_exp(theirs)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-11, atol=1e-11)
    found[:2].sum().backward()
    expected[:2].sum().backward()
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-9, atol=1e-9)


# LU


@pytest.mark.parametrize("shape", [(1, 1), (60, 60), (3, 40, 25), (2, 25, 40), (2, 0, 3, 3), (0, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex64, np.float32])
def test_lu(shape: tuple[int, ...], dtype: Any) -> None:
    x = RNG.standard_normal(shape).astype(dtype)
    if x.dtype.kind == "c":
        x = x + 1j * RNG.standard_normal(shape).astype(np.float32)
    lu, pivots = lu_factor(x)
    expected = torch.linalg.lu_factor(torch.tensor(x))
    tolerance = 1e-10 if dtype is np.float64 else 2e-3
    np.testing.assert_allclose(lu, expected.LU.numpy(), rtol=tolerance, atol=tolerance)
    assert pivots.dtype == np.int32
    assert (pivots == expected.pivots.numpy()).all()
    P, L, U = candle.linalg.lu(candle.tensor(x))
    np.testing.assert_allclose((P @ L @ U).numpy(), x, atol=1e-4)


def test_lu_of_a_column_of_zeros() -> None:
    x = candle.tensor([[0.0, 1.0], [0.0, 2.0]])
    LU, pivots, info = candle.linalg.lu_factor_ex(x)
    expected = torch.linalg.lu_factor_ex(torch.tensor(x.tolist()))
    assert (LU.tolist(), pivots.tolist(), info.item()) == tuple(each.tolist() for each in expected)


# Signals


def test_istft_is_the_inverse_of_stft() -> None:
    signal, window = real(2, 50), candle.tensor(np.hanning(9)[:-1] + 0.1)
    for options in ({}, {"normalized": True}, {"onesided": False}, {"hop_length": 3}, {"center": True}):
        transformed = candle.stft(signal, 8, window=window, return_complex=True, **options)
        back = candle.istft(transformed, 8, window=window, length=50, **options)
        np.testing.assert_allclose(back.numpy()[:, :46], signal.numpy()[:, :46], atol=1e-12)


def test_istft_refuses_what_no_piece_covers() -> None:
    transformed = candle.stft(real(40), 8, hop_length=8, center=False, return_complex=True)
    with pytest.raises(RuntimeError, match="no piece"):
        candle.istft(transformed, 8, hop_length=8, center=False, window=candle.zeros(8, dtype=candle.float64))


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_frequencies(n: int) -> None:
    for name in ("fftfreq", "rfftfreq"):
        found, expected = (getattr(lib.fft, name)(n, 0.5) for lib in (candle, torch))
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-7)
    x = real(n, 4)
    assert (candle.fft.ifftshift(candle.fft.fftshift(x)) == x).all()


def test_low_rank_decompositions_of_low_rank_matrices() -> None:
    x = real(3, 20, 4) @ real(3, 4, 9)
    for matrix in (x, x.mT):
        U, S, V = candle.svd_lowrank(matrix, q=6)
        assert (tuple(U.shape[-1:]), S.shape[-1]) == ((6,), 6)
        np.testing.assert_allclose(((U * S[..., None, :]) @ V.mT).numpy(), matrix.numpy(), atol=1e-10)
    U, S, V = candle.pca_lowrank(x, q=5)
    centred = x - x.mean(-2, keepdim=True)
    np.testing.assert_allclose(((U * S[..., None, :]) @ V.mT).numpy(), centred.numpy(), atol=1e-10)
