"""First values for parameters. Every function writes into the tensor it is given, unrecorded, and returns it.

The schemes keep the size of what flows through a layer: Glorot and Bengio (2010), "Understanding the difficulty of
training deep feedforward neural networks" (xavier); He et al. (2015), "Delving deep into rectifiers" (kaiming).
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import candle
from candle import Tensor

Generator = candle.Generator | None


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much larger weights before this activation have to be.

    >>> calculate_gain("relu") == 2**0.5
    True
    """
    if nonlinearity in ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3))):
        return 1.0
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    if nonlinearity not in gains:
        raise ValueError(
            f"calculate_gain: unknown nonlinearity {nonlinearity!r}; there are: linear, {', '.join(gains)}, ..."
        )
    return gains[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many numbers each output is made of, and how many outputs each number goes into."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need two dims at least, got shape {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))


def _is_empty(name: str, tensor: Tensor) -> bool:
    if 0 in tensor.shape:
        message = f"{name}: nothing to initialize in a tensor of shape {tuple(tensor.shape)}"
        warnings.warn(message, stacklevel=4)  # at the line that called the initialization
    return 0 in tensor.shape


@candle.no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Numbers between a and b."""
    return tensor.uniform_(a, b, generator=generator)


@candle.no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Numbers of a normal distribution."""
    return tensor.normal_(mean, std, generator=generator)


@candle.no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator = None
) -> Tensor:
    """Numbers of a normal distribution between a and b: its inverse at evenly drawn numbers."""

    def below(x: float) -> float:
        return (1 + math.erf((x - mean) / std / math.sqrt(2))) / 2

    tensor.uniform_(2 * below(a) - 1, 2 * below(b) - 1, generator=generator)
    return tensor.copy_((tensor.erfinv() * (std * math.sqrt(2)) + mean).clamp(a, b))


@candle.no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere."""
    return tensor.fill_(val)


@candle.no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return tensor.fill_(1.0)


@candle.no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return tensor.fill_(0.0)


@candle.no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {tuple(tensor.shape)}")
    return tensor.copy_(candle.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


@candle.no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution (3, 4 or 5 dims) that passes its input on, channel by channel."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected 3, 4 or 5 dims, got shape {tuple(tensor.shape)}")
    if tensor.shape[0] % groups:
        raise ValueError(f"dirac_: {tensor.shape[0]} output channels do not divide into {groups} groups")
    outputs = tensor.shape[0] // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    tensor.zero_()
    for group in range(groups):
        for i in range(min(outputs, tensor.shape[1])):
            tensor[(group * outputs + i, i, *centre)] = 1.0
    return tensor


@candle.no_grad()
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Uniform in ±gain sqrt(6 / (fan_in + fan_out))."""
    bound = gain * math.sqrt(6 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return tensor.uniform_(-bound, bound, generator=generator)


@candle.no_grad()
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Normal with the deviation gain sqrt(2 / (fan_in + fan_out))."""
    return tensor.normal_(0, gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor))), generator=generator)


@candle.no_grad()
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Uniform in ±gain sqrt(3 / fan); `a` is the slope of a leaky_relu after it."""
    if _is_empty("kaiming_uniform_", tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


@candle.no_grad()
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Normal with the deviation gain / sqrt(fan); `a` is the slope of a leaky_relu after it."""
    if _is_empty("kaiming_normal_", tensor):
        return tensor
    return tensor.normal_(0, _kaiming_std(tensor, a, mode, nonlinearity), generator=generator)


@candle.no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator = None) -> Tensor:
    """Orthonormal rows or columns, whichever are fewer (Saxe et al. 2013)."""
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected two dims at least, got shape {tuple(tensor.shape)}")
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    precise = candle.promote_types(tensor.dtype, candle.float32)
    flat = candle.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=precise)
    q, r = candle.linalg.qr(flat)
    q = q * r.diagonal().sign()  # so that all orthonormal matrices are as likely
    return tensor.copy_((q if rows >= columns else q.T).reshape(tensor.shape) * gain)


@candle.no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator = None) -> Tensor:
    """Normal, with this part of every column zero (Martens 2010)."""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected a matrix, got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    tensor.normal_(0, std, generator=generator)
    for column in range(columns):
        tensor[candle.randperm(rows, generator=generator)[: math.ceil(sparsity * rows)], column] = 0
    return tensor


def uniform_fan_in_(tensor: Tensor, fan_in: int) -> Tensor:
    """Uniform in ±1/sqrt(fan_in): how PyTorch's linear and convolutional layers begin."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform_(tensor, -bound, bound)


def __getattr__(name: str) -> Any:
    """The names of before 2017, without the underscore, which old programs use."""
    new = f"{name}_"
    if new not in globals():
        raise AttributeError(f"module 'candle.nn.init' has no attribute {name!r}")
    warnings.warn(f"nn.init.{name} is deprecated: use nn.init.{new}", FutureWarning, stacklevel=2)
    return globals()[new]
