"""What is asked of every layer: outputs and buffers, gradients, state dicts, how it looks, and what must fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch

from .. import gradients, oracle
from ..checks import Outcome, judge
from ..compare import Mismatch, same
from ..convert import tensors_in
from ..oracle import TORCH, TorchRefuses, ask
from ..subject import Subject, dtype_name
from .pairs import MODULES, Sample, Side, converted, error_samples, made, pair, samples

RANDOM = "FractionalMaxPool2d FractionalMaxPool3d".split()  # judged by shape and dtype


@dataclass(frozen=True)
class Check:
    """One question about one layer, e.g. `gradient` in training."""

    module: str
    kind: str
    mode: str

    @property
    def key(self) -> str:
        """Its name in expected.json."""
        return f"{self.kind}-{self.mode}"

    @property
    def id(self) -> str:
        return f"{self.module}-{self.mode}"


def check_forward(case: Any, sample: Sample) -> None:
    """The outputs, and what the call left in the buffers."""
    theirs, ours = pair(case.op, sample, case.subject)
    known = case.op.module_cls.__name__ not in RANDOM
    same(ask(theirs), ours(), TORCH, case.subject, values=known)
    left = [dict(side.layer.named_buffers()) for side in (theirs, ours)]
    if left[0].keys() != left[1].keys():
        raise Mismatch("buffers", f"buffers: expected {[*left[0]]}, got {[*left[1]]}")
    for name, buffer in left[0].items():
        same(buffer, left[1][name], TORCH, case.subject, where=f"buffer {name}")


def check_gradient(case: Any, sample: Sample) -> None:
    """By the inputs and by the parameters."""
    if case.op.module_cls.__name__ in RANDOM:
        raise TorchRefuses("random")
    theirs, ours = pair(case.op, sample, case.subject)
    expected = list(tensors_in(ask(theirs), TORCH))
    wanted = [i for i, out in enumerate(expected) if out.requires_grad]
    if not wanted:
        raise TorchRefuses("nothing to differentiate")
    shapes = [(tuple(expected[i].shape), dtype_name(expected[i].dtype)) for i in wanted]
    actual = list(tensors_in(ours(), case.subject))

    def side(which: Side, outputs: list[Any]) -> gradients.Side:
        return gradients.Side(which.subject, [outputs[i] for i in wanted], which.leaves(), shapes, case.op.name)

    first = side(theirs, expected)
    gradients.same_gradients(case, first, first.first(), side(ours, actual).first(), "gradient")


def check_state(case: Any, sample: Sample) -> None:
    """The names, order, shapes and dtypes of the state dict; and torch takes candle's."""
    theirs, ours = pair(case.op, sample, case.subject)
    expected, actual = theirs.layer.state_dict(), ours.layer.state_dict()
    if [*expected] != [*actual]:
        raise Mismatch("state dict", f"state dict: expected {[*expected]}, got {[*actual]}")
    for name, tensor in expected.items():
        same(tensor, actual[name], TORCH, case.subject, where=name)
    fresh = ask(made, case.op, sample, TORCH)
    back = {name: torch.from_numpy(case.subject.array(tensor).copy()) for name, tensor in actual.items()}
    fresh.layer.load_state_dict(back)
    for name, tensor in fresh.layer.state_dict().items():
        same(tensor, actual[name], TORCH, case.subject, where=name)
    ours.layer.load_state_dict(converted(fresh.layer.state_dict(), case.subject))


def check_repr(case: Any, sample: Sample) -> None:
    """`print(layer)`."""
    theirs, ours = repr(ask(made, case.op, sample, TORCH).layer), repr(made(case.op, sample, case.subject).layer)
    if theirs.replace("torch.", "candle.") != ours:
        raise Mismatch("repr", f"repr: expected {theirs}, got {ours}")


def check_errors(case: Any, sample: Sample) -> None:
    """candle may choose the exception, not the silence."""
    try:
        made(case.op, sample, TORCH)()
    except Exception:
        pass
    else:
        raise TorchRefuses("torch answers on this platform")
    try:
        answer = made(case.op, sample, case.subject)()
    except Exception:
        return
    raise Mismatch("answers", f"must raise, but returned a {type(answer).__name__}; torch: {sample.must_raise}")


KINDS: dict[str, Callable[..., None]] = {
    "forward": check_forward,
    "gradient": check_gradient,
    "state": check_state,
    "repr": check_repr,
    "errors": check_errors,
}


def checks_of(name: str, subject: Subject) -> Iterator[Check]:
    """Every check that fits a layer the subject has; none for one it has not."""
    info = MODULES[name]
    if subject.find(f"nn.{name}") is None:
        return
    modes = ("train", "eval") if info.train_and_eval_differ else ("train",)
    for mode in modes:
        yield Check(name, "forward", mode)
        yield Check(name, "gradient", mode)
    yield Check(name, "state", "train")
    yield Check(name, "repr", "train")
    if info.module_error_inputs_func:
        yield Check(name, "errors", "train")


def run(check: Check, subject: Subject, full: bool = False) -> Outcome:
    """Put a check to the samples of a tier."""
    info, outcome, training = MODULES[check.module], Outcome(), check.mode == "train"
    info.full_name = check.module
    case = SimpleNamespace(op=info, subject=subject, dtype="float64", outcome=outcome)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if check.kind == "errors":
            many = list(error_samples(info, training))
        else:
            many = samples(info, training, requires_grad=check.kind == "gradient")
        for index, sample in oracle.chosen(many, check.id, full or check.kind == "errors"):
            judge(KINDS[check.kind], case, index, sample)
    return outcome
