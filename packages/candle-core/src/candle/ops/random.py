"""Random tensors. No op draws: numbers are drawn here, and ops get them as inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from candle import _dtypes
from candle import random as source
from candle._attach import method
from candle._modes import state
from candle._tensor import Tensor, wrap
from candle.ops._common import broadcast_shapes, integers
from candle.ops.creation import arange, refuse_negative
from candle.plugins import backend_of

__all__ = [
    "bernoulli",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]

Dtype = _dtypes.dtype | None


def drawn(
    draw: Callable[[tuple[int, ...]], Any],
    shape: tuple[int, ...],
    dtype: _dtypes.dtype,
    device: Any,
    requires_grad: bool = False,
) -> Tensor:
    """draw(shape), made on the host, as a tensor; inside vmap as its `randomness` says."""
    import numpy as np

    refuse_negative(shape)
    levels = state.vmaps
    if levels and levels[-1].randomness == "error":
        raise RuntimeError(
            "vmap: random numbers are drawn; say randomness='same' (for all examples) or randomness='different'"
        )
    apart = any(level.randomness == "different" for level in levels)
    sizes_of_levels = [level.size if level.randomness == "different" else 1 for level in levels]
    values = draw((*sizes_of_levels, *shape) if apart else shape)
    backend = backend_of(device)
    array = np.asarray(values).astype(backend_of("cpu").raw_dtype(dtype), copy=False)
    t = wrap(backend.from_numpy(array), backend)
    for level in levels if apart else ():
        t = level.batched(t)
    return t.requires_grad_(requires_grad)


def uniform_numbers(shape: tuple[int, ...], dtype: _dtypes.dtype, generator: source.Generator | None) -> Any:
    import numpy as np

    kind = np.float64 if dtype is _dtypes.float64 else np.float32
    draws = source.draws_of(generator).random(shape, dtype=kind)
    if dtype.itemsize == 2:  # as many bits as the type holds: rounding must not make a 1
        bits = 2**11 if dtype is _dtypes.float16 else 2**8
        draws = np.floor(draws * bits) / bits
    return draws


def normal_numbers(shape: tuple[int, ...], dtype: _dtypes.dtype, generator: source.Generator | None) -> Any:
    import numpy as np

    draw = source.draws_of(generator)
    if dtype.is_complex:  # variance 1 in all, half of it in each part
        return (draw.standard_normal(shape) + 1j * draw.standard_normal(shape)) * np.sqrt(0.5)
    return draw.standard_normal(shape, dtype=np.float64 if dtype is _dtypes.float64 else np.float32)


def _floating(name: str, dtype: Dtype, otherwise: _dtypes.dtype) -> _dtypes.dtype:
    dtype = _dtypes.chosen(dtype, otherwise)
    if dtype.category < _dtypes.FLOAT:
        raise RuntimeError(f"{name}: draws floating-point numbers, not {dtype}; use randint")
    return dtype


# What users call


def rand(
    *sizes: Any,
    size: Any = None,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers from 0 up to (not including) 1."""
    dtype = _floating("rand", dtype, _dtypes.get_default_dtype())
    return drawn(
        lambda shape: uniform_numbers(shape, dtype, generator),
        integers("rand", sizes, size),
        dtype,
        device,
        requires_grad,
    )


