"""The older place of `autocast` and `GradScaler`; training scripts ask for them there, disabled or on a CPU."""

import functools

from candle import amp

GradScaler, autocast = functools.partial(amp.GradScaler, "cuda"), functools.partial(amp.autocast, "cuda")
