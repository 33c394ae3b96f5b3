"""The device `torch`: PyTorch computes the values, candle does everything else."""

import candle
from candle.hooks import hookimpl

CANDLE_CONTRACT = 1  # the version of candle.hooks this was written for


def make_backend(index):
    """Called when the device is first used: the place for what is slow to import."""
    from candle_backend_template.backend import TorchBackend

    return TorchBackend(candle.device("torch"))


@hookimpl
def candle_register_backends(register):
    register("torch", make_backend)
