"""Installed means used; switched off, broken or not needed means as if it were not there."""

from pathlib import Path

import candle
import candle.numba
from candle.kernels import Kernel
from candle.numba import OPS

NUMBA = "import sys; print('numba' in sys.modules)"


def test_offers_a_kernel_for_each_of_its_ops() -> None:
    offers = []
    candle.numba.candle_register_kernels(lambda *offer: offers.append(offer))
    assert [(device, op) for device, op, _ in offers] == [("cpu", op) for op in OPS]
    for _, op, factory in offers:
        made = factory()
        assert isinstance(made, Kernel)
        assert made.op == op


def test_used_by_whoever_calls_gelu(program) -> None:
    source = """
import candle
x = candle.ones(3, 2, requires_grad=True)
y = candle.gelu(x)
print(type(y.grad_fn.kernel).__module__)
"""
    assert program(source).stdout == "candle.numba._kernels.gelu\n"


def test_can_be_switched_off(program) -> None:
    source = f"""
import candle
x = candle.ones(3, 2, requires_grad=True)
print(type(candle.gelu(x).grad_fn.kernel).__module__)
print(candle.devices())
{NUMBA}
"""
    off = program(source, CANDLE_NUMBA="0").stdout.splitlines()
    assert off[0] == "candle._numpy_kernels.gelu"
    assert off[-1] == "False"
    assert any(line.startswith("numba (candle-numba ") and line.endswith("offers nothing") for line in off)
    assert program(source, CANDLE_NUMBA="1").stdout.splitlines()[-1] == "True"


def test_offers_nothing_where_numba_may_not_compile(program) -> None:
    source = "import candle; print(type(candle.gelu(candle.ones(1, 1, requires_grad=True)).grad_fn.kernel).__module__)"
    assert program(source, NUMBA_DISABLE_JIT="1").stdout == "candle._numpy_kernels.gelu\n"


def test_numba_is_imported_when_a_kernel_is_wanted_and_not_before(program) -> None:
    source = f"""
import candle
x = candle.ones(3, 2, requires_grad=True)
((x @ x.T).relu() + 1).sum().backward()
{NUMBA}
candle.gelu(x)
{NUMBA}
"""
    assert program(source).stdout.split() == ["False", "True"]


def test_a_numba_that_cannot_be_imported_is_warned_about_and_gone_without(program, tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 1.0 or less')")
    source = """
import candle
print(candle.gelu(candle.tensor([[1.0]])))
print(candle.gelu(candle.tensor([[1.0]])))
print(candle.devices())
"""
    done = program(source, tmp_path)
    assert done.stdout.count("tensor([[0.8413]])") == 2
    assert done.stderr.count("without kernel 'gelu' of candle-numba") == 1
    assert "Numba needs NumPy 1.0 or less" in done.stderr
    assert "numba (candle-numba " in done.stdout
    assert "FAILED: kernel 'gelu': ImportError: Numba needs NumPy 1.0 or less" in done.stdout
