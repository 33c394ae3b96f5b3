"""Names that scripts written for PyTorch use besides the operations: each call has PyTorch's answer."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import candle

from ..oracle import assert_same, name_of, to_candle

X = torch.arange(6, dtype=torch.float32).reshape(2, 3)
V = torch.tensor([1.0, 2.0, 3.0])


def same_answer(call: str) -> None:
    """Both libraries' answers to a call of `lib` and the tensors x and v."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # range is deprecated there
        expected = eval(call, {"lib": torch, "x": X.clone(), "v": V.clone(), "np": np})
    found = eval(call, {"lib": candle, "x": to_candle(X), "v": to_candle(V), "np": np})
    if isinstance(expected, torch.dtype):
        assert name_of(found) == name_of(expected)
    elif isinstance(expected, str):
        assert found == expected.replace("torch.", "candle.")
    else:
        assert_same(found, expected)


CALLS = """
x.type(); x.long().type(); x.bfloat16().type(); x.type(lib.int64); x.type("torch.DoubleTensor"); x.type(lib.LongTensor)
lib.LongTensor([1, 2]); lib.FloatTensor(2, 3).shape; lib.BoolTensor([1, 0]); lib.LongTensor([1.7]); lib.ByteTensor([[3]])
isinstance(x, lib.FloatTensor); isinstance(x, lib.LongTensor); isinstance(3, lib.FloatTensor); x.new(3).shape; x.long().new([1.5])
x.new().shape; x.new([[1, 2]]); x.is_cuda; x.is_cpu; x.is_meta; x.is_sparse; x.is_quantized; x.is_mps; x.get_device(); x.output_nr
x.layout == lib.strided; x.is_signed(); x.byte().is_signed(); lib.is_signed(x); x[0, 1].is_nonzero(); lib.is_nonzero(x[0, 0])
x.is_same_size(x[0]); lib.is_same_size(x, x + 1); lib.detach(x); lib.is_inference(x); lib.get_device(x)
x.data_ptr() == x.view(-1).data_ptr(); x[1].data_ptr() - x.data_ptr(); x[:, 1:].storage_offset(); x.T[1].storage_offset(); x[:0].data_ptr()
x[1].untyped_storage().data_ptr() == x.data_ptr(); x[1].untyped_storage().nbytes(); x.is_pinned(); lib.view_as_real(x + 1j)[..., 1].storage_offset()
x.fill_diagonal_(7); x.T.fill_diagonal_(7); lib.zeros(7, 3).fill_diagonal_(1, wrap=True); lib.zeros(7, 3).fill_diagonal_(1); lib.zeros(9, 2).fill_diagonal_(3, True)
lib.zeros(2, 2, 2).fill_diagonal_(3.0); lib.zeros(3, 4).fill_diagonal_(5, wrap=True); x.apply_(lambda a: a * a); x.map_(v, lambda a, b: a * b); x[:0].apply_(str)
lib.finfo(lib.float32).eps; lib.finfo(lib.float16).max; lib.finfo(lib.bfloat16).min; lib.finfo(lib.bfloat16).tiny; lib.finfo().dtype; lib.finfo(lib.complex64).bits
lib.iinfo(lib.int8).min; lib.iinfo(lib.uint8).max; lib.iinfo(lib.int64).max; lib.iinfo(lib.int32).bits; lib.iinfo(lib.int16).dtype; lib.finfo(lib.float64).resolution
lib.finfo(lib.float64).smallest_normal; lib.finfo(lib.float64).max; lib.finfo(lib.bfloat16).resolution; lib.finfo(lib.float16).resolution; repr(lib.finfo(lib.float32)); repr(lib.finfo(lib.bfloat16)); repr(lib.iinfo(lib.int64)); repr(lib.iinfo(lib.uint8))
lib.asarray([1.0, 2.0]); lib.asarray(3); lib.asarray(np.arange(3)); lib.asarray(x, dtype=lib.float64); lib.asarray(x, copy=False) is x; lib.asarray(x, copy=True) is x
lib.asarray(bytearray(8), dtype=lib.int32); lib.asarray([1.0], requires_grad=True).requires_grad; lib.frombuffer(bytearray(range(8)), dtype=lib.int16, count=2, offset=2)
lib.frombuffer(bytearray(8), dtype=lib.bool); x[lib.newaxis].shape; lib.ger(v, v); v.ger(v); lib.vander(v); lib.vander(v.long(), 2, True); lib.vander(v, N=1); lib.vander(v, 0)
lib.range(0, 2); lib.range(1, 4, 0.5); lib.range(3, 1, -1); lib.range(0, 0.3, 0.1); lib.range(0, 2, dtype=lib.int64); lib.poisson(lib.zeros(3)); lib.poisson(v).shape
lib.binomial(lib.tensor([4.0, 5.0]), lib.tensor([0.0, 1.0])); lib.binomial(lib.tensor(4.0), lib.ones(2, 3)); lib.hann_window(6); lib.hann_window(6, False); lib.hann_window(1)
lib.hamming_window(5, True, 0.5, 0.3); lib.hamming_window(5, periodic=False, dtype=lib.float64); lib.blackman_window(7); lib.bartlett_window(4); lib.bartlett_window(5, False)
lib.kaiser_window(6); lib.kaiser_window(6, False, 5.0); lib.get_float32_matmul_precision()
lib.cuda.is_available(); lib.cuda.device_count(); lib.cuda.empty_cache(); lib.cuda.memory_allocated(); lib.cuda.max_memory_allocated(); lib.cuda.is_bf16_supported(); lib.cuda.manual_seed(1); lib.cuda.manual_seed_all(1); lib.cuda.amp.GradScaler(enabled=False).scale(x); lib.backends.cudnn.is_available(); lib.backends.mps.is_available()
lib.backends.cudnn.benchmark; lib.backends.cudnn.deterministic; lib.backends.cudnn.enabled; lib.backends.cuda.matmul.allow_tf32; lib.are_deterministic_algorithms_enabled()
lib.autograd.Variable(x).requires_grad; lib.autograd.Variable(x, requires_grad=True).requires_grad; isinstance(x, lib.autograd.Variable); isinstance(1, lib.autograd.Variable)
lib.is_anomaly_enabled(); lib.utils.dlpack.from_dlpack(lib.utils.dlpack.to_dlpack(x)); lib.utils.dlpack.from_dlpack(x); lib.default_generator is lib.random.default_generator
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in CALLS if each.strip()])
def test_calls(call: str) -> None:
    same_answer(call)


DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64")


def test_can_cast_every_pair() -> None:
    for a in DTYPES:
        for b in DTYPES:
            expected = torch.can_cast(getattr(torch, a), getattr(torch, b))
            assert candle.can_cast(getattr(candle, a), getattr(candle, b)) is expected, (a, b)


@pytest.mark.parametrize("name", [n for n in dir(torch) if n.endswith("_") and n[0] != "_"])
def test_functions_that_write(name: str) -> None:
    """Of PyTorch's functions in place, those that a tensor has as methods here."""
    if hasattr(candle.Tensor, name):
        assert getattr(candle, name) is getattr(candle.Tensor, name)
    else:  # quantities of candle.nn, and what only sparse or hidden kinds of tensors have
        assert name in {
            *("alpha_dropout_", "celu_", "embedding_renorm_", "feature_alpha_dropout_", "feature_dropout_"),
            *("resize_as_sparse_", "rrelu_", "selu_", "threshold_"),
        }


