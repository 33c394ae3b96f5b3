"""Mixed precision: `autocast`, a policy per op at the door, and `GradScaler`, for gradients in float16's range."""

from __future__ import annotations

import warnings
from typing import Any

from candle import _dtypes
from candle._modes import Switch, state
from candle._tensor import Tensor
from candle.op import Op

__all__ = ["GradScaler", "autocast", "is_autocast_enabled"]

STATE = ("scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")  # of a scaler


class autocast(Switch):
    """Inside, ops run in the dtype that suits them.

    >>> import candle
    >>> with candle.autocast("cpu", dtype=candle.float16):
    ...     (candle.ones(2, 2) @ candle.ones(2, 2)).dtype
    candle.float16
    """

    def __init__(
        self,
        device_type: str,
        dtype: _dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,  # there is no cache
    ):
        if dtype is not None and not dtype.is_floating_point:
            raise RuntimeError(f"autocast: the dtype must be a floating-point one, got {dtype}")
        lower = dtype or (_dtypes.bfloat16 if device_type == "cpu" else _dtypes.float16)
        super().__init__(autocast=(device_type, lower) if enabled else None)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is inside `autocast`, for a type of device or for any."""
    return state.autocast is not None and device_type in (None, state.autocast[0])


def cast_inputs(op: type[Op], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    device, lower = state.autocast
    if device == "cpu" and op.autocast == "float32 off cpu":  # PyTorch's policy for a CPU has less
        return inputs
    target = lower if op.autocast == "lower" else _dtypes.float32
    others = (_dtypes.float16, _dtypes.bfloat16, _dtypes.float32)
    return tuple(
        t.to(target)
        if isinstance(t, Tensor) and t.device.type == device and t.dtype in others and t.dtype is not target
        else t
        for t in inputs
    )


class GradScaler:
    """Scales a loss so that small gradients survive float16, and skips the steps in which they overflowed.

    The scale halves after such a step and doubles after `growth_interval` others (Micikevicius et al. 2018, "Mixed
    precision training", section 3.2). As PyTorch's it is for a GPU unless told otherwise, and off where there is none.

    >>> import candle
    >>> scaler = candle.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(candle.tensor(2.0))
    tensor(16.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ):
        from candle.plugins import devices

        if enabled and device not in devices():
            warnings.warn(f"GradScaler: there is no device {device!r}, so this scaler does nothing", stacklevel=2)
            enabled = False
        if enabled and not (growth_factor > 1 > backoff_factor):
            raise ValueError(f"GradScaler: expected growth > 1 > backoff, got {growth_factor} and {backoff_factor}")
        self._device, self._enabled, self._scale, self._growth_tracker = device, enabled, init_scale, 0
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._found_inf: dict[int, bool] = {}  # of the optimizers whose gradients were unscaled since the last update
        self._stepped: set[int] = set()

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """What losses are multiplied by."""
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """A loss, or each in a list or tuple, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):  # a tensor of float32, so that a loss in float16 does not overflow
            return outputs * outputs.new_tensor(self._scale, dtype=_dtypes.float32)
        return type(outputs)(map(self.scale, outputs))

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, to clip them, say, before the step."""
        if not self._enabled:
            return
        if id(optimizer) in self._found_inf:
            raise RuntimeError("GradScaler: unscale_ has been called for this optimizer since the last update()")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(g.dtype is _dtypes.float16 for g in grads):
            raise ValueError("GradScaler: gradients in float16 cannot be unscaled; keep the parameters in float32")
        if not grads:
            raise RuntimeError("GradScaler: none of the optimizer's parameters has a gradient")
        for g in grads:
            g.detach().mul_(1 / self._scale)
        self._found_inf[id(optimizer)] = not all(bool(g.isfinite().all()) for g in grads)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step(...) with unscaled gradients, or nothing where one of them is inf or nan."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("GradScaler: a closure is not supported, for its gradients would not be unscaled")
        if id(optimizer) in self._stepped:
            raise RuntimeError("GradScaler: step has been called for this optimizer since the last update()")
        if id(optimizer) not in self._found_inf:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._found_inf[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Set the next scale, by what the steps since the last update found."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._found_inf:
            raise RuntimeError("GradScaler: update() comes after step() or unscale_()")
        elif any(self._found_inf.values()):
            self._scale, self._growth_tracker = self._scale * self._backoff_factor, 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale, self._growth_tracker = self._scale * self._growth_factor, 0
        self._found_inf, self._stepped = {}, set()

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs; empty where the scaler is off."""
        return {key: getattr(self, f"_{key.lstrip('_')}") for key in STATE} if self._enabled else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        if not self._enabled:
            return
        if missing := [key for key in STATE if key not in state_dict]:
            raise RuntimeError(f"GradScaler: the state lacks {', '.join(missing)}; was it saved by a disabled scaler?")
        for key in STATE:
            setattr(self, f"_{key.lstrip('_')}", state_dict[key])
