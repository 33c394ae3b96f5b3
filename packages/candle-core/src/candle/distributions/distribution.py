"""`Distribution`: what all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import candle
from candle import Size, Tensor

NONE = Size(())


class Distribution:
    """Its parameters broadcast to `batch_shape`; one draw of it has `event_shape`.

    `sample(shape)` draws `shape + batch_shape + event_shape`, without gradients; `rsample`, where there is one, with
    gradients by the parameters. What breaks a parameter's condition, or lies outside the support, raises ValueError
    unless `validate_args` is False.
    """

    has_rsample = False
    parameters: tuple[str, ...] = ()
    _validates = True

    def __init__(self, batch_shape: Size = NONE, event_shape: Size = NONE, validate_args: bool | None = None):
        self.batch_shape, self.event_shape = batch_shape, event_shape
        if validate_args is not None:
            self._validates = validate_args

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether those to come check what they are given."""
        Distribution._validates = value

    def sample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        """Draws without gradients."""
        with candle.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = NONE) -> Tensor:
        """Draws with gradients by the parameters."""
        raise NotImplementedError(f"{type(self).__name__}: no gradient leads through its draws; use sample()")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or probability, at a value."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def entropy(self) -> Tensor:
        """E[-log p]."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def _extended(self, sample_shape: Sequence[int]) -> Size:
        return Size((*sample_shape, *self.batch_shape, *self.event_shape))

    def _require(self, what: str, holds: Tensor, condition: str, given: Any) -> None:
        """ValueError where a condition does not hold everywhere; inside vmap nobody can look."""
        if self._validates and not holds._backend.level and not bool(holds.all()):
            raise ValueError(f"{type(self).__name__}: {what} must be {condition}, got {given}")

    def __repr__(self) -> str:
        given = {name: vars(self)[name] for name in self.parameters if name in vars(self)}
        told = (f"{name}: {t if t.numel() == 1 else t.shape}" for name, t in given.items())
        return f"{type(self).__name__}({', '.join(told)})"


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape; numbers take the dtype and device of the first tensor."""
    like = next((v for v in values if isinstance(v, Tensor)), candle.zeros(()))
    tensors = (v if isinstance(v, Tensor) else candle.full((), v, dtype=like.dtype, device=like.device) for v in values)
    return tuple(candle.broadcast_tensors(*tensors))
