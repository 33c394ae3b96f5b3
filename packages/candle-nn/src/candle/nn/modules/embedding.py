"""Tables of vectors as layers."""

from __future__ import annotations

from typing import Any

import candle
from candle import Tensor
from candle.nn import functional as F
from candle.nn import init
from candle.nn.modules.module import Module
from candle.nn.parameter import Parameter
from candle.ops._common import unsupported

__all__ = ["Embedding", "EmbeddingBag"]


class Table(Module):
    """What Embedding and EmbeddingBag share: `weight`, a row for every index."""

    padding_idx: int | None

    def _make(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        weight: Tensor | None,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"padding_idx must be within num_embeddings={num_embeddings}, got {padding_idx}")
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        if weight is not None and tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError(
                f"weight must have shape ({num_embeddings}, {embedding_dim}), got {tuple(weight.shape)}"
            )
        given = weight is not None
        table = weight if given else candle.empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
        self.weight = Parameter(table, requires_grad=not freeze)
        if not given:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """First values: normal, and zeros for padding_idx."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with candle.no_grad():
                self.weight[self.padding_idx].fill_(0)


class Embedding(Table):
    """Rows of a table by index; see candle.nn.functional.embedding. Shapes: (...) -> (..., embedding_dim)."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        unsupported("Embedding", sparse=sparse)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A table of given rows, not trained unless freeze=False.

        >>> import candle
        >>> table = candle.nn.Embedding.from_pretrained(candle.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> table(candle.tensor(1))
        tensor([3., 4.])
        """
        rows, columns = _matrix(embeddings)
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        told = f"{self.num_embeddings}, {self.embedding_dim}"
        told += "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        told += "" if self.max_norm is None else f", max_norm={self.max_norm}"
        told += "" if self.norm_type == 2 else f", norm_type={self.norm_type}"
        return told + (f", scale_grad_by_freq={self.scale_grad_by_freq}" if self.scale_grad_by_freq else "")


class EmbeddingBag(Table):
    """Sums, means or maxima of bags of rows; see candle.nn.functional.embedding_bag."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        unsupported("EmbeddingBag", sparse=sparse)
        self.max_norm, self.norm_type, self.mode = max_norm, norm_type, mode
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.include_last_offset = include_last_offset
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A table of given rows, not trained unless freeze=False."""
        rows, columns = _matrix(embeddings)
        options = max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx
        bag = cls(rows, columns, *options)
        bag.weight.requires_grad_(not freeze)
        return bag

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            False,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        told = f"{self.num_embeddings}, {self.embedding_dim}"
        told += "" if self.max_norm is None else f", max_norm={self.max_norm!r}"
        told += "" if self.norm_type == 2 else f", norm_type={self.norm_type!r}"
        told += f", scale_grad_by_freq={self.scale_grad_by_freq}" if self.scale_grad_by_freq else ""
        told += f", mode={self.mode!r}"
        return told + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")


def _matrix(embeddings: Tensor) -> tuple[int, int]:
    if embeddings.ndim != 2:
        raise AssertionError(f"from_pretrained: embeddings must have 2 dims, got shape {tuple(embeddings.shape)}")
    return embeddings.shape[0], embeddings.shape[1]
