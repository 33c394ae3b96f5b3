"""Error messages are part of the interface: the operation, what it was given, and what to do."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import candle


def zeros(*shape: int, dtype: candle.dtype | None = None) -> candle.Tensor:
    return candle.zeros(*shape, dtype=dtype)


I64 = candle.int64

# name: (call, type, regex): the operation, the shapes or dtypes, and where there is one, the way out
CALLS = {
    "add": (lambda: zeros(2, 3) + zeros(4), RuntimeError, r"add.*\(2, 3\) float32.*\(4,\) float32.*broadcast"),
    "mul": (lambda: zeros(2, 3) * zeros(3, 2), RuntimeError, r"mul.*\(2, 3\).*\(3, 2\)"),
    "compare": (lambda: zeros(2) < zeros(3), RuntimeError, r"lt.*\(2,\).*\(3,\)"),
    "where": (lambda: candle.where(zeros(2) > 0, zeros(3), 0.0), RuntimeError, r"where.*\(2,\).*\(3,\)"),
    "where with numbers": (lambda: candle.where(zeros(2), 1.0, 0.0), RuntimeError, r"where.*bool.*float32"),
    "matmul": (lambda: zeros(3, 4) @ zeros(5, 6), RuntimeError, r"matmul.*\(3, 4\) @ \(5, 6\).*4.*5"),
    "matmul batches": (lambda: zeros(2, 3, 4) @ zeros(3, 4, 5), RuntimeError, r"matmul.*\(2, 3, 4\).*\(3, 4, 5\)"),
    "matmul of a number": (lambda: zeros(3, 4) @ candle.tensor(1.0), RuntimeError, r"matmul.*\(3, 4\).*\(\)"),
    "matmul dtypes": (
        lambda: zeros(2, 2) @ zeros(2, 2, dtype=candle.float64),
        RuntimeError,
        r"matmul.*float32.*float64",
    ),
    "mm": (lambda: candle.mm(zeros(2), zeros(2, 2)), RuntimeError, r"mm.*\(2,\)"),
    "bmm": (lambda: candle.bmm(zeros(1, 2, 3), zeros(2, 3, 4)), RuntimeError, r"bmm.*\(1, 2, 3\).*\(2, 3, 4\)"),
    "dot with a number": (lambda: candle.dot(zeros(2), 2), TypeError, r"dot: tensor must be a Tensor, got int"),
    "mm with nothing": (lambda: candle.mm(zeros(2, 2), None), TypeError, r"mm: mat2 must be a Tensor, got NoneType"),
    "cdist": (lambda: candle.cdist(zeros(2, 2), 0), TypeError, r"cdist: x2 must be a Tensor, got int"),
    "logical_and": (lambda: (zeros(2) > 0).logical_and(2), TypeError, r"logical_and: other must be a Tensor, got int"),
    "graph of a number": (lambda: candle.graph(3), TypeError, r"graph: t must be a Tensor, got int"),
    "a power of nothing": (lambda: zeros(2) ** None, TypeError, r"expected a Tensor or a number, got NoneType"),
    "cat of a tensor": (
        lambda: candle.cat(zeros(2), zeros(2)),
        TypeError,
        r"cat: expected a list.*Tensor; write cat\(",
    ),
    "stack of a number": (lambda: candle.stack(3), TypeError, r"stack: expected a list of tensors, got int"),
    "stack with nothing": (lambda: candle.stack([zeros(2), None]), TypeError, r"stack: .*element 1 is a NoneType"),
    "tensor of nothing": (lambda: candle.tensor(None), TypeError, r"tensor: expected numbers, got NoneType"),
    "tensor with a gap": (lambda: candle.tensor([[1.0], None]), TypeError, r"tensor: expected numbers, got NoneType"),
    "too large a number": (
        lambda: candle.tensor([1]) + 2**70,
        RuntimeError,
        r"1180591620717411303424 .*int64.*overflow",
    ),
    "einsum indices": (lambda: candle.einsum(zeros(2), [60]), RuntimeError, r"einsum: indices .*51.*60"),
    "masked_scatter": (
        lambda: zeros(3).masked_scatter(zeros(3) == 0, zeros(2)),
        IndexError,
        r"masked_scatter: the source has 2 elements",
    ),
    "dot": (lambda: candle.dot(zeros(2), zeros(3)), RuntimeError, r"dot.*\(2,\).*\(3,\)|dot.*2.*3"),
    "einsum": (lambda: candle.einsum("ij,jk", zeros(2, 3), zeros(4, 5)), RuntimeError, r"einsum.*j.*3.*4"),
    "einsum letters": (lambda: candle.einsum("ij", zeros(2)), RuntimeError, r"einsum.*ij.*\(2,\)|einsum.*ij.*1"),
    "reshape": (lambda: zeros(2, 3).reshape(4, 2), RuntimeError, r"reshape.*\(4, 2\).*8.*6"),
    "reshape -1": (lambda: zeros(2, 3).reshape(4, -1), RuntimeError, r"reshape.*\(4, -1\).*6"),
    "two -1": (lambda: zeros(2, 3).reshape(-1, -1), RuntimeError, r"reshape.*\(-1, -1\).*one"),
    "view": (lambda: zeros(2, 3).T.view(-1), RuntimeError, r"view.*\(6,\).*\(3, 2\).*reshape"),
    "permute": (lambda: zeros(2, 3).permute(0, 0), RuntimeError, r"permute.*\(0, 0\).*\(2, 3\)"),
    "transpose": (lambda: zeros(2, 3).transpose(0, 2), IndexError, r"dim.*2.*-2 to 1|transpose.*2"),
    "expand": (lambda: zeros(2, 3).expand(2, 4), RuntimeError, r"expand.*\(2, 3\).*\(2, 4\)"),
    "expand fewer": (lambda: zeros(2, 3).expand(3), RuntimeError, r"expand.*\(3,\).*\(2, 3\)"),
    "squeeze": (lambda: zeros(2).squeeze(3), IndexError, r"3.*-1 to 0"),
    "unsqueeze": (lambda: zeros(2).unsqueeze(3), IndexError, r"3.*-2 to 1"),
    "narrow": (lambda: zeros(4).narrow(0, 3, 2), RuntimeError, r"narrow.*3.*2.*\(4,\)"),
    "select": (lambda: zeros(2, 3).select(1, 3), IndexError, r"select.*3.*1.*\(2, 3\)"),
    "sum": (lambda: zeros(2, 3).sum(2), IndexError, r"2.*-2 to 1"),
    "sum twice": (lambda: zeros(2, 3).sum((0, 0)), RuntimeError, r"twice.*\(0, 0\)"),
    "mean of integers": (lambda: zeros(2, dtype=I64).mean(), RuntimeError, r"mean.*int64"),
    "max of nothing": (lambda: zeros(0).max(), RuntimeError, r"max.*(\(0,\)|empty|no elements)"),
    "argmax of nothing": (lambda: zeros(2, 0).argmax(1), (RuntimeError, IndexError), r"argmax.*(\(2, 0\)|0)"),
    "softmax": (lambda: zeros(2).softmax(1), IndexError, r"1.*-1 to 0"),
    "topk": (lambda: zeros(3).topk(4), RuntimeError, r"topk.*4.*3"),
    "cat": (lambda: candle.cat([zeros(2, 3), zeros(2, 4)]), RuntimeError, r"cat.*\(2, 3\).*\(2, 4\)"),
    "cat ndims": (lambda: candle.cat([zeros(2, 3), zeros(2)]), RuntimeError, r"cat.*\(2, 3\).*\(2,\)"),
    "cat ndims beside dim": (
        lambda: candle.cat([zeros(2, 3), zeros(2)], 1),
        RuntimeError,
        r"cat: sizes.*dim 1: \(2, 3\).*\(2,\)",
    ),
    "cat of nothing": (lambda: candle.cat([]), (RuntimeError, ValueError), r"cat.*(empty|no tensors|at least one)"),
    "cat of numbers": (lambda: candle.cat([zeros(2), 1.0]), TypeError, r"cat.*float"),
    "stack": (lambda: candle.stack([zeros(2), zeros(3)]), RuntimeError, r"stack.*\(2,\).*\(3,\)"),
    "split": (lambda: zeros(4).split([1, 2]), RuntimeError, r"split.*\[1, 2\].*4|split.*\(1, 2\).*4|split.*3.*4"),
    "chunk": (lambda: zeros(4).chunk(0), RuntimeError, r"chunk.*0"),
    "unbind": (lambda: candle.tensor(1.0).unbind(), (RuntimeError, IndexError), r"unbind|dim"),
    "gather": (lambda: zeros(2, 3).gather(1, zeros(2, 2)), RuntimeError, r"gather.*int64.*float32"),
    "gather bounds": (
        lambda: zeros(2, 3).gather(1, candle.tensor([[3]])),
        (IndexError, RuntimeError),
        r"gather.*out of bounds.*1.*3",
    ),
    "gather ndims": (
        lambda: zeros(2, 3).gather(1, candle.tensor([0])),
        RuntimeError,
        r"gather.*(\(2, 3\).*\(1,\)|\(1,\).*\(2, 3\))",
    ),
    "scatter": (
        lambda: zeros(2, 3).scatter(0, candle.tensor([[5]]), 1.0),
        (IndexError, RuntimeError),
        r"scatter.*out of bounds.*0.*2",
    ),
    "index_select": (
        lambda: zeros(2, 3).index_select(0, candle.tensor([2])),
        IndexError,
        r"index_select.*out of bounds.*0.*2",
    ),
    "index_add": (
        lambda: zeros(2, 3).index_add(0, candle.tensor([0]), zeros(2, 3)),
        RuntimeError,
        r"index_add.*\(2, 3\).*\(1, 3\)",
    ),
    "embedding": (lambda: candle.embedding(candle.tensor([7]), zeros(5, 2)), IndexError, r"embedding.*(7|out of).*5"),
    "embedding of floats": (lambda: candle.embedding(zeros(2), zeros(5, 2)), RuntimeError, r"embedding.*int.*float32"),
    "masked_fill": (lambda: zeros(2).masked_fill(zeros(2), 1.0), RuntimeError, r"masked_fill.*bool.*float32"),
    "masked_select": (lambda: zeros(2).masked_select(zeros(3) > 0), RuntimeError, r"\(2,\).*\(3,\)"),
    "bits of floats": (lambda: zeros(2) & zeros(2), (RuntimeError, TypeError), r"and.*float32"),
    "bool minus": (
        lambda: (zeros(2) > 0) - (zeros(2) > 0),
        (RuntimeError, TypeError),
        r"(sub|negat).*bool.*(logical|xor|\^|bitwise)",
    ),
    "minus bool": (lambda: -(zeros(2) > 0), (RuntimeError, TypeError), r"neg.*bool"),
    "integer to a negative power": (lambda: candle.tensor([2]) ** -1, RuntimeError, r"pow.*negative"),
    "integer by zero": (lambda: candle.tensor([2]) // 0, (RuntimeError, ZeroDivisionError), r"(?i)zero"),
    "compare complex": (lambda: zeros(2, dtype=candle.complex64) < 1, RuntimeError, r"lt.*complex"),
    "floor of complex": (lambda: zeros(2, dtype=candle.complex64).floor(), RuntimeError, r"floor.*complex64"),
    "a dim": (lambda: zeros(2, 3).sum(2), IndexError, r"sum: dim 2 .*2 dimensions"),
    "a dim of a helper": (lambda: zeros(2, 3).argmax(2), IndexError, r"argmax: dim 2 "),
    "two dims": (lambda: zeros(2, 3).transpose(0, -3), IndexError, r"transpose: dim -3 "),
    "the same dim twice": (lambda: zeros(2, 3).sum((0, -2)), RuntimeError, r"sum: a dim appears twice in \(0, -2\)"),
    "no dim": (lambda: zeros(2).sum("a"), TypeError, r"sum: dim must be an integer, got 'a'"),
    "half a dim": (lambda: zeros(2).mean(1.5), TypeError, r"mean: dim must be an integer, got 1.5"),
    "an index": (lambda: zeros(2)[candle.tensor([0, 5])], IndexError, r"index 5 .*dimension 0 with size 2"),
    "no mask": (lambda: zeros(2).masked_fill([True], 1), TypeError, r"masked_fill: mask .*list"),
    "no index": (lambda: zeros(2).gather(0, [1]), TypeError, r"gather: index .*list"),
    "no condition": (lambda: candle.where([True], 1, 2), TypeError, r"where: condition .*list"),
    "bool minus bool": (lambda: (zeros(2) > 0) - (zeros(2) > 0), RuntimeError, r"sub: not for bool.*\^"),
    "one minus bool": (lambda: 1 - (zeros(2) > 0), RuntimeError, r"sub: not for bool.*~"),
    "nothing recorded": (lambda: zeros(2).sum().backward(), RuntimeError, r"backward.*requires_grad_\(\)"),
    "a complex loss": (
        lambda: candle.tensor(1j, requires_grad=True).backward(),
        RuntimeError,
        r"backward.*complex64.*\.real",
    ),
    "a number for a gradient": (
        lambda: zeros(2).requires_grad_().sum().backward(3.0),
        TypeError,
        r"backward: .*Tensor or None, got float",
    ),
    "grad by nothing": (
        lambda: candle.autograd.grad(zeros(2).requires_grad_().sum(), []),
        RuntimeError,
        r"grad.*empty",
    ),
    "a view of a leaf": (lambda: zeros(2).requires_grad_()[0].fill_(1), RuntimeError, r"fill_: .*leaf.*no_grad\(\)"),
    "a list": (lambda: zeros(2).add([1, 2]), TypeError, r"add.*list"),
    "none": (lambda: zeros(2) * None, TypeError, r"mul.*None"),
    "text": (lambda: zeros(2) + "1", TypeError, r"add.*str|unsupported operand.*str"),
    "layer_norm": (lambda: candle.ops.layer_norm(zeros(2, 3), (4,)), RuntimeError, r"layer_norm.*\(2, 3\).*\(4,\)"),
    "cross_entropy": (
        lambda: candle.ops.cross_entropy(zeros(2, 3), candle.tensor([0, 1, 2])),
        (RuntimeError, ValueError),
        r"cross_entropy.*\(2, 3\).*\(3,\)|cross_entropy.*2.*3",
    ),
    "cross_entropy classes": (
        lambda: candle.ops.cross_entropy(zeros(2, 3), candle.tensor([0, 3])),
        (IndexError, RuntimeError),
        r"(cross_entropy|nll_loss).*3",
    ),
    "device": (lambda: zeros(2).to("tpu"), RuntimeError, r"tpu.*cpu"),
    "device when made": (lambda: candle.zeros(2, device="nowhere"), RuntimeError, r"nowhere.*cpu"),
    "negative size": (lambda: zeros(-1), RuntimeError, r"(zeros|full|size).*-1"),
    "arange": (lambda: candle.arange(0, 5, 0), RuntimeError, r"arange.*(step|zero|0)"),
    "arange the wrong way": (lambda: candle.arange(5, 0), RuntimeError, r"arange.*5.*0"),
    "linspace": (lambda: candle.linspace(0, 1, -1), RuntimeError, r"linspace.*-1"),
    "dtype": (lambda: candle.zeros(2, dtype="float32"), TypeError, r"dtype.*float32"),
    "tril": (lambda: zeros(2).tril(), RuntimeError, r"tril.*2 dims.*\(2,\)"),
    "t": (lambda: zeros(2, 3, 4).t(), RuntimeError, r"t:.*2 dims.*\(2, 3, 4\)"),
    "an attribute": (lambda: zeros(2).shpae, AttributeError, r"shpae"),
    "a name": (lambda: candle.zeroes, AttributeError, r"candle.*zeroes"),
    "a misspelt option": (lambda: zeros(2, 3).sum(keep_dim=True), TypeError, r"keep_dim"),
}


@pytest.mark.parametrize(("call", "kind", "says"), CALLS.values(), ids=CALLS)
def test_the_message_names_operation_arguments_and_fix(call, kind, says: str) -> None:
    with pytest.raises(kind, match=f"(?s){says}"):
        call()


@pytest.mark.parametrize(("call", "kind", "says"), CALLS.values(), ids=CALLS)
def test_an_error_leaves_no_trace(call, kind, says: str) -> None:
    """Afterwards the library works as before, and nothing is still switched on."""
    with pytest.raises(kind):
        call()
    x = candle.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    assert candle.is_grad_enabled()


def test_gradients_of_wrong_shapes_come_with_the_node_they_arrived_at() -> None:
    class Wrong(candle.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad + candle.zeros(5)

    with pytest.raises(RuntimeError, match=r"add.*\(2,\).*\(5,\)") as caught:
        Wrong.apply(candle.ones(2, requires_grad=True)).sum().backward()
    assert any("WrongBackward" in note for note in caught.value.__notes__)


def test_devices_do_not_mix_quietly() -> None:
    import candle.testing.strict

    here, there = candle.ones(2), candle.ones(2, device="strict")
    with pytest.raises(RuntimeError, match=r"add.*x on cpu.*y on strict.*\.to\("):
        here + there
    assert (there + candle.tensor(1.0)).tolist() == [2.0, 2.0]  # a number follows
    assert (there.cpu() + here).tolist() == [2.0, 2.0]
    with pytest.raises(TypeError, match=r"numpy.*strict.*cpu\(\)"):
        there.numpy()


def test_a_sibling_that_is_not_installed_is_named_with_its_distribution() -> None:
    missing = [name for name in ("numba", "nn", "optim", "datasets", "nlp", "models") if not installed(name)]
    for name in missing:
        with pytest.raises(AttributeError, match=rf"candle\.{name}.*candle-\w+.*install"):
            getattr(candle, name)


def test_utils_data_is_imported_on_first_use_or_named_with_its_distribution() -> None:
    code = """
import sys, candle
print("candle.utils.data" in sys.modules)
try:
    print(candle.utils.data.__name__)
except AttributeError as error:
    print(error)
"""
    missing = "import sys; sys.modules['candle.utils.data'] = None\n"  # as if it were not installed
    named = r"candle\.utils\.data is part of the distribution candle-data.*install"
    assert re.match(rf"False\n({named}|candle\.utils\.data\n)", _printed(code))
    assert re.match(rf"True\n{named}", _printed(missing + code))
    with pytest.raises(AttributeError, match="no attribute 'dada'"):
        _ = candle.utils.dada


def _printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(f"candle.{name}") is not None
