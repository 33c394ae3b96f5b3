"""Which results share memory with what they were made from: exactly those that do in PyTorch.

An op that quietly returned its input's memory would let a write into the result change the input,
unseen by versions and histories.
"""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
import torch

import candle

from .oracle import to_candle

REAL = torch.tensor([[0.25, -0.5, 0.75], [1.0, 0.125, -0.25]], dtype=torch.float64)
INPUTS = {
    "float64": REAL,
    "transposed": REAL.T,
    "square": REAL[:, :2],
    "column": REAL[:, :1],
    "row": REAL[0],
    "number": REAL[0, 0],
    "empty": REAL[:0],
    "int64": (REAL * 8).to(torch.int64),
    "bool": REAL > 0,
    "complex128": torch.complex(REAL, -REAL),
}

CALLS = {
    **{
        f"{name}()": lambda lib, x, name=name: getattr(x, name)()
        for name in """
        abs neg positive sign square reciprocal sqrt exp sin tanh sigmoid relu floor ceil round trunc conj clone
        contiguous detach t flatten squeeze logical_not bitwise_not isnan sum prod mean amax any all
        double float long bool cpu cdouble cumsum softmax sort argsort nonzero unbind conj_physical resolve_conj
        resolve_neg adjoint ravel""".split()
    },
    **{name: lambda lib, x, name=name: getattr(x, name) for name in "T mT real imag data H mH".split()},
    "flip": lambda lib, x: x.flip(0),
    "flip of nothing": lambda lib, x: x.flip(()),
    "fliplr": lambda lib, x: lib.fliplr(x),
    "roll": lambda lib, x: x.roll(1, 0),
    "roll by 0": lambda lib, x: x.roll(0, 0),
    "rot90": lambda lib, x: lib.rot90(x, 0),
    "tril": lambda lib, x: x.tril(10),
    "triu": lambda lib, x: x.triu(-10),
    "diag": lambda lib, x: lib.diag(x),
    "diagonal": lambda lib, x: x.diagonal(),
    "clamp": lambda lib, x: x.clamp(-100, 100),
    "clamp from below": lambda lib, x: x.clamp(min=-100),
    "maximum": lambda lib, x: x.maximum(x),
    "where": lambda lib, x: lib.where(x == x, x, x),
    "masked_fill": lambda lib, x: x.masked_fill(x != x, 0),
    "add 0": lambda lib, x: x + 0,
    "mul 1": lambda lib, x: x * 1,
    "div 1": lambda lib, x: x / 1,
    "pow 1": lambda lib, x: x**1,
    "unary plus": lambda lib, x: +x,
    "round to 3": lambda lib, x: x.round(decimals=3),
    "sum of no dims": lambda lib, x: x.unsqueeze(0).sum(0),
    "amax over a dim of 1": lambda lib, x: x.unsqueeze(0).amax(0),
    "max over a dim of 1": lambda lib, x: x.unsqueeze(0).max(0)[0],
    "cumsum over a dim of 1": lambda lib, x: x.unsqueeze(0).cumsum(0),
    "sort": lambda lib, x: x.sort(0, descending=True)[0],
    "topk": lambda lib, x: x.topk(1, 0)[0],
    "cat": lambda lib, x: lib.cat([x]),
    "stack": lambda lib, x: lib.stack([x]),
    "index": lambda lib, x: x[[0]],
    "mask": lambda lib, x: x[x == x],
    "slice": lambda lib, x: x[:],
    "dots": lambda lib, x: x[...],
    "none": lambda lib, x: x[None],
    "gather": lambda lib, x: x.gather(0, lib.zeros(x.shape, dtype=lib.int64)),
    "index_select": lambda lib, x: x.index_select(0, lib.tensor([0])),
    "scatter": lambda lib, x: x.scatter(0, lib.zeros(x.shape, dtype=lib.int64), x),
    "index_add": lambda lib, x: x.index_add(0, lib.tensor([0]), x[:1]),
    "expand": lambda lib, x: x.expand(x.shape),
    "broadcast_to": lambda lib, x: lib.broadcast_to(x, (2, *x.shape)),
    "reshape": lambda lib, x: x.reshape(-1),
    "reshape to itself": lambda lib, x: x.reshape(x.shape),
    "view_as": lambda lib, x: x.view_as(x),
    "unflatten": lambda lib, x: x.unflatten(0, (1, -1)),
    "swapaxes": lambda lib, x: x.swapaxes(0, -1),
    "permute": lambda lib, x: x.permute(*range(x.ndim)),
    "movedim": lambda lib, x: x.movedim(0, -1),
    "split": lambda lib, x: x.split(1)[0],
    "chunk": lambda lib, x: x.chunk(1)[0],
    "tensor_split": lambda lib, x: x.tensor_split(1)[0],
    "squeeze 0": lambda lib, x: x.squeeze(0),
    "unsqueeze": lambda lib, x: x.unsqueeze(0),
    "narrow": lambda lib, x: x.narrow(0, 0, 1),
    "select": lambda lib, x: x.select(0, 0),
    "einsum": lambda lib, x: lib.einsum("...->...", x),
    "einsum transposed": lambda lib, x: lib.einsum("ij->ji", x),
    "matmul": lambda lib, x: x @ x.mT,
    "dropout": lambda lib, x: lib.dropout(x, 0.0, True),
    "to": lambda lib, x: x.to(lib.float64),
    "to with copy": lambda lib, x: x.to(x.dtype, copy=True),
    "type_as": lambda lib, x: x.type_as(x),
    "as_tensor": lambda lib, x: lib.as_tensor(x),
    "asarray": lambda lib, x: lib.asarray(x),
    "Tensor.new_tensor": lambda lib, x: x.new_tensor(x.tolist()),
    "broadcast_tensors": lambda lib, x: lib.broadcast_tensors(x, x)[0],
    "meshgrid": lambda lib, x: lib.meshgrid(x, x, indexing="ij")[0],
    "unfold": lambda lib, x: x.unfold(0, 1, 1),
    "atleast_2d": lambda lib, x: lib.atleast_2d(x),
    "nan_to_num": lambda lib, x: x.nan_to_num(),
    "repeat": lambda lib, x: x.repeat(*[1] * x.ndim),
    "tile": lambda lib, x: x.tile((1,)),
    "repeat_interleave": lambda lib, x: x.repeat_interleave(1, 0),
    "take_along_dim": lambda lib, x: x.take_along_dim(lib.zeros(x.shape, dtype=lib.int64), 0),
    "view_as_real": lambda lib, x: lib.view_as_real(x),
    "layer_norm": lambda lib, x: (
        lib.nn.functional.layer_norm(x, x.shape[-1:]) if lib is torch else lib.ops.layer_norm(x, x.shape[-1:])
    ),
}


