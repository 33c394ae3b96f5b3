"""candle.array_api against `array_api_strict`, the standard's own strict implementation: names, signatures, results."""

from __future__ import annotations

import inspect
import itertools
import math
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import candle
from candle import array_api as ours

strict.set_array_api_strict_flags(api_version="2024.12")

DTYPES = """
bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
""".split()
NEWER = {"isin", "broadcast_shapes"}  # of 2025.12
OWN = {
    "get_array_api_strict_flags",
    "reset_array_api_strict_flags",
    "set_array_api_strict_flags",
    "ArrayAPIStrictFlags",
}


def host(x: Any) -> Any:
    if isinstance(x, candle.Tensor):
        return x.detach().numpy()
    if isinstance(x, tuple | list):
        return tuple(map(host, x))
    return np.asarray(x) if hasattr(x, "__array_namespace__") else x


def same(mine: Any, theirs: Any, rtol: float | None = None) -> None:
    mine, theirs = host(mine), host(theirs)
    if isinstance(theirs, tuple):
        assert len(mine) == len(theirs)
        for m, t in zip(mine, theirs, strict=True):
            same(m, t, rtol)
    elif isinstance(theirs, np.ndarray):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        single = theirs.dtype in (np.float32, np.complex64)
        np.testing.assert_allclose(
            mine, theirs, rtol=rtol or (1e-5 if single else 1e-12), atol=1e-6 if single else 1e-12
        )
    else:
        assert mine == theirs


def to_both(*arrays: Any) -> tuple[list[Any], list[Any]]:
    """Arrays in both libraries; numbers as they are."""
    mine = [candle.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in arrays]
    return mine, [strict.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]


def outcome(function: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError) as error:
        return error


@pytest.fixture(autouse=True)
def _double() -> Any:
    """The standard leaves the default dtype open; the other library's is float64."""
    candle.set_default_dtype(candle.float64)
    yield
    candle.set_default_dtype(candle.float32)


# Names and signatures


def public(namespace: Any) -> set[str]:
    return {name for name in namespace.__all__ if not name.startswith("_")} - NEWER - OWN


@pytest.mark.parametrize("part", ["", "linalg", "fft"])
def test_nothing_is_missing(part: str) -> None:
    mine, theirs = (getattr(xp, part) if part else xp for xp in (ours, strict))
    assert [name for name in sorted(public(theirs) - {"Device"}) if not hasattr(mine, name)] == []
    assert hasattr(ours, "__array_namespace_info__")
    assert ours.__array_api_version__ == strict.__array_api_version__


def signatures() -> list[Any]:
    parts = (("", strict), ("linalg", strict.linalg), ("fft", strict.fft))
    names = [(part, xp, name) for part, xp in parts for name in sorted(public(xp))]
    return [
        pytest.param(part, name, id=f"{part}.{name}".lstrip("."))
        for part, xp, name in names
        if inspect.isfunction(getattr(xp, name))
    ]


UNDEFINED = ("device", "copy")  # has a default of its own in some functions of the other library


@pytest.mark.parametrize(("part", "name"), signatures())
def test_signature(part: str, name: str) -> None:
    mine, theirs = (
        {p.name: (p.kind, () if p.name in UNDEFINED else p.default) for p in inspect.signature(f).parameters.values()}
        for f in (getattr(getattr(xp, part) if part else xp, name) for xp in (ours, strict))
    )
    assert mine == theirs


# Dtypes


@pytest.mark.parametrize(("a", "b"), list(itertools.product(DTYPES, DTYPES)))
def test_promotion(a: str, b: str) -> None:
    mine = outcome(ours.result_type, getattr(ours, a), getattr(ours, b))
    theirs = outcome(strict.result_type, getattr(strict, a), getattr(strict, b))
    if isinstance(theirs, Exception):
        assert isinstance(mine, TypeError)
    else:
        assert mine.name == theirs._np_dtype.name


