"""What the fork server imports when it starts, so that workers need not: they begin with candle and its CPU loaded."""

import contextlib

from numpy import random as random

from candle.plugins import backend_of
from candle.utils.data import _workers as _workers

with contextlib.suppress(Exception):  # the worker that needs it will tell what is wrong
    backend_of("cpu")
