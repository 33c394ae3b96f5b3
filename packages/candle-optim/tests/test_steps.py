"""A step is one operation over all parameters of a group, which a kernel may take over; it writes in place."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import candle
from candle import optim
from candle.ops.optimization import AdamW as PlainStep
from candle.ops.optimization import clip_norm_
from candle.plugins import backend_of

OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9},
    "rmsprop": {"momentum": 0.9, "centered": True},
    "adagrad": {},
    "adam": {"amsgrad": True},
    "nadam": {},
    "lion": {},
    "adadelta": {},
    "adamax": {},
    "radam": {},
    "asgd": {},
    "rprop": {},
}
KINDS = {"sgd": "SGD", "rmsprop": "RMSprop", "nadam": "NAdam", "radam": "RAdam", "asgd": "ASGD"}


class Spy:
    """A kernel that notes what it is offered, and declines or does nothing."""

    def __init__(self, answer: Any):
        self.answer, self.calls = answer, []

    def forward(self, *inputs: Any, **attrs: Any) -> Any:
        self.calls.append((inputs, attrs))
        return self.answer


@contextmanager
def offered(op: str, answer: Any) -> Iterator[Spy]:
    table, spy = backend_of("cpu").kernels, Spy(answer)
    before = table[op]
    dict.__setitem__(table, op, [spy])
    try:
        yield spy
    finally:
        dict.__setitem__(table, op, before)


def trained(name: str, **options: Any) -> tuple[list[candle.Tensor], Any]:
    params = [candle.randn(*shape, requires_grad=True) for shape in ((30, 40), (50,), ())]
    for p in params:
        p.grad = candle.randn(*p.shape)
    return params, getattr(optim, KINDS.get(name, name if name in optim.__all__ else name.capitalize()))(
        params, **{**OPTIONS.get(name, {}), **options}
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_one_operation_for_all_parameters(name: str) -> None:
    params, optimizer = trained(name)
    with offered(name, NotImplemented) as spy:
        for _ in range(3):
            optimizer.step()
    assert len(spy.calls) == 3
    for inputs, attrs in spy.calls:
        assert [len(each) for each in inputs if isinstance(each, list)] == [3] * sum(
            isinstance(x, list) for x in inputs
        )
        assert inputs[0][0] is params[0]._array
        hash(tuple(attrs.items()))
        assert not any(isinstance(x, np.generic | candle.Tensor) for x in (*inputs, *attrs.values()))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_kernel_takes_the_place_of_the_rule(name: str) -> None:
    params, optimizer = trained(name)
    before, version = [p.tolist() for p in params], params[0]._version
    with offered(name, None):
        optimizer.step()
    assert [p.tolist() for p in params] == before, "this kernel does nothing"
    assert params[0]._version > version, "but says that it wrote"


@pytest.mark.parametrize(
    ("name", "options"), [("Adam", {}), ("AdamW", {}), ("AdamW", {"weight_decay": 0.3}), ("Adam", {"lr": 0.5})]
)
def test_adam_without_options_is_the_cores_operation(name: str, options: dict[str, Any]) -> None:
    _, optimizer = trained(name, **options)
    with offered(PlainStep.name, NotImplemented) as spy:
        optimizer.step()
    assert len(spy.calls) == 1
    assert spy.calls[0][0][4:] == (1, optimizer.defaults["lr"])


def test_parameters_of_different_ages_step_apart() -> None:
    params, optimizer = trained("AdamW")
    optimizer.step()
    late = candle.randn(3, requires_grad=True)
    late.grad = candle.ones(3)
    optimizer.add_param_group({"params": []})
    optimizer.param_groups[0]["params"].append(late)
    with offered(PlainStep.name, NotImplemented) as spy:
        optimizer.step()
    assert sorted((inputs[4], len(inputs[0])) for inputs, _ in spy.calls) == [(1, 1), (2, 3)]


@pytest.mark.parametrize("name", OPTIONS)
def test_steps_write_where_everything_is(name: str) -> None:
    """After the first step neither parameters nor state move, and no memory stays taken."""
    params, optimizer = trained(name)
    optimizer.step()

    def arrays() -> list[Any]:
        state = [x for kept in optimizer.state.values() for x in kept.values()]
        return [t._array for t in (*params, *state)]

    def taken() -> int:
        """What five steps take and keep."""
        gc.collect()
        tracemalloc.start()
        try:
            start, _ = tracemalloc.get_traced_memory()
            for _ in range(5):
                optimizer.step()
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - start
        finally:
            tracemalloc.stop()

    before = arrays()
    optimizer.step()
    kept = min(taken() for _ in range(3))  # something else in the process may take memory once
    assert all(a is b for a, b in zip(before, arrays(), strict=True))
    assert kept < 4000


@pytest.mark.parametrize("layout", ["in order", "permuted"])
@pytest.mark.parametrize("name", [*OPTIONS, "adamw", "clipping"])
def test_a_step_allocates_little(name: str, layout: str) -> None:
    """Next to the parameters, of which the rule alone would make a few copies. A convolution's gradient is permuted."""
    params = [candle.randn(500, 10, 100, requires_grad=True) for _ in range(4)]
    for p in params:
        p.grad = candle.randn(500, 10, 100) if layout == "in order" else candle.randn(10, 100, 500).permute(2, 0, 1)
    kind = KINDS.get(name, {"adamw": "AdamW"}.get(name, name.capitalize()))
    step = (lambda: clip_norm_([p.grad for p in params], 1.0)) if name == "clipping" else None
    step = step or getattr(optim, kind)(params, **OPTIONS.get(name, {})).step
    step()
    tracemalloc.start()
    try:
        start, _ = tracemalloc.get_traced_memory()
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - start < 0.25 * sum(p.nbytes for p in params)