def test_a_function_that_writes_writes() -> None:
    x, theirs = to_candle(X), X.clone()
    assert candle.sigmoid_(x) is x
    assert_same(candle.clamp_(x, max=0.9), torch.clamp_(torch.sigmoid_(theirs), max=0.9))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64"])
def test_random_spans_what_the_dtype_holds(dtype: str) -> None:
    """The largest of many draws lies within a thousandth of PyTorch's bound, and none above."""
    candle.manual_seed(0)
    digits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
    most = 1 if dtype == "bool" else 2 ** digits[dtype] if dtype in digits else torch.iinfo(getattr(torch, dtype)).max
    drawn = candle.empty(20_000, dtype=getattr(candle, dtype)).random_().double()
    assert drawn.min() < most / 500 + 1
    assert most * 0.998 - 1 <= drawn.max() <= most


@pytest.mark.parametrize(
    ("bounds", "named", "expected"),
    [
        *(((3,), {}, {0, 1, 2}), ((2, 4), {}, {2, 3}), ((-2, 1), {}, {-2, -1, 0})),
        *(((), {"to": 2}, {0, 1}), ((), {"from": 4, "to": 6}, {4, 5})),
    ],
)
def test_random_within_bounds(bounds: Any, named: Any, expected: set[int]) -> None:
    for lib in (torch, candle):
        lib.manual_seed(0)
        assert set(lib.empty(200, dtype=lib.int16).random_(*bounds, **named).tolist()) == expected


def test_poisson_and_binomial_have_their_moments() -> None:
    candle.manual_seed(0)
    counts = candle.poisson(candle.full((20_000,), 4.0))
    assert abs(counts.mean().item() - 4) < 0.06  # four times the standard error
    assert abs(counts.var().item() - 4) < 0.2
    wins = candle.binomial(candle.full((20_000,), 10.0), candle.tensor(0.3))
    assert abs(wins.mean().item() - 3) < 0.045
    assert abs(wins.var().item() - 2.1) < 0.1


