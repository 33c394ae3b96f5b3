"""PyTorch's options that have one answer here: `out=`, and how new tensors lie in memory.

The functions at the top of `candle` take them. Methods, operators and the ops themselves do not, as in PyTorch.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from candle import _dtypes
from candle._modes import no_grad, state
from candle._tensor import Tensor
from candle.ops._common import expect_tensor

# What makes new tensors
CREATING = """
arange empty empty_like empty_permuted empty_strided eye full full_like linspace logspace normal ones ones_like rand
rand_like randint randint_like randn randn_like randperm scalar_tensor tril_indices triu_indices zeros zeros_like
"""
# Whose result can be written into `out`
WRITING = """
abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax angle any arccos arccosh
arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh baddbmm bernoulli bitwise_and bitwise_left_shift
bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat ceil clamp clip column_stack complex concat
concatenate copysign cos cosh cross cummax cummin cumprod cumsum deg2rad diag digamma div divide dot dstack eq erf erfc
erfinv exp exp2 expm1 fix float_power floor floor_divide fmax fmin fmod frac gather ge greater greater_equal gt hstack
hypot index_select inner inverse kron kthvalue le lerp less less_equal lgamma log log10 log1p log2 logaddexp logaddexp2
logcumsumexp logical_and logical_not logical_or logical_xor logit logsumexp lt masked_select matmul matrix_power max
maximum mean median min minimum mm mode mul multinomial multiply mv nan_to_num nanmean nanmedian nanquantile ne neg
negative nonzero not_equal outer polar pow prod quantile rad2deg reciprocal remainder round rsqrt scatter scatter_add
searchsorted sigmoid sign sin sinc sinh softmax sort sqrt square stack std sub subtract sum take take_along_dim tan tanh
tensordot topk tril triu true_divide trunc var vdot vstack where xlogy
"""
# ... and all that candle has of the others
MEMORY = {
    "layout": ("strided",),
    "pin_memory": (False,),
    "memory_format": ("preserve_format", "contiguous_format"),
    "names": (),
}


def with_options(functions: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Those of these functions that take options, with their options."""
    creating = {name: _creating(functions[name]) for name in CREATING.split()}
    return creating | {name: _writing(functions[name]) for name in WRITING.split()}


def _writing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **named: Any) -> Any:
        result = function(*args, **named)
        return result if out is None else _write(function.__name__, result, out)

    return call


def _creating(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **named: Any) -> Any:
        if named:
            refuse_memory(function.__name__, named)
        if out is None:
            return function(*args, **named)
        expect_tensor(function.__name__, out, "out")
        dtype = _dtypes.chosen(named.get("dtype"), out.dtype)
        if dtype is not out.dtype:
            raise RuntimeError(f"{function.__name__}: {dtype} was asked for, and out is a tensor of {out.dtype}")
        result = function(*args, **{**named, "dtype": dtype, "device": out.device})
        return _write(function.__name__, result, out)

    return call


def refuse_memory(name: str, named: dict[str, Any]) -> None:
    """Take the options of memory out of the arguments; NotImplementedError for what there is not."""
    for option in MEMORY.keys() & named.keys():
        given = named.pop(option)
        if given is not None and given not in MEMORY[option]:
            raise NotImplementedError(f"{name}: the option {option}={given!r} is not supported; leave it out")


def _write(name: str, result: Any, out: Any) -> Any:
    if isinstance(result, tuple):
        if not isinstance(out, tuple | list) or len(out) != len(result):
            raise TypeError(f"{name}: out must be a tuple of {len(result)} tensors, got {type(out).__name__}")
        written = [_write(name, r, o) for r, o in zip(result, out, strict=True)]
        return type(result)(*written) if hasattr(result, "_fields") else tuple(written)
    expect_tensor(name, out, "out")
    if result.requires_grad or (out.requires_grad and state.grad):
        raise RuntimeError(f"{name}: what is written into out= has no gradient; leave it out, or say candle.no_grad()")
    if result.dtype.category > out.dtype.category:
        raise RuntimeError(
            f"{name}: the result is of {result.dtype}, which a tensor of {out.dtype} cannot hold as out="
        )
    if result.device != out.device:
        raise RuntimeError(f"{name}: the result is on {result.device}, and out on {out.device}")
    with no_grad():
        return _resized(name, out, result).copy_(result)


def _resized(name: str, out: Tensor, like: Tensor) -> Tensor:
    """`out` in the shape of the result: what was not empty is resized with a warning."""
    if out.shape == like.shape:
        return out
    if out.numel():
        shapes = f"{tuple(out.shape)}, the result {tuple(like.shape)}"
        warnings.warn(f"{name}: out has shape {shapes}: it was resized; out.resize_(0) says so", stacklevel=4)
    return out.resize_(like.shape)
