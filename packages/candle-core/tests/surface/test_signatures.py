"""Parameters are called as PyTorch calls them, in its order: what its documentation says is what is accepted."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import torch

import candle

# In no signature: `ops/_options.py` takes `out=` and what concerns layouts and memory for many functions at once
LEFT_OUT = {"out", "layout", "pin_memory", "memory_format", "_stacklevel"}

# PyTorch's documentation says one thing, its parser takes another; or there is no signature to read
SAID_WRONG = {
    "broadcast_to": "input, size",
    "as_tensor": "data, dtype=None, device=None",
    "true_divide": "input, other",
    "argmax": "input, dim=None, keepdim=False",
    "max": "input, dim=None, keepdim=False",
    "min": "input, dim=None, keepdim=False",
    "mean": "input, dim=None, keepdim=False, *, dtype=None",
    "sum": "input, dim=None, keepdim=False, *, dtype=None",
    "prod": "input, dim=None, keepdim=False, *, dtype=None",
    "all": "input, dim=None, keepdim=False",
    "any": "input, dim=None, keepdim=False",
    "std": "input, dim=None, unbiased=True, keepdim=False, *, correction=1",
    "var": "input, dim=None, unbiased=True, keepdim=False, *, correction=1",
    "randint": "low, high, size, *, generator=None, dtype=None, device=None, requires_grad=False",
    "randint_like": "input, low, high, *, dtype=None, device=None",
    "randperm": "n, *, generator=None, dtype=None, device=None",
    "normal": "mean, std, size, *, generator=None, dtype=None, device=None",
    "bernoulli": "input, p=None, *, generator=None",
    "binomial": "count, prob, generator=None",
    "scatter": "input, dim, index, src, *, value, reduce",
    "arange": "start, end, step=1, *, dtype=None, device=None, requires_grad=False",
    "concatenate": "tensors, dim=0",
    "constant_pad_nd": "input, pad, value=0",
    "fill": "input, value",
    "index_fill": "input, dim, index, value",
    "masked_scatter": "input, mask, source",
    "put": "input, index, source, accumulate=False",
    "rot90": "input, k=1, dims",
    "scalar_tensor": "s, *, dtype=None, device=None, requires_grad=False",
    "searchsorted": "sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None",
    "split_with_sizes": "input, split_sizes, dim=0",
    "unique": "input, sorted=True, return_inverse=False, return_counts=False, dim=None",
    "unique_consecutive": "input, return_inverse=False, return_counts=False, dim=None",
    "unsafe_split": "tensor, split_size, dim=0",
    "swapaxes": "input, axis0, axis1",
    "is_tensor": "obj",
    "gelu": "input, *, approximate='none'",
    "logsumexp": "input, dim, keepdim=False",
    "log_softmax": "input, dim, *, dtype=None",
    "softmax": "input, dim, *, dtype=None",
    "relu": "input",
    "multiply": "input, other",
    "masked_fill": "input, mask, value",
    "index_put": "input, indices, values, accumulate=False",
    "layer_norm": "input, normalized_shape, weight=None, bias=None, eps=1e-05",
    "rms_norm": "input, normalized_shape, weight=None, eps=None",
    "embedding": "input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False",
    "dropout": "input, p=0.5, training=True, inplace=False",
    "cholesky_inverse": "input, upper=False",
    "cholesky_solve": "input, input2, upper=False",
    "lu": "A, pivot=True, get_infos=False",
    "lu_solve": "input, LU_data, LU_pivots",
    "matrix_exp": "input",
    "orgqr": "input, input2",
    "ormqr": "input, input2, input3, left=True, transpose=False",
    "qr": "input, some=True",
    "triangular_solve": "input, A, upper=True, transpose=False, unitriangular=False",
    "scaled_dot_product_attention": (
        "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False"
    ),
}


def of_torch(name: str) -> Any:
    """PyTorch's function: losses and layers are in torch.nn.functional."""
    functional = getattr(torch.nn.functional, name, None)
    return (
        functional
        if functional is not None and (inspect.isfunction(functional) or not hasattr(torch, name))
        else getattr(torch, name, None)
    )


