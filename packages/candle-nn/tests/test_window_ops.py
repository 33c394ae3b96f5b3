"""conv, conv_transpose, max_pool and avg_pool as ops: the same on every device, by finite differences, and under vmap."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import candle
import candle.nn
import candle.testing.strict  # registers two devices
from candle._apply import apply
from candle.autograd import gradcheck, gradgradcheck
from candle.op import OPS
from candle.testing.samples import SAMPLES, Sample, complexes, floats, sample, transposed

NAMES = ("conv", "conv_transpose", "max_pool", "avg_pool")
PLAIN: dict[str, Any] = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
LINE: dict[str, Any] = {"stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1}

if "conv" not in SAMPLES:
    for _name in ("conv", "conv_transpose"):
        _few, _many = (2, 3) if _name == "conv" else (3, 2)
        sample(_name, floats(2, 2, 5), floats(_many, _few, 3), None, **LINE)
        sample(_name, complexes(2, 2, 5), complexes(_many, _few, 2), None, **LINE | {"padding": ((1, 0),)})
        sample(_name, floats(1, 2, 4, 3), floats(_many, _few, 2, 2), floats(3), **PLAIN)
        sample(_name, transposed(2, 2, 4, 4), floats(_many, _few, 2, 1), None, **PLAIN | {"stride": (2, 1)})
        _padded = {"padding": ((1, 0), (0, 2)), "dilation": (1, 2)}
        sample(_name, floats(2, 2, 4, 4), floats(_many, _few, 3, 2), floats(3), **PLAIN | _padded)
        sample(_name, floats(1, 2, 5, 4), floats(2, 1, 2, 3), floats(2), **PLAIN | {"groups": 2, "stride": (2, 2)})
        sample(_name, floats(1, 2, 5, 4), floats(2, 2, 2, 2), None, **PLAIN | {"padding": ((0, -1), (-1, 1))})
        sample(_name, floats(0, 2, 5), floats(_many, _few, 3), floats(3), **LINE)
    sample("conv", floats(1, 1, 4, 3), floats(5, 1, 2, 2), None, **PLAIN)  # many more outputs than inputs
    _pool = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    sample("max_pool", floats(2, 3, 4, 4), **_pool)
    sample("max_pool", floats(1, 2, 5, 4), **_pool | {"padding": ((1, 0), (0, 0)), "stride": (1, 2)})
    sample("max_pool", floats(2, 1, 7), kernel=(3,), stride=(2,), padding=((1, 1),), dilation=(2,))
    sample("max_pool", transposed(2, 1, 4, 4), **_pool | {"padding": ((0, -1), (0, 1)), "stride": (1, 1)})
    sample("max_pool", floats(2, 1, 5, 8), **_pool | {"kernel": (5, 4), "stride": (5, 4)})
    sample("max_pool", floats(1, 2, 21), kernel=(18,), stride=(18,), padding=((0, -3),), dilation=(1,))
    _pool = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "divisor": 4, "margin": (0, 0)}
    sample("avg_pool", floats(2, 3, 4, 4), **_pool)
    sample("avg_pool", floats(1, 2, 5, 4), **_pool | {"padding": ((1, 0), (0, 0)), "stride": (1, 2), "divisor": None})
    sample("avg_pool", floats(2, 1, 7), kernel=(3,), stride=(2,), padding=((1, 1),), divisor=None, margin=(1,))
    sample("avg_pool", transposed(2, 1, 4, 4), **_pool | {"padding": ((0, -1), (0, 1)), "stride": (1, 1)})
    sample("avg_pool", complexes(0, 1, 4, 4), **_pool)

CALLS = {f"{name}-{i}": each for name in NAMES for i, each in enumerate(SAMPLES[name])}


def on(device: str, each: Sample, needs: tuple[bool, ...] | None = None) -> list[Any]:
    wanted = needs or (True,) * len(each.inputs)
    return [
        None if x is None else candle.tensor(x, device=device, requires_grad=need)
        for x, need in zip(each.inputs, wanted, strict=True)
    ]


@pytest.mark.parametrize("device", ["strict", "frozen"])
@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_devices_agree(each: Sample, device: str) -> None:
    results = []
    for where in ("cpu", device):
        given = on(where, each)
        out = apply(OPS[each.name], *given, **each.attrs)
        (out * out).real.sum().backward()
        results.append([out.detach(), *(x.grad for x in given if x is not None)])
    for mine, expected in zip(*results[::-1], strict=True):
        assert str(mine.device) == device
        np.testing.assert_allclose(mine.cpu().numpy(), expected.numpy(), 1e-12, 1e-12)


@pytest.mark.parametrize("device", ["cpu", "strict"])
@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_derivatives(each: Sample, device: str) -> None:
    if not each.inputs[0].size:
        return
    given = on(device, each)
    places = [i for i, x in enumerate(given) if x is not None]

    def call(*tensors: Any) -> Any:
        full = list(given)
        for i, x in zip(places, tensors, strict=True):
            full[i] = x
        return apply(OPS[each.name], *full, **each.attrs)

    tensors = tuple(given[i] for i in places)
    assert gradcheck(call, tensors)
    assert gradgradcheck(call, tensors)


@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_gradients_that_nobody_wants_are_not_needed(each: Sample) -> None:
    """Each gradient alone is what it is among all: the op keeps what it reads, and nothing else."""
    whole = on("cpu", each)
    apply(OPS[each.name], *whole, **each.attrs).sin().real.sum().backward()
    for needs in product([True, False], repeat=len(each.inputs)):
        given = on("cpu", each, needs)
        if not any(x is not None and need for x, need in zip(given, needs, strict=True)):
            continue
        apply(OPS[each.name], *given, **each.attrs).sin().real.sum().backward()
        for x, y, need in zip(given, whole, needs, strict=True):
            if x is not None:
                assert (x.grad is not None) == need
                if need:
                    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), 1e-12, 1e-12)


@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_vmap_is_a_loop(each: Sample) -> None:
    inputs = [x for x in on("cpu", each, (False,) * len(each.inputs)) if x is not None]

    def call(*tensors: Any) -> Any:
        rest = iter(tensors)
        full = [None if x is None else next(rest) for x in each.inputs]
        return apply(OPS[each.name], *full, **each.attrs)

    def gradients(*tensors: Any) -> Any:
        return candle.func.grad(lambda *t: call(*t).sin().real.sum(), tuple(range(len(tensors))))(*tensors)

    for mapped in product([0, None], repeat=len(inputs)):
        if set(mapped) == {None}:
            continue
        many = [x if d is None else candle.stack([x, x * 0.5 - 0.1]) for x, d in zip(inputs, mapped, strict=True)]
        for function in (call, gradients):
            got = candle.func.vmap(function, mapped)(*many)
            singles = [function(*(x if d is None else x[i] for x, d in zip(many, mapped))) for i in range(2)]
            for k, mine in enumerate(got if isinstance(got, tuple) else (got,)):
                loop = [one[k] if isinstance(one, tuple) else one for one in singles]
                np.testing.assert_allclose(mine.numpy(), candle.stack(loop).numpy(), 1e-10, 1e-12)