def test_the_table_covers_every_view_op() -> None:
    """A new view method of candle must get a line above."""
    covered = "".join(inspect.getsource(each) for each in CALLS.values()) + " ".join(CALLS)
    known = (
        "narrow select squeeze unsqueeze transpose permute movedim expand reshape view_as flatten unflatten t".split()
    )
    assert [name for name in known if name not in covered and name not in {"transpose"}] == []


# PyTorch conjugates when the values are read; candle makes a conjugated copy.
LAZY = [(name, "complex128") for name in ("conj()", "adjoint()", "H", "mH")]
DEPRECATED = [("mT", "number"), ("mH", "number"), ("H", "number"), ("adjoint()", "number")]
CASES = [(name, kind) for name in CALLS for kind in INPUTS if (name, kind) not in LAZY + DEPRECATED]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_results_share_memory_as_in_torch(name: str, kind: str) -> None:
    theirs = INPUTS[kind].clone(memory_format=torch.preserve_format)
    try:
        expected = CALLS[name](torch, theirs)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return  # PyTorch has no such call for this kind of input
    mine = transposed_as(to_candle(theirs), theirs)
    try:
        got = CALLS[name](candle, mine)
    except (AttributeError, NotImplementedError) as error:
        if not re.search(r"has no attribute|not supported", str(error)):
            raise
        pytest.xfail("not in candle yet")
    for m, e in zip(as_list(got), as_list(expected), strict=True):
        shares = e.untyped_storage().data_ptr() == theirs.untyped_storage().data_ptr() and e.numel() > 0
        assert np.shares_memory(m.detach().numpy(), mine.detach().numpy()) == shares
        if shares and e.stride() == torch.empty(e.shape).stride():  # else several elements may be in one place
            before = mine._version
            m.detach().fill_(1)
            assert mine._version == before + 1  # somebody who saved the input will know


def transposed_as(mine: candle.Tensor, theirs: torch.Tensor) -> candle.Tensor:
    """The same layout, too."""
    return mine if theirs.is_contiguous() else mine.T.clone().T if theirs.T.is_contiguous() else mine


def as_list(result: object) -> list:
    return list(result) if isinstance(result, tuple | list) else [result]