def documented(name: str) -> str | None:
    """The parameters as the first signature line of its docstring, or its Python signature, has them."""
    if name in SAID_WRONG:
        return SAID_WRONG[name]
    function = of_torch(name)
    if inspect.isfunction(function) and name not in ("split",):
        return ", ".join(inspect.signature(function).parameters)
    found = re.search(rf"^\s*(?:torch\.)?{name}\((.*)\)\s*->", function.__doc__ or "", re.MULTILINE)
    return found.group(1) if found else None


def parsed(text: str) -> tuple[list[str], list[str]]:
    """Names before and after the bare star."""
    text = re.sub(r"\[[^\]]*\]", "", text.replace("\\", ""))
    names = [part.split("=")[0].split(":")[0].strip() for part in text.split(",")]
    star = names.index("*") if "*" in names else len(names)
    kept = [[n for n in part if n and n not in LEFT_OUT] for part in (names[:star], names[star + 1 :])]
    return kept[0], kept[1]


COMPARED = [
    name
    for name in candle.ops.__all__
    if inspect.isfunction(getattr(candle, name)) and of_torch(name) is not None and documented(name) is not None
]


def test_most_functions_are_compared() -> None:
    """Those without a torch counterpart, or without a signature to read, are few and known."""
    assert len(COMPARED) > 150
    rest = {n for n in candle.ops.__all__ if inspect.isfunction(getattr(candle, n))} - set(COMPARED)
    rest -= {n for n in rest if n.endswith("_copy")}  # each has the parameters of its view
    assert rest <= {
        *(
            "adamw_",
            "rsub",
            "split",
            "tensordot",
            "adjoint",
            "permute",
            "from_numpy",
            "lerp",
            "clamp_max",
            "clamp_min",
            "is_neg",
        )
    }


@pytest.mark.parametrize("name", COMPARED)
def test_parameters(name: str) -> None:
    positional, by_name = parsed(documented(name) or "")
    parameters = inspect.signature(getattr(candle, name)).parameters
    stars = [n for n, p in parameters.items() if p.kind is p.VAR_POSITIONAL]
    mine = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if stars or any(n.startswith("*") for n in positional):
        return  # called in both ways: see test_calls_by_keyword
    assert mine[: len(positional)] == positional
    assert set(by_name) <= parameters.keys()


@pytest.mark.parametrize("name", COMPARED)
def test_defaults(name: str) -> None:
    """A default that PyTorch writes as a number, a truth or a word is ours too."""
    said = dict(re.findall(r"(\w+)\s*(?::\s*\w+\s*)?=\s*(-?[\d.e-]+|True|False|'\w+')", documented(name) or ""))
    parameters = inspect.signature(getattr(candle, name)).parameters
    for parameter, text in said.items():
        if parameter in parameters and parameters[parameter].default not in (inspect.Parameter.empty, None):
            assert parameters[parameter].default == eval(text), parameter


X = torch.arange(6, dtype=torch.float64).reshape(2, 3)
I = torch.tensor([[0, 1, 1], [1, 0, 1]])

