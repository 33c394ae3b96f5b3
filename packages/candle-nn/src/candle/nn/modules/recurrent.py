"""Recurrent layers: RNN, LSTM and GRU."""

from __future__ import annotations

import warnings
from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.functional import recurrent
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter
from candle.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from candle.ops._common import expect_tensor

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Module):
    """What the recurrent layers share: their weights, named as PyTorch's, and the way through layers and directions.

    Shapes: input (L, N, input_size), or (N, L, input_size) with batch_first, or (L, input_size), or a PackedSequence;
    output the same with directions * hidden_size; states (layers * directions, N, hidden_size).
    """

    mode: str
    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        name = type(self).__name__
        if hidden_size <= 0 or num_layers <= 0:
            raise ValueError(f"{name}: hidden_size and num_layers must be positive, got {hidden_size} and {num_layers}")
        for option, given in {"bias": bias, "batch_first": batch_first}.items():
            if not isinstance(given, bool):
                raise TypeError(f"{name}: {option} must be a bool, got {given!r}; give the options by name")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout must lie between 0 and 1, got {dropout!r}")
        if dropout and num_layers == 1:
            warnings.warn(f"{name}: dropout={dropout} is between layers, of which there is one", stacklevel=3)
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"{name}: proj_size must be smaller than hidden_size {hidden_size}, got {proj_size}")
        if proj_size and not isinstance(self, LSTM):
            raise ValueError(f"{name}: only an LSTM has a proj_size")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        out = proj_size or hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * self.directions
            for suffix in self._suffixes(layer):
                rows = self.gates * hidden_size
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for kind, shape in shapes.items():
                    setattr(self, f"{kind}{suffix}", Parameter(candle.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]

    def reset_parameters(self) -> None:
        """First values, uniform in ±1/sqrt(hidden_size)."""
        for parameter in self.parameters():
            init.uniform_fan_in_(parameter, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing to do here; code written for GPUs calls it."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        every = [suffix for layer in range(self.num_layers) for suffix in self._suffixes(layer)]
        return [[p for name, p in self.named_parameters() if name.endswith(suffix)] for suffix in every]

    def forward(self, input: Any, hx: Any = None) -> Any:
        packed = isinstance(input, PackedSequence)
        mask, lengths, order, back = None, None, None, None
        if packed:
            order, back = input.sorted_indices, input.unsorted_indices
            sorted_input = input._replace(sorted_indices=None, unsorted_indices=None)
            x, lengths = pad_packed_sequence(sorted_input)
            mask = (candle.arange(x.shape[0]).unsqueeze(1) < lengths).unsqueeze(2).to(x.device)
            batched = True
        else:
            expect_tensor(type(self).__name__, input, "input")
            batched = input.ndim == 3
            if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
                raise RuntimeError(
                    f"{type(self).__name__}: expected an input of 2 or 3 dims with {self.input_size} features, "
                    f"got shape {tuple(input.shape)}"
                )
            x = input if batched else input.unsqueeze(1)
            x = x.transpose(0, 1) if self.batch_first and batched else x
        states = self._first_states(x, hx, batched, order)
        out, last = self._through_layers(x, states, mask, lengths)
        if packed:
            last = [s if back is None else s.index_select(1, back) for s in last]
            told = pack_padded_sequence(out, lengths)
            return told._replace(sorted_indices=order, unsorted_indices=back), self._as_hx(last)
        if not batched:
            return out.squeeze(1), self._as_hx([s.squeeze(1) for s in last])
        return (out.transpose(0, 1) if self.batch_first else out), self._as_hx(last)

    def _as_hx(self, states: list[Tensor]) -> Any:
        return states[0]

    def _widths(self) -> list[int]:
        """The sizes of a state's parts."""
        return [self.hidden_size]

    def _first_states(self, x: Tensor, hx: Any, batched: bool, order: Tensor | None) -> list[Tensor]:
        rows = self.num_layers * self.directions
        shapes = [(rows, x.shape[1], width) for width in self._widths()]
        if hx is None:
            return [x.new_zeros(shape) for shape in shapes]
        given = given_states(type(self).__name__, hx, len(shapes), x)
        given = [s if batched else s.unsqueeze(1) for s in given]
        for s, shape in zip(given, shapes, strict=True):
            if tuple(s.shape) != shape:
                raise RuntimeError(f"{type(self).__name__}: expected a state of shape {shape}, got {tuple(s.shape)}")
        return [s if order is None else s.index_select(1, order) for s in given]

    def _through_layers(
        self, x: Tensor, states: list[Tensor], mask: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        last: list[list[Tensor]] = [[] for _ in states]
        row = 0
        for layer in range(self.num_layers):
            outs = []
            for suffix in self._suffixes(layer):
                backwards = suffix.endswith("reverse")
                given = _reversed(x, lengths) if backwards else x
                out, ends = self._run(given, [s[row] for s in states], suffix, mask)
                outs.append(_reversed(out, lengths) if backwards else out)
                for kept, end in zip(last, ends, strict=True):
                    kept.append(end)
                row += 1
            x = outs[0] if len(outs) == 1 else candle.cat(outs, -1)
            if mask is not None:
                x = x * mask
            if self.dropout and self.training and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout)
        return x, [candle.stack(each) for each in last]

    def _weight(self, kind: str, suffix: str) -> Any:
        return getattr(self, kind + suffix, None)

    def _run(self, x: Tensor, states: list[Tensor], suffix: str, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """One layer in one direction: its outputs, and the states it ends with."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        told = [f"{self.input_size}", f"{self.hidden_size}"]
        default = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        told += [
            f"{k}={getattr(self, k)}" for k, v in (*default.items(), ("bidirectional", False)) if getattr(self, k) != v
        ]
        return ", ".join(told)


def given_states(name: str, hx: Any, count: int, x: Tensor) -> list[Tensor]:
    """What came as the states of input x: h, or (h, c)."""
    given = list(hx) if isinstance(hx, tuple | list) else [hx]
    if len(given) != count:
        raise TypeError(f"{name}: expected {'(h, c)' if count == 2 else 'h'} as the state, got {len(given)} of them")
    for state in given:
        expect_tensor(name, state, "a state")
    if given[0].dtype is not x.dtype and not candle.is_autocast_enabled(x.device.type):
        raise RuntimeError(f"{name}: h must have the input's dtype {x.dtype}, got {given[0].dtype}; use h.to(x.dtype)")
    return given


def _reversed(x: Tensor, lengths: Tensor | None) -> Tensor:
    """The steps in reverse; where lengths differ, of each sequence those it has."""
    if lengths is None:
        return x.flip(0)
    steps = candle.arange(x.shape[0]).unsqueeze(1)
    places = candle.where(steps < lengths, lengths - 1 - steps, steps)
    return x.take_along_dim(places.unsqueeze(2).to(x.device), 0)


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu."""

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **kwargs: Any):
        if len(args) > 3:  # PyTorch has nonlinearity before bias
            nonlinearity, args = args[3], (*args[:3], *args[4:])
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(*args, **kwargs)
        self.nonlinearity, self.mode = nonlinearity, f"RNN_{nonlinearity.upper()}"

    def _run(self, x: Tensor, states: list[Tensor], suffix: str, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        given = F.linear(x, self._weight("weight_ih", suffix), self._weight("bias_ih", suffix))
        w, b = self._weight("weight_hh", suffix), self._weight("bias_hh", suffix)
        out = recurrent.rnn(given, states[0], w, b, mask, self.nonlinearity)
        return out, [out[-1]]


class GRU(RNNBase):
    """r, z = sigmoid(gates); n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h = (1 - z) n + z h."""

    mode, gates = "GRU", 3

    def _run(self, x: Tensor, states: list[Tensor], suffix: str, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        given = F.linear(x, self._weight("weight_ih", suffix), self._weight("bias_ih", suffix))
        out = recurrent.gru(given, states[0], self._weight("weight_hh", suffix), self._weight("bias_hh", suffix), mask)
        return out, [out[-1]]


class LSTM(RNNBase):
    """i, f, g, o = gates; c = f c + i g; h = o tanh(c), with proj_size times W_hr."""

    mode, gates = "LSTM", 4

    def _widths(self) -> list[int]:
        return [self.proj_size or self.hidden_size, self.hidden_size]

    def _as_hx(self, states: list[Tensor]) -> Any:
        return tuple(states)

    def _run(self, x: Tensor, states: list[Tensor], suffix: str, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        given = F.linear(x, self._weight("weight_ih", suffix), self._weight("bias_ih", suffix))
        w, b, p = (self._weight(kind, suffix) for kind in ("weight_hh", "bias_hh", "weight_hr"))
        out, c = recurrent.lstm(given, states[0], states[1], w, b, p, mask)
        return out, [out[-1], c]
