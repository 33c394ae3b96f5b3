"""The wrapper that scripts put around a model for several GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from candle.nn.modules.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """The model as its `module`, run where it is: candle trains on one device, as PyTorch does without GPUs.

    Its state dict's keys begin with `module.`.

    >>> import candle
    >>> model = DataParallel(candle.nn.Linear(3, 2))
    >>> model(candle.ones(4, 3)).shape, list(model.state_dict())
    (candle.Size([4, 2]), ['module.weight', 'module.bias'])
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ):
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise NotImplementedError(f"DataParallel: runs on one device; leave device_ids out, got {device_ids}")
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