# Functions that take shapes and dims either spread out or as one tuple, and other calls with names
CALLS = """
lib.reshape(input=x, shape=(3, 2)); x.reshape(shape=(3, 2)); x.reshape(3, 2); x.reshape((3, 2)); x.reshape([3, 2])
lib.permute(input=x, dims=(1, 0)); x.permute(dims=(1, 0)); x.permute(1, 0); x.view(size=(3, 2)); x.view(3, 2); x.view([6])
x.expand(size=(2, 2, 3)); x.expand(2, 2, 3); x.expand((2, 2, 3)); lib.broadcast_to(input=x, size=(2, 2, 3))
lib.flip(input=x, dims=(0,)); x.flip(dims=(0, 1)); x.flip(0, 1); x.flip([0]); lib.zeros(size=(2, 3)); lib.zeros(2, 3)
lib.ones(size=(2,)); lib.ones([2]); lib.ones((2, 1)); lib.full(size=(2,), fill_value=1.5); lib.empty(size=(0, 2))
lib.zeros_like(input=x); lib.full_like(input=x, fill_value=2); lib.arange(start=1, end=5, step=2); lib.arange(end=3)
lib.arange(3); lib.arange(1, 3); lib.linspace(start=0, end=1, steps=3); lib.eye(n=2, m=3); lib.tensor(data=[1, 2])
x.new_zeros(size=(2,)); x.new_zeros(2, 2); x.new_ones((1, 2)); x.new_full(size=(2,), fill_value=3.0); x.new_tensor(data=[1.0])
lib.sum(input=x, dim=0, keepdim=True); x.sum(axis=0, keepdims=True); x.sum(dim=(0, 1)); x.mean(axis=1); x.sum(0, True)
lib.max(input=x, dim=1).values; x.max(dim=1, keepdim=True)[1]; lib.amax(input=x, dim=(0, 1)); x.argmax(dim=1)
lib.std(input=x, dim=1, unbiased=False); x.var(1, False); x.var(dim=1, correction=0, keepdim=True); x.var(unbiased=False)
lib.cumsum(input=x, dim=1); x.prod(dim=1); x.all(dim=1); x.any(axis=0); x.logsumexp(dim=1, keepdim=True)
lib.transpose(input=x, dim0=0, dim1=1); lib.swapaxes(input=x, axis0=0, axis1=1); x.swapaxes(0, 1); x.swapdims(dim0=0, dim1=1)
lib.movedim(input=x, source=0, destination=1); x.unsqueeze(dim=0); x.squeeze(dim=0); x[None].squeeze(dim=(0,)); x.t()
lib.flatten(input=x, start_dim=0, end_dim=1); x.unflatten(dim=1, sizes=(3, 1)); x.narrow(dim=1, start=0, length=2)
lib.select(input=x, dim=0, index=1); lib.cat(tensors=[x, x], dim=1); lib.cat((x, x), -1); lib.concatenate([x, x], axis=1)
lib.concat(tensors=[x, x]); lib.stack(tensors=(x, x), dim=2); lib.split(x, split_size_or_sections=2, dim=1)[0]
lib.split(tensor=x, split_size_or_sections=1)[1]; x.split(split_size=2, dim=1)[0]; x.chunk(chunks=2, dim=1)[1]
lib.unbind(input=x, dim=1)[0]; lib.tensor_split(x, 2, dim=1)[0]; x.tensor_split([1], dim=1)[0]
lib.gather(input=x, dim=0, index=i); lib.scatter(input=x, dim=0, index=i, src=x); x.scatter(0, i, value=2.0)
lib.scatter_add(input=x, dim=0, index=i, src=x); lib.index_select(input=x, dim=1, index=i[0]); x.masked_fill(mask=x > 2, value=0)
lib.index_add(input=x, dim=0, index=i[0, :2], source=x, alpha=2); lib.take_along_dim(input=x, indices=i, dim=0)
lib.where(condition=x > 1, input=x, other=0.0); lib.masked_select(input=x, mask=x > 2); lib.nonzero(input=x, as_tuple=False)
lib.sort(input=x, dim=1, descending=True).values; lib.argsort(input=x, dim=1, descending=True); lib.topk(input=x, k=2, dim=1)[0]
x.sort(axis=0)[1]; lib.argsort(x, axis=1); lib.max(x, other=x * 2); x.min(other=x * 2); lib.topk(x, 2, largest=False).values; lib.clamp(input=x, min=1, max=3); x.clamp(max=2); x.clip(1, 2)
lib.add(input=x, other=x, alpha=2); lib.sub(x, other=1, alpha=3); lib.mul(input=x, other=2); lib.div(input=x, other=2, rounding_mode="floor")
lib.true_divide(x, 2); lib.pow(input=x, exponent=2); lib.remainder(input=x, other=2); lib.fmod(input=x, other=2)
lib.eq(input=x, other=x); lib.isclose(input=x, other=x, rtol=0.1); lib.allclose(input=x, other=x, atol=1.0); lib.equal(x, other=x)
lib.matmul(input=x, other=x.T); lib.mm(input=x, mat2=x.T); lib.mv(input=x, vec=x[0]); lib.dot(input=x[0], tensor=x[1])
lib.outer(input=x[0], vec2=x[1]); lib.addmm(input=x[:, :2], mat1=x, mat2=x.T, beta=2, alpha=0.5); lib.bmm(input=x[None], mat2=x.T[None])
lib.tensordot(a=x, b=x, dims=([0, 1], [0, 1])); lib.tensordot(x, x.T, dims=1); lib.einsum("ij,kj->ik", [x, x]); lib.einsum(x, [0, 1], x, [..., 2, 1], [2, 0]); lib.einsum(x, [30, 1]); lib.inner(input=x, other=x)
lib.softmax(input=x, dim=1); lib.softmax(x, 1, dtype=lib.float32); x.softmax(dim=-1, dtype=lib.float32); lib.log_softmax(input=x, dim=1)
lib.tril(input=x, diagonal=1); x.triu(diagonal=-1); lib.round(input=x, decimals=1); x.round(decimals=2); lib.relu(input=x)
x.to(lib.float32); x.to(dtype=lib.float32); x.to("cpu"); x.to(device="cpu", dtype=lib.float32); x.to(i); x.type_as(other=i)
lib.clone(input=x); x.masked_fill(x > 2, value=1)
x.repeat(2, 1); x.repeat((2, 1)); x.repeat(repeats=(2, 1)); lib.tile(x, (2,)); x.tile(2, 1); lib.tile(input=x, dims=(2, 1)); x.roll(shifts=1, dims=0)
lib.rot90(x, 1, (1, 0)); lib.rot90(input=x, k=2, dims=[0, 1]); x.diagonal(offset=1, dim1=0, dim2=1); x.unfold(dimension=1, size=2, step=1)
lib.quantile(input=x, q=0.5, dim=1, keepdim=True, interpolation="lower"); lib.median(input=x, dim=1)[0]; x.kthvalue(k=2, dim=1)[0]
lib.unique(input=i, sorted=True, return_inverse=True)[1]; lib.searchsorted(sorted_sequence=x, input=x, side="right"); x.new_empty_strided(size=(0, 1), stride=(1, 1))
lib.bucketize(input=x, boundaries=x[0], right=True); lib.diff(input=x, n=1, dim=0, prepend=x); lib.trapezoid(y=x, dx=0.5, dim=0); x.sum_to_size((1, 3))
lib.scatter_reduce(input=x, dim=0, index=i, src=x, reduce="amax", include_self=False); lib.index_copy(input=x, dim=0, index=i[0, :2], source=x)
lib.meshgrid(x[0], x[1], indexing="xy")[0]; lib.cov(input=x, correction=0); lib.histc(input=x, bins=3, min=0, max=6); lib.cumprod(input=x, dim=1)
lib.logspace(start=0, end=2, steps=3, base=2.0); lib.tril_indices(row=2, col=3, offset=1); lib.std_mean(input=x, dim=1, correction=0)[1]
lib.var_mean(x, unbiased=False)[0]; x.slice_scatter(src=x[:, :1], dim=1, start=1, end=2); lib.nansum(input=x, dim=0); x.take(index=i)
lib.squeeze(input=x); lib.unsqueeze(input=x, dim=-1); lib.adjoint(x); lib.moveaxis(x, 0, 1); lib.numel(input=x); lib.is_tensor(x)
lib.rand(size=(2, 0)); lib.randn(size=(0,)); x.new_empty(size=(0, 1)); lib.stack([x, x], axis=1); lib.tensor_split(x, sections=2)[0]
x.tensor_split(indices=[1], dim=1)[1]; x.clone().swapaxes_(axis0=0, axis1=1); lib.swapdims(x, dim0=0, dim1=1); lib.split(x, 1, dim=1)[2]
lib.dropout(x, p=0.5, train=False); x.element_size(); x.dim(); x.ndimension(); x.nelement(); x.is_floating_point(); x.is_complex(); x[0, 0].permute(dims=()); x[0, 0].T
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in CALLS if each.strip()])
def test_calls_by_keyword(call: str) -> None:
    from ..oracle import assert_same, to_candle

    expected = eval(call, {"lib": torch, "x": X, "i": I})
    assert_same(eval(call, {"lib": candle, "x": to_candle(X), "i": to_candle(I)}), expected)


@pytest.mark.parametrize(
    "call",
    [
        *("lib.zeros(2, size=(2,))", "x.reshape(6, shape=(6,))", "x.permute(1, 0, dims=(1, 0))"),
        *("lib.cat([x, x], axis=0, dim=0)", "lib.sum(x, dim=0, axis=0)", "x.swapaxes(dim0=0, dim1=1)"),
        *("lib.zeros(2.5)", "x.reshape(3, 2.0)", "lib.arange()", "x.expand(size=6)", "x.split(split_sizes=[1, 1])"),
    ],
)
def test_what_pytorch_refuses(call: str) -> None:
    """Twice the same under two names, no integers, other functions' names."""
    from ..oracle import to_candle

    with pytest.raises(TypeError):
        eval(call, {"lib": torch, "x": X})
    with pytest.raises(TypeError):
        eval(call, {"lib": candle, "x": to_candle(X)})


