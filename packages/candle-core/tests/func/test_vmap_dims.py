"""Which axis of which input is mapped over, and where it goes: in_dims, out_dims, nested containers, chunks."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import pytest
import torch

import candle

from .trees import candles, check

Pair = namedtuple("Pair", "a b")


def counted(*shape: int) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)


X, Y, V, CUBE = counted(2, 3), counted(3, 2) + 5, counted(3) - 1, counted(4, 2, 3)

# label: function(lib), the keywords of vmap, the inputs
IN_DIMS = {
    "default": (lambda lib: lambda x: x.cumsum(0), {}, (X,)),
    "one": (lambda lib: lambda x: x.cumsum(0), {"in_dims": 1}, (X,)),
    "negative": (lambda lib: lambda x: x.cumsum(0), {"in_dims": -1}, (CUBE,)),
    "middle": (lambda lib: lambda x: x.cumsum(0), {"in_dims": 1}, (CUBE,)),
    "tuple": (lambda lib: lambda x, y: x * y + x.sum(), {"in_dims": (0, 1)}, (X, Y)),
    "negative in a tuple": (lambda lib: lambda x, y: x - y, {"in_dims": (-2, -1)}, (X, Y)),
    "none": (lambda lib: lambda x, v: x * v, {"in_dims": (0, None)}, (X, V)),
    "none first": (lambda lib: lambda v, x: v @ x, {"in_dims": (None, 0)}, (V, X)),
    "number": (lambda lib: lambda x, k: x * k, {"in_dims": (0, None)}, (X, 3.0)),
    "no tensor at all": (lambda lib: lambda x, m: x if m is None else m, {"in_dims": (0, None)}, (X, None)),
    "one for a whole container": (lambda lib: lambda p: p[0] * p[1], {"in_dims": 0}, ((X, X + 1),)),
    "prefix of a container": (lambda lib: lambda p, x: p[0] @ p[1] + x, {"in_dims": (1, 0)}, ((Y, Y + 1), X)),
    "none for a container": (lambda lib: lambda p, x: p[0] * p[1] + x, {"in_dims": (None, 0)}, ((V, V + 1), X)),
    "nested": (lambda lib: lambda p, v: p[0] * p[1][0] + v, {"in_dims": ((0, [1]), None)}, ((X, [Y]), V)),
    "dict": (lambda lib: lambda d: d["a"] * d["b"], {"in_dims": ({"a": 0, "b": None},)}, ({"a": X, "b": V},)),
    "whole dict": (lambda lib: lambda d: d["a"] * d["b"].sum(), {"in_dims": 0}, ({"a": X, "b": X[:, 0]},)),
    "dict in a list": (lambda lib: lambda p: p[0]["w"] + p[1], {"in_dims": ([{"w": 1}, None],)}, ([{"w": Y}, V],)),
    "ordered dict": (lambda lib: lambda d: d["b"] - d["a"], {}, (OrderedDict(b=X, a=X * 2),)),
    "named tuple": (lambda lib: lambda p: Pair(p.b, p.a * 2), {}, (Pair(X, X[:, 0]),)),
    "an empty container": (lambda lib: lambda x, nothing: x * 2, {}, (X, ())),
    "one example": (lambda lib: lambda x: x + lib.ones(3, dtype=lib.float64), {}, (X[:1],)),
    "no examples": (lambda lib: lambda x: (x.sum(), x * 2, x[:1]), {}, (X[:0],)),
}


@pytest.mark.parametrize(("function", "options", "inputs"), IN_DIMS.values(), ids=IN_DIMS)
def test_in_dims(function, options, inputs) -> None:
    check(lambda lib, func, *xs: func.vmap(function(lib), **options)(*xs), *inputs)


OUT_DIMS = {
    "one": (lambda lib: lambda x: x * 2, 1),
    "last": (lambda lib: lambda x: x * 2, -1),
    "first from behind": (lambda lib: lambda x: x * 2, -2),
    "one for all": (lambda lib: lambda x: (x, x * 2), 1),
    "each its own": (lambda lib: lambda x: (x, x.sum(), x[:2]), (1, 0, -1)),
    "of what is the same for all": (lambda lib: lambda x: lib.ones(2), 1),
    "several": (lambda lib: lambda x: (x, lib.ones(2)), (1, 1)),
    "list": (lambda lib: lambda x: [x, x * 2], [1, 0]),
    "dict": (lambda lib: lambda x: {"z": x * 2, "a": x.sum()}, {"z": 1, "a": 0}),
    "dict, one for all": (lambda lib: lambda x: {"z": x * 2, "a": x.sum()}, 0),
    "nested": (lambda lib: lambda x: (x, (x * 2, x.sum())), (1, (1, 0))),
    "prefix": (lambda lib: lambda x: (x, (x * 2, x - 1)), (0, 1)),
    "none": (lambda lib: lambda x: lib.ones(2), None),
    "none in a tuple": (lambda lib: lambda x: (x, lib.ones(2)), (0, None)),
    "a tuple for one tensor": (lambda lib: lambda x: x, (1,)),
}


@pytest.mark.parametrize(("function", "out_dims"), OUT_DIMS.values(), ids=OUT_DIMS)
def test_out_dims(function, out_dims) -> None:
    check(lambda lib, func, x: func.vmap(function(lib), out_dims=out_dims)(x), X)


def test_keywords_are_the_same_for_all() -> None:
    """As in PyTorch: only positional arguments are mapped over."""
    check(lambda lib, func, x, k: func.vmap(lambda x, k=None: x * k)(x, k=k), X, V)


def test_a_keyword_number() -> None:
    check(lambda lib, func, x: func.vmap(lambda x, *, scale: x * scale)(x, scale=3), X)


def test_as_a_decorator() -> None:
    def program(lib, func, x):
        @func.vmap
        def double(row):
            """Twice."""
            return row * 2

        return double(x), double.__name__, double.__doc__

    check(program, X)


def test_vmap_is_also_at_the_top() -> None:
    assert candle.vmap is candle.func.vmap


# --- chunks -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("in_dims", "out_dims"), [(0, 0), (1, 1), (-1, (-1, 0)), ((0,), (1, 0))], ids=str)
def test_chunks(chunk_size: int, in_dims, out_dims) -> None:
    def program(lib, func, x):
        return func.vmap(lambda r: (r * 2, r.sum(0)), in_dims, out_dims, chunk_size=chunk_size)(x)

    check(program, CUBE)


def test_chunks_of_several_inputs() -> None:
    def program(lib, func, x, v, d):
        return func.vmap(lambda x, v, d: x * v + d["w"], (1, None, {"w": 0}), chunk_size=2)(x, v, d)

    check(program, Y, V, {"w": X[:, :1]})


def test_chunks_are_really_smaller() -> None:
    sizes = []

    def function(row: candle.Tensor) -> candle.Tensor:
        sizes.append(row.current().value.shape[0])
        return row * 2

    candle.vmap(function, chunk_size=3)(candles(counted(8, 2)))
    assert sizes == [3, 3, 2]


def test_the_gradient_through_chunks() -> None:
    def program(lib, func, x):
        x.requires_grad_()
        func.vmap(lambda r: (r**3).sum(), chunk_size=3)(x).sum().backward()
        return x.grad

    check(program, CUBE)