@pytest.mark.parametrize("kind", [float("inf"), 1, 2.0, 3.5])
@pytest.mark.parametrize("device", ["cpu", "strict", "frozen"])
def test_clipping_is_pytorchs(device: str, kind: float) -> None:
    import torch

    import candle.testing.strict

    draw = np.random.default_rng(0)
    values = [draw.normal(size=shape) for shape in ((3, 4), (5,), ())]
    for most in (0.1, 3.0, 100.0):
        theirs = [torch.zeros(x.shape, dtype=torch.float64, requires_grad=True) for x in values]
        for p, x in zip(theirs, values, strict=True):
            p.grad = torch.tensor(x)
        expected = torch.nn.utils.clip_grad_norm_(theirs, most, kind)
        grads = [candle.tensor(x).to(device) for x in values]
        assert clip_norm_(grads, most, kind).item() == pytest.approx(expected.item(), rel=1e-12)
        for g, p in zip(grads, theirs, strict=True):
            np.testing.assert_allclose(g.cpu().numpy(), p.grad.numpy(), rtol=1e-12)


def test_clipping_of_unusual_gradients() -> None:
    assert clip_norm_([], 1.0).item() == 0
    assert clip_norm_([candle.zeros(0, 3)], 1.0).item() == 0
    half = candle.full((100,), 300.0, dtype=candle.float16)  # whose squares are too large for float16
    assert clip_norm_([half], 1.0).item() == pytest.approx(3000)
    assert half.float().norm().item() == pytest.approx(1, rel=1e-3)
    small, large = candle.tensor([3.0]), candle.tensor([4.0], dtype=candle.float64)
    assert clip_norm_([small, large], 1.0).item() == 5
    assert (small.dtype, large.dtype) == (candle.float32, candle.float64)
    waves = candle.tensor([3 + 4j])
    assert clip_norm_([waves], 1.0).item() == 5
    broken = candle.tensor([float("nan"), 1.0])
    assert np.isnan(clip_norm_([broken], 1.0).item())
    with pytest.raises(NotImplementedError, match="norm_type=0.0"):
        clip_norm_([small], 1.0, 0)