def test_an_error_says_what_was_given_twice() -> None:
    with pytest.raises(TypeError, match=r"zeros: give either \(2,\) or, by keyword, \(3,\), not both"):
        candle.zeros(2, size=(3,))
    with pytest.raises(TypeError, match="sum: axis and dim are the same; give one of them"):
        candle.sum(candle.ones(2), axis=0, dim=0)
    with pytest.raises(TypeError, match=r"reshape: expected a tuple of integers, got \(2\.0,\)"):
        candle.ones(2).reshape(2.0)


FUNCTIONAL = """
lib.gelu(input=x, approximate="tanh"); lib.leaky_relu(input=x, negative_slope=0.2); lib.silu(input=x); lib.softplus(input=x, beta=2)
lib.layer_norm(input=x, normalized_shape=(3,), weight=x[0], bias=x[1], eps=1e-3); lib.rms_norm(input=x, normalized_shape=[3], eps=1e-6)
lib.embedding(input=i, weight=x, padding_idx=1); lib.embedding(i, x, -1); lib.mse_loss(input=x, target=x * 2, reduction="sum")
lib.cross_entropy(input=x, target=i[0, :2], weight=x[0], ignore_index=5, reduction="mean", label_smoothing=0.1)
lib.nll_loss(input=x, target=i[0, :2], reduction="none"); lib.dropout(input=x, p=0.5, training=False); lib.logsigmoid(input=x)
lib.scaled_dot_product_attention(query=x, key=x, value=x, attn_mask=None, dropout_p=0.0, is_causal=True, scale=0.5)
""".replace("\n", ";").split(";")


