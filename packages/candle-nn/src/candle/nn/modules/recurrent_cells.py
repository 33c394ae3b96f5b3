"""Recurrent cells: one step of an RNN, an LSTM or a GRU."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.functional import recurrent
from candle.nn.modules.module import Module
from candle.nn.modules.recurrent import given_states
from candle.nn.parameter import Parameter
from candle.ops._common import expect_tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share. Shapes: input (N, input_size) or (input_size), states (N, hidden_size) or (hidden_size)."""

    gates, states = 1, 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = Parameter(candle.empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(candle.empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(candle.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """First values, uniform in ±1/sqrt(hidden_size)."""
        for parameter in self.parameters():
            init.uniform_fan_in_(parameter, self.hidden_size)

    def _prepared(self, input: Tensor, hx: Any) -> tuple[Tensor, list[Tensor]]:
        expect_tensor(type(self).__name__, input, "input")
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{type(self).__name__}: expected an input of 1 or 2 dims with {self.input_size} features, "
                f"got shape {tuple(input.shape)}"
            )
        x = input if input.ndim == 2 else input.unsqueeze(0)
        if hx is None:
            states = [x.new_zeros(x.shape[0], self.hidden_size)] * self.states
        else:
            given = given_states(type(self).__name__, hx, self.states, x)
            shape = (*input.shape[:-1], self.hidden_size)
            if any(tuple(s.shape) != shape for s in given):
                told = ", ".join(str(tuple(s.shape)) for s in given)
                raise RuntimeError(f"{type(self).__name__}: expected states of shape {shape}, got {told}")
            states = given if input.ndim == 2 else [s.unsqueeze(0) for s in given]
        return F.linear(x, self.weight_ih, self.bias_ih).unsqueeze(0), states

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """One step of an RNN."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: unknown nonlinearity: {self.nonlinearity}")
        x, states = self._prepared(input, hx)
        h = recurrent.rnn(x, states[0], self.weight_hh, self.bias_hh, None, self.nonlinearity)[0]
        return h if input.ndim == 2 else h.squeeze(0)

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """One step of an LSTM."""

    gates, states = 4, 2

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        x, (h, c) = self._prepared(input, hx)
        kept = c.dtype if candle.is_autocast_enabled(c.device.type) else candle.promote_types(h.dtype, c.dtype)
        with candle.autocast(c.device.type, enabled=False):  # a state that is carried on keeps its dtype
            out, c = (t.to(kept) for t in recurrent.lstm(x, h, c, self.weight_hh, self.bias_hh))
        return (out[0], c) if input.ndim == 2 else (out[0].squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a GRU."""

    gates = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        x, states = self._prepared(input, hx)
        h = recurrent.gru(x, states[0], self.weight_hh, self.bias_hh)[0]
        return h if input.ndim == 2 else h.squeeze(0)
