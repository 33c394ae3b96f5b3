"""Tables of vectors: rows looked up, alone or in bags."""

from __future__ import annotations

import candle
from candle import Tensor
from candle.ops._common import expect_tensor, unsupported

__all__ = ["embedding", "embedding_bag", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` names; a row named twice gets both gradients, row padding_idx none.

    With `max_norm`, those rows are first scaled down, in place, to a p-norm (p = norm_type) of at most that.
    With `scale_grad_by_freq`, a row's gradient is divided by how often the row was named.

    >>> import candle
    >>> table = candle.tensor([[1.0, 1.0], [2.0, 2.0]])
    >>> embedding(candle.tensor([1, 1, 0]), table)
    tensor([[2., 2.],
            [2., 2.],
            [1., 1.]])
    """
    expect_tensor("embedding", input, "input")
    unsupported("embedding", sparse=sparse)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    rows = candle.embedding(input, weight, padding_idx)
    if scale_grad_by_freq and rows.requires_grad:
        rows.register_hook(lambda grad: grad / _counts(input, weight).to(grad.dtype)[..., None])
    return rows


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum over bags of rows of `weight`; of an empty bag, zeros.

    Shapes: input (B, N), each row a bag; or (N), where bag i goes from offsets[i] up to offsets[i + 1] -> (B, D).
    Rows of padding_idx are no part of their bag. per_sample_weights (mode "sum") multiply the rows.

    >>> import candle
    >>> table = candle.tensor([[1.0], [2.0], [4.0]])
    >>> embedding_bag(candle.tensor([0, 1, 2]), table, candle.tensor([0, 2]), mode="sum")
    tensor([[3.],
            [4.]])
    """
    unsupported("embedding_bag", sparse=sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights need mode='sum', got {mode!r}")
    if per_sample_weights is not None and tuple(per_sample_weights.shape) != tuple(input.shape):
        raise ValueError(
            f"embedding_bag: per_sample_weights must have the input's shape {tuple(input.shape)}, "
            f"got {tuple(per_sample_weights.shape)}"
        )
    if mode == "max" and scale_grad_by_freq:
        raise RuntimeError("embedding_bag: scale_grad_by_freq does not go with mode='max'")
    bag, bags = _bags(input, offsets, include_last_offset)
    shape = (*input.shape, weight.shape[1])
    input = input.reshape(-1)
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    if len(shape) == 3 and padding_idx is None and shape[1]:  # all bags have one size
        rows = rows.reshape(shape)
        return rows.amax(1) if mode == "max" else rows.sum(1) if mode == "sum" else rows.mean(1)
    if padding_idx is not None:
        kept = input != padding_idx % weight.shape[0]
        bag, rows = bag[kept], rows[kept]
    out = rows.new_zeros((bags, weight.shape[1]))
    if mode == "max":
        return out.index_reduce(0, bag, rows, "amax", include_self=False)
    out = out.index_add(0, bag, rows)
    if mode == "sum":
        return out
    return out / candle.bincount(bag, minlength=bags).clamp_min(1).to(out.dtype)[:, None]


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A row for each index, with a 1 there and 0 elsewhere. Shapes: (...) -> (..., num_classes).

    >>> import candle
    >>> one_hot(candle.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.dtype is not candle.int64:
        raise RuntimeError(f"one_hot: expected int64 indices, got {tensor.dtype}")
    if num_classes == -1:
        if not tensor.numel():
            raise RuntimeError("one_hot: without indices, num_classes must be given")
        num_classes = int(tensor.max()) + 1
    if num_classes < 1:
        raise RuntimeError(f"one_hot: num_classes must be positive, got {num_classes}")
    if tensor.numel() and not tensor._backend.level:  # inside vmap values cannot be looked at
        _check(tensor, num_classes)
    return (tensor[..., None] == candle.arange(num_classes, device=tensor.device)).long()


def _check(tensor: Tensor, num_classes: int) -> None:
    if bool((tensor < 0).any()):
        raise RuntimeError("one_hot: class values must not be negative")
    if bool((tensor >= num_classes).any()):
        raise RuntimeError(f"one_hot: class values must be smaller than num_classes, {num_classes}")


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, int]:
    """The bag of every index, in order, and how many bags there are."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                f"embedding_bag: an input of two dims has a bag a row, so offsets must be None, got {offsets!r}"
            )
        bags, size = input.shape
        return candle.arange(bags, device=input.device).repeat_interleave(size), bags
    if input.ndim != 1:
        raise ValueError(f"embedding_bag: input must have 1 or 2 dims, got shape {tuple(input.shape)}")
    if offsets is None or offsets.ndim != 1:
        given = "None" if offsets is None else f"shape {tuple(offsets.shape)}"
        raise ValueError(f"embedding_bag: an input of one dim needs offsets of one dim, got {given}")
    if bool(offsets[:1].any()):
        raise ValueError(f"embedding_bag: offsets must begin with 0, got {offsets[0].item()}")
    if bool((offsets > input.shape[0]).any()):
        raise RuntimeError(f"embedding_bag: an offset of {offsets.max().item()} in {input.shape[0]} indices")
    if include_last_offset:
        offsets = offsets[:-1]
    begun = candle.zeros(input.shape[0] + 1, dtype=candle.int64, device=input.device)
    begun = begun.index_add(0, offsets.long(), candle.ones_like(offsets, dtype=candle.int64)).cumsum(0)
    return begun[:-1] - 1, offsets.shape[0]


@candle.no_grad()
def _shorten(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    used = input.reshape(-1).unique()
    rows = weight.detach()[used]
    norms = rows.norm(norm_type, 1, keepdim=True)
    weight[used] = candle.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)


def _counts(input: Tensor, weight: Tensor) -> Tensor:
    """How often each index appears among all of them."""
    return candle.bincount(input.reshape(-1), minlength=weight.shape[0])[input]