@pytest.mark.parametrize("name", DTYPES)
def test_dtype_functions(name: str) -> None:
    mine, theirs = getattr(ours, name), getattr(strict, name)
    kinds = "bool,signed integer,unsigned integer,integral,real floating,complex floating,numeric".split(",")
    for kind in [*kinds, ("bool", "integral")]:
        assert ours.isdtype(mine, kind) == strict.isdtype(theirs, kind)
    for function in ("finfo", "iinfo"):
        told, expected = (outcome(getattr(xp, function), d) for xp, d in ((ours, mine), (strict, theirs)))
        if isinstance(expected, Exception):
            assert isinstance(told, TypeError)
            continue
        for field in ("bits", "max", "min", *(("eps", "smallest_normal") if function == "finfo" else ())):
            assert getattr(told, field) == getattr(expected, field)
            assert type(getattr(told, field)) is type(getattr(expected, field))
        assert told.dtype.name == expected.dtype._np_dtype.name


def test_inspection() -> None:
    mine, theirs = (xp.__array_namespace_info__() for xp in (ours, strict))
    assert mine.capabilities() == theirs.capabilities()
    for kind in (None, "bool", "integral", "real floating", ("bool", "complex floating")):
        assert mine.dtypes(kind=kind).keys() == theirs.dtypes(kind=kind).keys()
    assert mine.default_dtypes().keys() == theirs.default_dtypes().keys()
    assert mine.default_device() in mine.devices()
    x = candle.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is ours
    with pytest.raises(ValueError, match="'1999.01' is not supported"):
        x.__array_namespace__(api_version="1999.01")


# Elementwise: values, dtypes, refusals, on whatever arrays

ONE = """
abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite isinf isnan log
log1p log2 log10 logical_not negative positive real reciprocal round sign signbit sin sinh square sqrt tan tanh trunc
""".split()
TWO = """
add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal floor_divide
greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum multiply
nextafter not_equal pow remainder subtract
""".split()


OF_COMPLEX = "add divide equal multiply not_equal pow subtract".split()


def elements(dtype: np.dtype, tame: bool) -> st.SearchStrategy:
    """Small numbers, so that what differs is the rule and not the last bits; and the special ones."""
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        low = 1 if tame else 0 if dtype.kind == "u" else -5
        return st.integers(low, 5)
    reals = [0.25, 0.5, 1.0, 1.5, 2.0, 3.0] + (
        [] if tame else [-2.5, -1.0, -0.5, 0.0, -0.0, math.inf, -math.inf, math.nan]
    )
    if dtype.kind == "c":
        return st.builds(complex, st.sampled_from([0.25, -0.5, 1.5, -2.0]), st.sampled_from([0.75, -0.5, 1.25]))
    return st.sampled_from(reals)


def arrays(shapes: st.SearchStrategy, tame: bool = False) -> st.SearchStrategy:
    kinds = st.sampled_from(DTYPES).map(np.dtype)
    return kinds.flatmap(lambda d: shapes.flatmap(lambda s: hnp.arrays(d, s, elements=elements(d, tame))))


SHAPES = st.sampled_from([(), (0,), (1,), (3,), (2, 3), (2, 1, 2)])


@pytest.mark.parametrize("name", ONE)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_one_input(name: str, data: st.DataObject) -> None:
    (x,), (y,) = to_both(data.draw(arrays(SHAPES)))
    with np.errstate(all="ignore"):
        theirs = outcome(getattr(strict, name), y)
    mine = outcome(getattr(ours, name), x)
    if isinstance(theirs, Exception):
        assert isinstance(mine, TypeError), f"{name} of {x.dtype} must be refused"
    else:
        same(mine, theirs)


@pytest.mark.parametrize("name", TWO)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_two_inputs(name: str, data: st.DataObject) -> None:
    """Arrays of any two dtypes, or an array and a number of any kind."""
    tame = name in ("floor_divide", "remainder", "pow", "bitwise_left_shift", "bitwise_right_shift", "divide")
    a = data.draw(arrays(SHAPES, tame))
    if data.draw(st.booleans()):
        b = data.draw(arrays(st.sampled_from([(), (1,), a.shape]), tame))
    else:
        b = data.draw(st.sampled_from([True, 2, 1.5] + ([1 + 2j] if name in OF_COMPLEX else [])))
    pair = (a, b) if data.draw(st.booleans()) else (b, a)
    mine_in, theirs_in = to_both(*pair)
    with np.errstate(all="ignore"):
        theirs = outcome(getattr(strict, name), *theirs_in)
    mine = outcome(getattr(ours, name), *mine_in)
    if isinstance(theirs, Exception):
        assert isinstance(mine, TypeError), f"{name} of {pair} must be refused"
    else:
        same(mine, theirs)


