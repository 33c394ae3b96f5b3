"""The ops of activations, normalization and losses: on every device, by finite differences, under vmap, law 4."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest

import candle
import candle.nn
import candle.testing.strict
from candle.autograd import gradcheck, gradgradcheck
from candle.op import OPS
from candle.testing.backend_suite.base import assert_same, values
from candle.testing.backend_suite.operations import call, carrying, gradients, run
from candle.testing.samples import SAMPLES, SPECIAL, Sample, at, floats, rough, sample, transposed

NAMES = """
    elu mish hardtanh hardswish prelu batch_norm batch_norm_inference binary_cross_entropy binary_cross_entropy_with_logits ctc_loss
    linear resample group_norm
""".split()

if "elu" not in SAMPLES:
    _rates = {"alpha": 1.5, "scale": 1.1, "rate": 0.7}
    for _x in (floats(2, 3), transposed(3, 2), floats()):
        sample("elu", _x, **_rates)
        sample("mish", _x)
        sample("hardtanh", _x, low=-0.7, high=1.2)
        sample("hardswish", _x * 2)
        sample("prelu", _x, floats())
    sample("prelu", floats(2, 3, 2), floats(3, 1))
    rough("elu", SPECIAL, **_rates)
    rough("hardtanh", SPECIAL, low=-1.0, high=1.0)
    rough("hardswish", SPECIAL)
    rough("prelu", SPECIAL, floats())
    rough("mish", SPECIAL)
    sample("batch_norm", floats(4, 3), None, None, eps=1e-5)
    sample("batch_norm", floats(3, 2, 2), floats(2), floats(2), eps=0.1)
    sample("batch_norm", transposed(2, 2, 2, 3), floats(2), None, eps=1e-5)
    sample("batch_norm", floats(2, 2, 3, 1, 2), None, floats(2), eps=1e-5)
    _mean, _var = floats(2), floats(2, low=0.5, high=2.0)
    sample("batch_norm_inference", floats(3, 2), _mean, _var, None, None, eps=1e-5)
    sample("batch_norm_inference", floats(3, 2, 2), _mean, _var, floats(2), floats(2), eps=0.1)
    sample("batch_norm_inference", transposed(2, 2, 2, 3), _mean, _var, floats(2), None, eps=1e-5)
    sample("batch_norm_inference", floats(2, 2, 3, 1, 2), _mean, _var, None, floats(2), eps=1e-5)
    sample("linear", floats(2, 3), floats(4, 3), floats(4))
    sample("linear", floats(2, 1, 3), floats(2, 3), None)
    sample("linear", transposed(2, 3), transposed(4, 3), floats(4))
    sample("linear", floats(3), floats(2, 3), floats(2))
    sample("linear", floats(0, 3), floats(2, 3), floats(2))
    sample("group_norm", floats(2, 4, 3), floats(4), floats(4), groups=2, eps=1e-5)
    sample("group_norm", floats(2, 3, 4), None, None, groups=1, eps=0.1)
    sample("group_norm", floats(2, 2, 40), floats(2), None, groups=2, eps=1e-5)
    sample("group_norm", transposed(2, 2, 4), None, floats(2), groups=1, eps=1e-5)
    _how = {"scale": None, "aligned": False}
    sample("resample", floats(2, 5, 3), dim=1, size=8, mode="bicubic", **_how)
    sample("resample", floats(2, 6), dim=1, size=4, mode="area", **_how)
    sample("resample", transposed(3, 4), dim=0, size=5, mode="linear", scale=None, aligned=True)
    sample("resample", floats(2, 5), dim=1, size=3, mode="nearest-exact", scale=0.7, aligned=False)
    rough("resample", SPECIAL, dim=0, size=6, mode="linear", **_how)
    _p, _q = floats(2, 3, low=0.1, high=0.9), floats(2, 3, low=0.0, high=1.0)
    sample("binary_cross_entropy", _p, _q)
    rough("binary_cross_entropy", np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    sample("binary_cross_entropy_with_logits", floats(2, 3), _q)
    rough("binary_cross_entropy_with_logits", np.array([800.0, -800.0]), np.array([1.0, 0.0]))
    _logp = np.log(floats(4, 2, 3, low=0.1, high=0.9))
    sample("ctc_loss", _logp, at([1, 2], [1, 1]), at([4], [3]), at([2], [1]), blank=0, impossible=np.inf)
    sample("ctc_loss", _logp, at([0, 0], [0, 1]), at([4], [4]), at([2], [0]), blank=2, impossible=0.0)

CALLS = {f"{name}-{i}": each for name in NAMES for i, each in enumerate(SAMPLES[name])}
SMOOTH = {key: each for key, each in CALLS.items() if each.smooth}


@pytest.mark.parametrize("device", ["strict", "frozen"])
@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_devices_agree(each: Sample, device: str) -> None:
    (inputs, outs), (host_inputs, host_outs) = run(device, each), run("cpu", each)
    assert_same(list(map(values, outs)), list(map(values, host_outs)), each)
    assert_same(gradients(inputs, outs), gradients(host_inputs, host_outs), f"gradients of {each}")


@pytest.mark.parametrize("device", ["cpu", "strict"])
@pytest.mark.parametrize("each", SMOOTH.values(), ids=SMOOTH)
def test_derivatives(each: Sample, device: str) -> None:
    inputs, _ = run(device, each)
    assert gradcheck(partial(carrying, each), tuple(inputs))
    assert gradgradcheck(partial(carrying, each), tuple(inputs))


@pytest.mark.parametrize("each", CALLS.values(), ids=CALLS)
def test_each_gradient_alone_is_what_it_is_among_all(each: Sample) -> None:
    """So the op declares all that it reads."""
    places = [i for i, x in enumerate(each.inputs) if getattr(x, "dtype", None) == np.float64]
    inputs, outs = run("cpu", each)
    whole = dict(zip(places, gradients(inputs, outs)))
    for needs in product([True, False], repeat=len(places)):
        wanted = [i for i, need in zip(places, needs) if need]
        given = [x if x is None else candle.tensor(x, requires_grad=i in wanted) for i, x in enumerate(each.inputs)]
        out = call(each, *given)
        for i, found in zip(wanted, gradients(given, list(out) if isinstance(out, tuple) else [out])):
            np.testing.assert_allclose(found, whole[i], 1e-12, 1e-12)


@pytest.mark.parametrize("each", SMOOTH.values(), ids=SMOOTH)
def test_vmap_is_a_loop(each: Sample) -> None:
    first = candle.tensor(each.inputs[0])
    rest = [x if x is None else candle.tensor(x) for x in each.inputs[1:]]
    many = candle.stack([first, first * 0.9])

    def total(x: candle.Tensor) -> candle.Tensor:
        out = carrying(each, x, *rest)
        return (out[0] if isinstance(out, tuple) else out).sin().sum()

    for function in (total, candle.func.grad(total)):
        got = candle.func.vmap(function)(many)
        for i in range(2):
            np.testing.assert_allclose(got[i].numpy(), function(many[i]).numpy(), 1e-10, 1e-12)


def test_half_precision_keeps_its_dtype() -> None:
    for name in NAMES[:5]:
        each = SAMPLES[name][0]
        out = call(each, *(candle.tensor(x).half() for x in each.inputs))
        assert out.dtype is candle.float16


def test_every_op_of_these_families_is_here() -> None:
    families = "activation classification ctc linear normalization rectifiers _resampling _groups".split()
    ours = {name for name, op in OPS.items() if op.__module__.rpartition(".")[2] in families}
    ours = {name for name in ours if OPS[name].__module__.startswith("candle.nn.")}
    assert ours == set(NAMES)