REFUSED = """
x.is_nonzero(); lib.zeros(3).fill_diagonal_(1); lib.zeros(2, 3, 3).fill_diagonal_(1); lib.range(3, 1); lib.asarray([1], copy=False)
lib.asarray(x, dtype=lib.int64, copy=False); x.random_(5, 2); x.type("no.Kind"); lib.frombuffer(bytearray(8), dtype=lib.int32, offset=9)
lib.frombuffer(bytearray(8), dtype=lib.int32, count=9); lib.frombuffer(5, dtype=lib.int32); x.char().random_(0, 300); x.char().random_(-200, 0)
lib.vander(x); lib.poisson(-v); lib.poisson(v.long()); lib.finfo(lib.int8); lib.iinfo(lib.float32); lib.set_num_threads(0); (x + 1j).random_()
""".replace("\n", ";").split(";")


@pytest.mark.filterwarnings("ignore:torch.range is deprecated")
@pytest.mark.parametrize("call", [each.strip() for each in REFUSED if each.strip()])
def test_what_both_refuse(call: str) -> None:
    with pytest.raises((RuntimeError, ValueError, TypeError)) as theirs:
        eval(call, {"lib": torch, "x": X.clone(), "v": V})
    with pytest.raises(RuntimeError if theirs.type is NotImplementedError else theirs.type):
        eval(call, {"lib": candle, "x": to_candle(X), "v": to_candle(V)})


def test_compile_returns_what_it_was_given() -> None:
    assert candle.compile(abs) is abs
    assert candle.compile(mode="max-autotune", fullgraph=True)(abs) is abs


def test_settings_are_remembered() -> None:
    try:
        candle.use_deterministic_algorithms(True)
        candle.set_float32_matmul_precision("high")
        assert candle.are_deterministic_algorithms_enabled()
        assert candle.get_float32_matmul_precision() == "high"
    finally:
        candle.use_deterministic_algorithms(False)
        candle.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="expected one of .*'medium'.*, got 'no'"):
        candle.set_float32_matmul_precision("no")


def test_threads_are_those_of_the_matrix_products() -> None:
    """threadpoolctl asks the library itself; `-c`, since what is set stays."""
    code = "import candle; candle.set_num_threads(2); print(candle.get_num_threads()); candle.set_num_threads(1);"
    code += "print(candle.get_num_threads())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["2", "1"]
    assert found.stderr == ""


def test_cuda_names_what_is_missing() -> None:
    with pytest.raises(
        AttributeError, match="candle.cuda.Stream is part of the distribution candle-cuda, which is not"
    ):
        candle.cuda.Stream  # noqa: B018


def test_cuda_can_be_imported_and_an_installed_one_comes_first(tmp_path: Path) -> None:
    code = "import candle.cuda; from candle.cuda.amp import GradScaler, autocast; print(candle.cuda.is_available())"
    (tmp_path / "candle/cuda/amp").mkdir(parents=True)
    (tmp_path / "candle/cuda/__init__.py").write_text("def is_available(): return 'installed'")
    (tmp_path / "candle/cuda/amp/__init__.py").write_text("GradScaler = autocast = None")
    for path, expected in ((None, "False"), (str(tmp_path), "installed")):
        environment = {**os.environ, **({"PYTHONPATH": path} if path else {})}
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        assert found.stdout.strip() == expected


def test_modules_can_be_imported_and_are_attributes() -> None:
    modules = "autograd.graph", "backends.cudnn", "utils.checkpoint", "utils.dlpack", "amp", "random"
    for name in modules:
        assert importlib.import_module(f"candle.{name}").__name__ == f"candle.{name}"
    code = "import candle; " + "; ".join(f"candle.{name}" for name in modules)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_flags_can_be_set() -> None:
    from candle.backends import cudnn

    cudnn.benchmark = True
    assert candle.backends.cudnn.benchmark
    cudnn.benchmark = False


def test_the_version_is_the_distribution_s() -> None:
    from importlib.metadata import version

    assert candle.__version__ == version("candle-core")


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_shared_memory_is_seen_by_the_parent() -> None:
    x = candle.zeros(3).share_memory_()
    if (child := os.fork()) == 0:
        x.add_(1)
        os._exit(0)
    os.waitpid(child, 0)
    assert x.tolist() == [1, 1, 1]


def test_an_array_and_its_tensor_share_memory() -> None:
    array = np.zeros(2)
    candle.asarray(array)[0] = 5
    assert array.tolist() == [5, 0]


def test_fork_rng_and_clone_state() -> None:
    candle.manual_seed(3)
    expected = candle.rand(4)
    candle.manual_seed(3)
    with candle.random.fork_rng():
        candle.rand(9)
    assert_close = candle.testing.assert_close
    generator = candle.default_generator.clone_state()
    assert_close(candle.rand(4), expected, rtol=0, atol=0)
    assert_close(candle.rand(4, generator=generator), expected, rtol=0, atol=0)


def test_anomaly_is_told() -> None:
    with candle.autograd.detect_anomaly():
        assert candle.is_anomaly_enabled()
    assert not candle.is_anomaly_enabled()