# All else, an expression each

F = np.array([[0.5, -1.0, 2.0], [3.0, 0.0, -2.5]])
G = np.array([[1.5, 2.0, -0.5], [0.25, 1.0, 4.0]])
I = np.array([[3, 1, 2], [3, 0, 1]])
B = np.array([[True, False, True], [False, False, True]])
U = np.array([[200, 100], [3, 4]], dtype=np.uint8)
C = F + 1j * G
S = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])

EXPRESSIONS = """
xp.arange(5)
xp.arange(1, 7, 2)
xp.arange(5, 0, -2)
xp.arange(0.5, 3.0, 0.5)
xp.arange(3, dtype=xp.float32)
xp.arange(3, 1)
xp.linspace(0, 1, 5)
xp.linspace(0, 1, 5, endpoint=False)
xp.linspace(2, 3, 1)
xp.linspace(0.0, 4.0, 0)
xp.linspace(0, 1, 3, dtype=xp.float64)
xp.eye(3)
xp.eye(2, 3, k=1)
xp.eye(2, 3, k=-1, dtype=xp.int8)
xp.zeros(3)
xp.zeros((2, 0), dtype=xp.int16)
xp.ones((2, 3), dtype=xp.complex64)
xp.full((2,), 3)
xp.full((2,), 1.5)
xp.full((2,), True)
xp.full((2,), 3, dtype=xp.float32)
xp.zeros_like(I)
xp.ones_like(I, dtype=xp.bool)
xp.full_like(F, 2)
xp.empty_like(F) * 0
xp.asarray([[1, 2], [3, 4]])
xp.asarray([1.5, 2])
xp.asarray(True)
xp.asarray(I, dtype=xp.float32)
xp.asarray(F, copy=True)
xp.meshgrid(xp.arange(3), xp.arange(2))
xp.meshgrid(xp.arange(3), xp.arange(2), indexing="ij")
xp.tril(F)
xp.tril(S, k=-1)
xp.triu(S, k=1)
xp.astype(F, xp.int64)
xp.astype(C, xp.complex64)
xp.astype(B, xp.int8)
xp.clip(F, -1, 1)
xp.clip(F, max=1.5)
xp.clip(F, min=G)
xp.clip(I, 1, 2)
xp.broadcast_to(xp.arange(3), (2, 3))
xp.broadcast_arrays(xp.arange(3), I, xp.asarray(2))
xp.concat([F, G])
xp.concat([F, G], axis=-1)
xp.concat([F, G], axis=None)
xp.concat([xp.asarray([1], dtype=xp.int8), xp.asarray([2], dtype=xp.uint8)])
xp.stack([F, G])
xp.stack([F, G], axis=-1)
xp.unstack(F)
xp.unstack(F, axis=1)
xp.expand_dims(F, 0)
xp.expand_dims(F, -1)
xp.squeeze(F[:, None, :1], (1, 2))
xp.flip(F)
xp.flip(F, axis=1)
xp.flip(F, axis=(0, 1))
xp.moveaxis(F[None, ...], 0, -1)
xp.moveaxis(F[None, ...], (0, 1), (2, 0))
xp.permute_dims(F[None, ...], (2, 0, 1))
xp.repeat(F, 2)
xp.repeat(F, 2, axis=1)
xp.repeat(F, xp.asarray([1, 2]), axis=0)
xp.tile(F, (2,))
xp.tile(F, (2, 1, 2))
xp.tile(F, ())
xp.reshape(F, (3, 2))
xp.reshape(F, (-1,), copy=True)
xp.reshape(F, (6,), copy=False)
xp.roll(F, 1)
xp.roll(F, 1, axis=1)
xp.roll(F, (1, -1), axis=(0, 1))
xp.roll(F, 1, axis=(0, 1))
xp.argmax(F)
xp.argmax(F, axis=1)
xp.argmin(F, axis=0, keepdims=True)
xp.argmax(F, keepdims=True)
xp.count_nonzero(F)
xp.count_nonzero(F, axis=1)
xp.count_nonzero(B, axis=(0, 1), keepdims=True)
xp.nonzero(F)
xp.where(B, F, G)
xp.where(B, F, 1.0)
xp.where(B, xp.asarray(1, dtype=xp.int8), xp.asarray(2, dtype=xp.uint8))
xp.searchsorted(xp.asarray([1.0, 2.0, 3.0]), F)
xp.searchsorted(xp.asarray([1.0, 2.0, 2.0]), xp.asarray([2.0]), side="right")
xp.searchsorted(xp.asarray([3, 1, 2]), I, sorter=xp.asarray([1, 2, 0]))
xp.sort(F)
xp.sort(F, axis=0, descending=True)
xp.argsort(F)
xp.argsort(I, axis=-1, descending=True)
xp.argsort(xp.asarray([2, 1, 2, 1]))
xp.take(F, xp.asarray([2, 0]), axis=1)
xp.take(xp.arange(5), xp.asarray([4, 4]))
xp.take_along_axis(F, xp.asarray([[2], [0]]), axis=1)
xp.take_along_axis(F, xp.asarray([[1, 0, 1]]), axis=0)
tuple(xp.unique_all(I))
tuple(xp.unique_counts(I))
tuple(xp.unique_inverse(I))
xp.unique_values(I)
xp.sum(F)
xp.sum(F, axis=1)
xp.sum(F, axis=(0, 1), keepdims=True)
xp.sum(F, axis=())
xp.sum(U)
xp.sum(xp.astype(I, xp.int8), axis=0)
xp.sum(xp.astype(F, xp.float32))
xp.sum(C, axis=0)
xp.sum(U, dtype=xp.uint8)
xp.prod(F, axis=0)
xp.prod(U)
xp.prod(xp.astype(I, xp.int16), axis=1, keepdims=True)
xp.mean(F)
xp.mean(F, axis=(0,), keepdims=True)
xp.mean(xp.astype(F, xp.float32), axis=1)
xp.var(F)
xp.var(F, axis=1, correction=1)
xp.std(F, axis=0, keepdims=True)
xp.max(F)
xp.max(I, axis=(0, 1), keepdims=True)
xp.min(F, axis=1)
xp.all(B)
xp.all(B, axis=0)
xp.any(F, axis=(1,))
xp.any(xp.zeros((0, 3)), axis=0)
xp.all(xp.zeros((0,)))
xp.cumulative_sum(F, axis=1)
xp.cumulative_sum(U[0, :], include_initial=True)
xp.cumulative_sum(F, axis=0, include_initial=True)
xp.cumulative_prod(F, axis=-1)
xp.cumulative_prod(I, axis=0, include_initial=True)
xp.diff(F)
xp.diff(F, axis=0)
xp.diff(F, n=2)
xp.diff(F, prepend=F[:, :1], append=F[:, 1:])
xp.matmul(F, S)
xp.matmul(F, G[0, :])
xp.matmul(I, xp.permute_dims(I, (1, 0)))
xp.matrix_transpose(F)
xp.tensordot(F, G, axes=2)
xp.tensordot(F, S, axes=1)
xp.tensordot(F, G, axes=((0,), (0,)))
xp.vecdot(F, G)
xp.vecdot(C, F + 0j)
xp.vecdot(F, G, axis=-2)
xp.linalg.cholesky(S)
xp.linalg.cholesky(S, upper=True)
xp.linalg.cross(S, S + xp.eye(3, dtype=xp.float64))
xp.linalg.det(S)
xp.linalg.diagonal(S, offset=1)
xp.linalg.diagonal(F[None, ...])
xp.linalg.eigvalsh(S)
xp.linalg.eigh(S)[0]
xp.abs(xp.linalg.eigh(S)[1])
xp.linalg.inv(S)
xp.linalg.inv(S + 1j * xp.eye(3, dtype=xp.complex128))
xp.linalg.matrix_norm(S)
xp.linalg.matrix_norm(F, ord=1, keepdims=True)
xp.linalg.matrix_norm(F, ord="nuc")
xp.linalg.matrix_norm(F, ord=2)
xp.linalg.matrix_power(S, 3)
xp.linalg.matrix_power(S, -2)
xp.linalg.matrix_power(S, 0)
xp.linalg.matrix_rank(S)
xp.linalg.outer(F[0, :], G[1, :])
xp.linalg.pinv(F)
xp.abs(xp.linalg.qr(S)[1])
xp.linalg.qr(F, mode="complete")[0] @ xp.linalg.qr(F, mode="complete")[1]
tuple(xp.linalg.slogdet(S))
tuple(xp.linalg.slogdet(-S))
xp.linalg.solve(S, S[:, :2])
xp.linalg.solve(S, S[0, :])
xp.linalg.svd(F)[1]
xp.abs(xp.linalg.svd(F, full_matrices=False)[2])
xp.linalg.svdvals(F)
xp.linalg.trace(S)
xp.linalg.trace(S, offset=-1)
xp.linalg.vector_norm(F)
xp.linalg.vector_norm(F, axis=1)
xp.linalg.vector_norm(F, axis=(0, 1), ord=1, keepdims=True)
xp.linalg.vector_norm(F, ord=float("inf"), axis=0)
xp.fft.fft(C)
xp.fft.fft(C, n=4, axis=0, norm="ortho")
xp.fft.ifft(C, norm="forward")
xp.fft.rfft(F)
xp.fft.irfft(C, n=5)
xp.fft.hfft(C)
xp.fft.ihfft(F)
xp.fft.fftn(C)
xp.fft.fftn(C, s=(3, 4), axes=(0, 1))
xp.fft.ifftn(C, axes=(1,))
xp.fft.rfftn(F)
xp.fft.irfftn(C, s=(2, 4), axes=(0, 1))
xp.fft.fftfreq(5)
xp.fft.rfftfreq(6, d=0.5)
xp.fft.fftshift(F)
xp.fft.ifftshift(F, axes=1)
xp.can_cast(xp.int8, xp.int64), xp.can_cast(xp.int64, xp.float32), xp.can_cast(F, xp.float32)
""".strip().splitlines()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression(text: str) -> None:
    code, names = compile(text, text, "eval"), {"F": F, "G": G, "I": I, "B": B, "U": U, "C": C, "S": S}
    mine, theirs = to_both(*names.values())
    same(*(eval(code, {"xp": xp, **dict(zip(names, given))}) for xp, given in ((ours, mine), (strict, theirs))), rtol=1e-9)  # fmt: skip


