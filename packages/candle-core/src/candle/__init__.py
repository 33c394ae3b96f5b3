"""candle: a deep-learning framework one can read in an afternoon.

    import candle

    x = candle.randn(3, requires_grad=True)
    (x * x).sum().backward()
    x.grad

The reading order is in the project's README: `tensor`, `apply`, `op`, `graph`, then any file of `ops`.
"""

# The siblings' folders, and last that of what stands for those that are not installed
__path__ = [*__import__("pkgutil").extend_path(__path__, __name__), f"{__path__[0]}/utils/_absent"]

from importlib import import_module as _import
from math import e, inf, nan, pi
from typing import Any as _Any

from candle import autograd, ops
from candle._device import Device as device
from candle._dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from candle._dtypes import bool_ as bool
from candle._modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from candle._printing import set_printoptions
from candle._size import Size
from candle._tensor import Tensor
from candle.amp import GradScaler, autocast, is_autocast_enabled
from candle.autograd.anomaly import is_anomaly_enabled
from candle.backends import cuda as _cuda  # flags that scripts set
from candle.backends import cudnn as _cudnn
from candle.backends import mps as _mps
from candle.ops import *  # noqa: F403
from candle.ops import _options
from candle.plugins import devices
from candle.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

globals().update(_options.with_options(globals()))
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
strided, contiguous_format, preserve_format = "strided", "contiguous_format", "preserve_format"
newaxis = None

# Siblings, imported on first use: the distribution that brings each
_SIBLINGS = {
    **{"cuda": "candle-cuda", "numba": "candle-numba", "nn": "candle-nn", "optim": "candle-optim"},
    **{"datasets": "candle-data", "nlp": "candle-nlp", "models": "candle-models"},
}
# What is imported on first use, by the module that has it
_BY_MODULE = {
    "candle.serialization": "CheckpointError load save",
    "candle.func": "vmap",
    "candle._picture": "graph",
    "candle._explanation": "explain",
    "candle.ops.buffers": "asarray frombuffer",
    "candle.ops.older": "can_cast range vander",
    "candle.ops.window_functions": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "candle.ops.kinds": "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor "
    "LongTensor ShortTensor",
    "candle.ops.layers": "adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout avg_pool1d batch_norm bilinear "
    "binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss feature_alpha_dropout "
    "group_norm hardshrink hinge_embedding_loss instance_norm kl_div margin_ranking_loss max_pool1d "
    "max_pool1d_with_indices max_pool2d max_pool3d pairwise_distance pdist pixel_shuffle pixel_unshuffle "
    "poisson_nll_loss prelu rrelu rrelu_ selu selu_ threshold threshold_ triplet_margin_loss",
    "candle.utils._limits": "finfo iinfo",
    "candle.utils._settings": "are_deterministic_algorithms_enabled compile get_default_device "
    "get_float32_matmul_precision get_num_threads set_default_device set_float32_matmul_precision set_num_threads "
    "use_deterministic_algorithms",
}
_LAZY = {name: module for module, names in _BY_MODULE.items() for name in names.split()}
_LAZY |= {
    n: f"candle.{n}" for n in "array_api distributions fft func linalg masked signal special testing utils".split()
}
# Methods of Tensor that are functions, too, as are all those that end in _
_METHODS = ("detach", "ger", "get_device", "is_inference", "is_nonzero", "is_same_size", "is_signed")

__all__ = [
    "Generator",
    "GradScaler",
    "Size",
    "Tensor",
    "autocast",
    "autograd",
    "bfloat16",
    "bool",
    "cdouble",
    "cfloat",
    "complex128",
    "complex64",
    "default_generator",
    "device",
    "devices",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "get_rng_state",
    "half",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_anomaly_enabled",
    "is_autocast_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "long",
    "manual_seed",
    "nan",
    "newaxis",
    "no_grad",
    "pi",
    "promote_types",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "set_rng_state",
    "short",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
]
__all__ += ops.__all__


def __dir__() -> list[str]:
    return [*globals(), *_LAZY, *_METHODS]


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        module = _import(_LAZY[name])
        return module if _LAZY[name] == f"candle.{name}" else getattr(module, name)
    if name in _SIBLINGS:
        return _sibling(f"candle.{name}", _SIBLINGS[name])
    if name in _METHODS or (name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name)):
        return getattr(Tensor, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("candle-core")
    raise AttributeError(f"module 'candle' has no attribute {name!r}")


def _sibling(module: str, distribution: str) -> _Any:
    """A part of `candle` that another distribution brings, or the error that says what to install."""
    try:
        return _import(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise AttributeError(_missing(module, distribution)) from None


def _missing(what: str, distribution: str) -> str:
    return (
        f"{what} is part of the distribution {distribution}, which is not installed: "
        f"install it as the README shows (pip install ./packages/candle-core ./packages/{distribution})"
    )