def randn(
    *sizes: Any,
    size: Any = None,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    dtype = _floating("randn", dtype, _dtypes.get_default_dtype())
    return drawn(
        lambda shape: normal_numbers(shape, dtype, generator),
        integers("randn", sizes, size),
        dtype,
        device,
        requires_grad,
    )


def rand_like(
    input: Tensor, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, generator: Any = None
) -> Tensor:
    """`rand` in the shape, dtype and place of `input`."""
    return rand(
        tuple(input.shape),
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
        generator=generator,
    )


def randn_like(
    input: Tensor, *, dtype: Dtype = None, device: Any = None, requires_grad: bool = False, generator: Any = None
) -> Tensor:
    """`randn` in the shape, dtype and place of `input`."""
    return randn(
        tuple(input.shape),
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
        generator=generator,
    )


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from low (0 unless given) up to, not including, high."""
    if size is None and not hasattr(high, "__index__"):
        low, high, size = 0, low, high
    if high is None or size is None:
        raise TypeError(
            "randint: give the end and the size, as in randint(10, (2, 3)) or randint(high=10, size=(2, 3))"
        )
    if low >= high:
        raise RuntimeError(f"randint: low must be below high, got {low} and {high}")
    dtype = _dtypes.chosen(dtype, _dtypes.int64)
    for x in (low, high - 1):
        if _dtypes.fitting("randint", x, dtype) != x:
            raise RuntimeError(f"randint: {x} is not a {dtype}")
    draw = source.draws_of(generator).integers
    return drawn(lambda shape: draw(low, high, shape), tuple(size), dtype, device, requires_grad)


def randint_like(
    input: Tensor,
    low: int = 0,
    high: Any = None,
    *,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`randint` in the shape, dtype and place of `input`."""
    low, high = (0, low) if high is None else (low, high)
    return randint(
        low,
        high,
        tuple(input.shape),
        generator=generator,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


def randperm(
    n: int,
    *,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers 0 to n - 1 in random order."""
    import numpy as np

    if n < 0:
        raise RuntimeError(f"randperm: n must not be negative, got {n}")
    dtype = _dtypes.chosen(dtype, _dtypes.int64)
    _dtypes.fitting("randperm", max(n - 1, 0), dtype)

    def rows(shape: tuple[int, ...]) -> Any:  # the last size is n; each row is put in an order of its own
        return source.draws_of(generator).permuted(np.broadcast_to(np.arange(n), shape), axis=-1)

    return drawn(rows, (n,), dtype, device, requires_grad)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: source.Generator | None = None,
    dtype: Dtype = None,
    device: Any = None,
) -> Tensor:
    """Normal numbers of the means and standard deviations given (numbers or tensors)."""
    if size is None:
        like = mean if isinstance(mean, Tensor) else std
        if not isinstance(like, Tensor):
            raise TypeError("normal: give tensors, or numbers and a size")
        shape = broadcast_shapes("normal", *(x.shape for x in (mean, std) if isinstance(x, Tensor)))
        dtype, device = like.dtype, like.device
    else:
        shape = integers("normal", (size,))
    if bool((std < 0).any()) if isinstance(std, Tensor) else std < 0:
        raise RuntimeError(f"normal: the standard deviation must not be negative, got {std}")
    values = randn(shape, generator=generator, dtype=dtype, device=device) * std + mean
    return values.to(dtype or _dtypes.get_default_dtype())


@method("bernoulli")
def bernoulli(input: Tensor, p: float | None = None, *, generator: source.Generator | None = None) -> Tensor:
    """1 with the probability that each element (or p) says, else 0."""
    chance = input if p is None else p
    draws = drawn(
        lambda shape: uniform_numbers(shape, _dtypes.float64, generator), input.shape, _dtypes.float64, input.device
    )
    inside = (chance >= 0) & (chance <= 1)
    known = not isinstance(inside, Tensor) or not inside._backend.level
    if known and not (bool(inside.all()) if isinstance(inside, Tensor) else inside):
        raise RuntimeError("bernoulli: probabilities must lie between 0 and 1")
    return (draws < chance).to(input.dtype)


@method()
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: source.Generator | None = None
) -> Tensor:
    """Indices drawn with probabilities in proportion to each row of `input`.

    Without replacement: the largest of log(p) + Gumbel noise are a sample in order of drawing
    (Vieira 2014, "Gumbel-max trick and weighted reservoir sampling").
    """
    if input.ndim not in (1, 2) or not input.dtype.is_floating_point:
        raise RuntimeError(
            f"multinomial: expects floating-point weights in 1 or 2 dims, got {input.dtype} {tuple(input.shape)}"
        )
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: cannot draw {num_samples} samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} samples out of {input.shape[-1]} without replacement"
        )
    weights = input.detach().double()
    rows = weights.reshape(-1, weights.shape[-1])
    known = not rows._backend.level  # inside vmap values cannot be looked at
    if known and not bool((rows.isfinite() & (rows >= 0)).all() & (rows.sum(1) > 0).all()):
        raise RuntimeError("multinomial: weights must be finite, not negative, and some of each row positive")
    if replacement:
        ends = rows.cumsum(1) / rows.sum(1, keepdim=True)
        draws = rand(rows.shape[0], num_samples, 1, generator=generator, dtype=_dtypes.float64, device=input.device)
        where = (draws >= ends[:, None, :]).sum(2)
        last = (rows > 0).to(_dtypes.int64) * arange(rows.shape[1], device=input.device)
        where = where.minimum(last.amax(1, keepdim=True))  # rounding must not choose a weight of zero
    else:
        if known and not bool(((rows > 0).sum(1) >= num_samples).all()):
            raise RuntimeError(f"multinomial: fewer than {num_samples} weights of a row are positive")
        noise = rand(*rows.shape, generator=generator, dtype=_dtypes.float64, device=input.device)
        logs = rows.masked_fill(rows == 0, 1).log().masked_fill(rows == 0, -math.inf)
        where = (logs - (-noise.log()).log()).topk(num_samples, 1).indices
    return where.reshape(*input.shape[:-1], num_samples)
