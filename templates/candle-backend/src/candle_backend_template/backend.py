"""The backend: what PyTorch lacks, or means differently than the array API standard, and where its memory is."""

import torch

from candle.backends.base import Backend, build_namespace


def with_numbers(function):
    """PyTorch wants tensors in both places; a number becomes one of the other's dtype."""

    def call(x, y):
        like = x if isinstance(x, torch.Tensor) else y
        return function(torch.as_tensor(x, dtype=like.dtype), torch.as_tensor(y, dtype=like.dtype))

    return call


def prod(x, *, axis=None, keepdims=False):
    """torch.prod takes one dim."""
    dims = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for d in sorted((d % x.ndim for d in dims), reverse=True):
        x = torch.prod(x, d, keepdim=keepdims)
    return x if dims else x.clone()


def take_strided(x, *, shape, start, steps):
    """A view, so that writing into a diagonal writes into the matrix."""
    first, *strides = (sum(n * s for n, s in zip(each, x.stride())) for each in (start, *zip(*steps)))
    return torch.as_strided(x, shape, strides, x.storage_offset() + first)


OWN = {
    **{name: with_numbers(getattr(torch, name)) for name in "add subtract multiply divide floor_divide pow".split()},
    **{name: with_numbers(getattr(torch, name)) for name in "remainder atan2 maximum minimum less greater".split()},
    "equal": with_numbers(torch.eq),
    "sign": lambda x: torch.where(torch.isnan(x), x, torch.sgn(x)),  # PyTorch's sign of nan is 0
    "conj": torch.conj_physical,  # torch.conj shares memory, which a result must not
    "as_real": torch.view_as_real,
    "as_complex": lambda x: torch.view_as_complex(x.reshape(-1).view(x.shape)),  # a view where x is contiguous
    "astype": lambda x, dtype: x.to(dtype, copy=True),
    "bitwise_invert": torch.bitwise_not,
    "max": torch.amax,
    "min": torch.amin,
    "prod": prod,
    "permute_dims": torch.permute,
    "take": lambda x, indices, *, axis: torch.index_select(x, axis, indices),
    "take_along_axis": lambda x, i, *, axis: torch.take_along_dim(x, torch.where(i < 0, i + x.shape[axis], i), axis),
    "index_put": torch.index_put,
    "index_add": lambda x, indices, values: torch.index_put(x, indices, values, accumulate=True),
    "take_strided": take_strided,
    "nonzero": lambda x: torch.nonzero(x, as_tuple=True),
    "argsort": lambda x, *, axis=-1, descending=False: torch.argsort(x, dim=axis, descending=descending, stable=True),
    "cumulative_sum": torch.cumsum,
    # Other functions of the same name: candle derives the standard's from those above. (Your own would be faster.)
    **dict.fromkeys(
        "less_equal greater_equal not_equal hypot logaddexp sort topk flip tril triu var polygamma".split()
    ),
    # PyTorch stores these dtypes, but computes little in them; its fft, which a device need not have, says dim for axis
    **dict.fromkeys("bfloat16 uint16 uint32 uint64 fft".split()),
}


class TorchBackend(Backend):
    array_type = torch.Tensor
    xp = build_namespace("torch", torch, OWN)

    def from_numpy(self, array):
        return torch.tensor(array)

    def to_numpy(self, array):
        return array.clone().numpy()

    def write(self, array, value):
        array.copy_(value)

    def shares_memory(self, a, b):
        return a.numel() > 0 and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()

    def strides(self, array):
        return array.stride()
