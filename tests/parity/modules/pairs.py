"""One layer twice: torch's and candle's, made by the same arguments, with the same parameters and inputs."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence
from torch.testing._internal.common_modules import ModuleInfo, ModuleInput, module_db

from .. import mapping, oracle
from ..convert import Call, strided_copy
from ..oracle import TORCH, ask
from ..subject import Subject

MODULES: dict[str, ModuleInfo] = {info.module_cls.__name__: info for info in module_db}
DTYPE = torch.float64


@dataclass
class Sample:
    """A ModuleInput with the names that tests.parity gives a call."""

    given: ModuleInput
    training: bool
    must_raise: str = ""

    @property
    def input(self) -> Any:
        return self.given.constructor_input.args

    @property
    def args(self) -> tuple[Any, ...]:
        return self.given.forward_input.args if self.given.forward_input else ()

    @property
    def kwargs(self) -> dict[str, Any]:
        called = self.given.forward_input.kwargs if self.given.forward_input else {}
        return {**self.given.constructor_input.kwargs, "training": self.training, **called}


class Arguments(Call):
    """torch's arguments as the subject's; functions and packed sequences too."""

    def __init__(self, given: Any, subject: Subject):
        self._made, self._subject = {}, subject
        self.args, self.kwargs = self._convert(tuple(given.args)), self._convert(dict(given.kwargs))

    def _convert(self, value: Any) -> Any:
        if isinstance(value, torch.nn.TransformerEncoderLayer):
            return self._encoder_layer(value)
        if isinstance(value, PackedSequence):
            return self._subject.find("nn.utils.rnn.PackedSequence")(*map(self._convert, value))
        if isinstance(value, types.BuiltinFunctionType):
            return self._subject.find(f"nn.functional.{value.__name__}")
        if isinstance(value, types.FunctionType):
            return value if self._subject is TORCH else mapping.rebound(value, self._subject)
        if self._subject is TORCH and isinstance(value, torch.dtype):
            return value
        return super()._convert(value)

    def _encoder_layer(self, layer: torch.nn.TransformerEncoderLayer) -> Any:
        """The same again, from what it says of itself."""
        attention, options = layer.self_attn, {"norm_first": layer.norm_first, "bias": layer.linear1.bias is not None}
        return self._subject.find("nn.TransformerEncoderLayer")(
            attention.embed_dim,
            attention.num_heads,
            layer.linear1.out_features,
            layer.dropout.p,
            self._convert(layer.activation),
            layer.norm1.eps,
            attention.batch_first,
            **options,
        )


@dataclass
class Side:
    """One framework's layer and the arguments of its call."""

    subject: Subject
    layer: Any
    call: Arguments

    def __call__(self) -> Any:
        args = self.call.args
        if type(self.layer).__name__ == "CTCLoss":  # torch's derivative is right after a log_softmax only
            args = (args[0].log_softmax(-1), *args[1:])
        return self.layer(*args, **self.call.kwargs)

    def leaves(self) -> list[Any]:
        return [*self.call.leaves, *self.layer.parameters()]


def made(info: ModuleInfo, sample: Sample, subject: Subject) -> Side:
    """A layer in double precision, with the subject's own first values."""
    given = Arguments(sample.given.constructor_input, subject)
    layer = subject.find(f"nn.{info.module_cls.__name__}")(*given.args, **given.kwargs)
    layer = layer.to(subject.dtype("float64")).train(sample.training)
    return Side(subject, layer, Arguments(sample.given.forward_input, subject))


def pair(info: ModuleInfo, sample: Sample, subject: Subject) -> tuple[Side, Side]:
    """torch's and the subject's, which has been given torch's values."""
    oracle.seed(info.name)
    theirs, ours = ask(made, info, sample, TORCH), made(info, sample, subject)
    if info.is_lazy:  # they have no values before they are called
        ask(theirs), ours()
    ours.layer.load_state_dict(converted(theirs.layer.state_dict(), subject))
    return theirs, ours


def converted(state: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """A state dict of torch as the subject's."""
    return {name: subject.tensor(strided_copy(tensor, subject)) for name, tensor in state.items()}


def samples(info: ModuleInfo, training: bool, requires_grad: bool = False) -> list[Sample]:
    """The same ones each time."""
    oracle.seed(info.name)
    made = info.module_inputs_func(info, "cpu", DTYPE, requires_grad, training)
    return [Sample(each, training) for each in made]


def error_samples(info: ModuleInfo, training: bool) -> Iterator[Sample]:
    oracle.seed(info.name)
    if info.module_error_inputs_func:
        for each in info.module_error_inputs_func(info, "cpu", DTYPE, False, training):
            yield Sample(each.module_error_input, training, each.error_regex)