@pytest.mark.parametrize("call", [each.strip() for each in FUNCTIONAL if each.strip()])
def test_functional_calls_by_keyword(call: str) -> None:
    from ..oracle import assert_same, to_candle

    expected = eval(call, {"lib": torch.nn.functional, "x": X, "i": I})
    assert_same(eval(call, {"lib": candle, "x": to_candle(X), "i": to_candle(I)}), expected)


TRANSFORMS = {
    **dict.fromkeys(candle.func.__all__, (torch.func, candle.func)),
    **{f"functional.{name}": (torch.autograd, candle.autograd) for name in candle.autograd.functional.__all__},
    **dict.fromkeys(("backward", "gradcheck", "gradgradcheck"), (torch.autograd, candle.autograd)),
    "autograd.grad": (torch, candle),
    "Tensor.backward": (torch, candle),
    "Tensor.register_hook": (torch, candle),
}
# Old names, and options for what is private there
OLD = {"grad_variables", "_preallocate_and_copy", "self"}


@pytest.mark.parametrize("path", TRANSFORMS)
def test_transforms(path: str) -> None:
    """Names, order, defaults and what must be named."""
    theirs, mine = TRANSFORMS[path]
    for part in path.split("."):
        theirs, mine = getattr(theirs, part), getattr(mine, part)
    expected = {n: p for n, p in inspect.signature(theirs).parameters.items() if n not in OLD}
    found = inspect.signature(mine).parameters
    assert [n for n in expected if n not in found] == []
    for name, parameter in expected.items():
        if parameter.default is not parameter.empty:
            assert found[name].default == parameter.default, name
    order = [n for n, p in expected.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [n for n in found if n in order] == order