def test_every_function_is_tried() -> None:
    text = " ".join(EXPRESSIONS)
    tried = {*ONE, *TWO, "can_cast", "result_type", "isdtype", "finfo", "iinfo", "from_dlpack", "empty"}
    functions = {
        f"{part}.{name}".lstrip(".")
        for part, namespace in (("", strict), ("linalg", strict.linalg), ("fft", strict.fft))
        for name in public(namespace)
        if inspect.isfunction(getattr(namespace, name))
    }
    again = {"linalg.matmul", "linalg.matrix_transpose", "linalg.tensordot", "linalg.vecdot"}  # the same functions
    assert {name for name in functions - tried - again if f"xp.{name}(" not in text} == set()
    for name in again:
        assert getattr(ours.linalg, name.split(".")[1]) is getattr(ours, name.split(".")[1])


REFUSED = """
xp.sin(I)
xp.add(I, F)
xp.add(F, 1j) + xp.add(I, 1.5)
xp.logical_and(I, I)
xp.sum(B)
xp.mean(I)
xp.var(C)
xp.max(C)
xp.sort(C)
xp.matmul(B, B)
xp.linalg.inv(I)
xp.fft.rfft(C)
xp.concat([F, I])
xp.where(I, F, F)
xp.clip(C, 0, 1)
xp.astype(C, xp.float64)
xp.add(1, 2)
xp.sin([1.0])
xp.argmax(B)
xp.take(F, F, axis=0)
""".strip().splitlines()


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_standard_does_not_promise_is_refused(text: str) -> None:
    (f, i, b, c), _ = to_both(F, I, B, C)
    with pytest.raises(TypeError):
        eval(text, {"xp": ours, "F": f, "I": i, "B": b, "C": c})


def test_gradients_flow_through_it() -> None:
    x = candle.tensor(F, requires_grad=True)
    s = candle.tensor(S)
    ours.sum(ours.square(x) * ours.matmul(x, s)).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * F * (F @ S) + F**2 @ S.T)


def test_a_program_in_the_standards_terms_runs_on_both() -> None:
    def distances(x):
        xp = x.__array_namespace__()
        centred = x - xp.mean(x, axis=0, keepdims=True)
        return xp.sqrt(xp.sum(centred**2, axis=-1))

    (mine,), (theirs,) = to_both(F)
    same(distances(mine), distances(theirs))
