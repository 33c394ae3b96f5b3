"""Writing in place: the values, the version, the gradient afterwards, and everything that is refused."""

from __future__ import annotations

import operator

import pytest
import torch

import candle
import candle.testing.strict

from .oracle import assert_same, check_both, check_gradients, to_candle

X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], dtype=torch.float64, requires_grad=True)
W = torch.tensor([1.5, 0.3, -0.7], dtype=torch.float64, requires_grad=True)

WRITES = {
    **{
        f"{name}_": lambda lib, y, w, name=name: getattr(y, f"{name}_")()
        for name in """
        abs neg exp sin cos tanh sigmoid square relu floor ceil round trunc sign zero expm1 reciprocal sinh cosh exp2
        """.split()
    },
    **{
        f"{name}_ a tensor": lambda lib, y, w, name=name: getattr(y, f"{name}_")(w)
        for name in "add sub mul div copy".split()
    },
    **{
        f"{name}_ a number": lambda lib, y, w, name=name: getattr(y, f"{name}_")(3)
        for name in "add sub mul div pow fill".split()
    },
    "add_ with alpha": lambda lib, y, w: y.add_(w, alpha=3),
    "sub_ with alpha": lambda lib, y, w: y.sub_(w, alpha=3),
    "itself": lambda lib, y, w: y.add_(y).sub_(y * 0.25),
    "fill_ with a tensor": lambda lib, y, w: y.fill_(w[0]),
    "clamp_": lambda lib, y, w: y.clamp_(-1, 1),
    "clamp_ by tensors": lambda lib, y, w: y.clamp_(w - 1, w + 1),
    "masked_fill_": lambda lib, y, w: y.masked_fill_(y > 0, 3.0),
    "masked_fill_ a tensor": lambda lib, y, w: y.masked_fill_(y > 0, w.sum()),
    "index_add_": lambda lib, y, w: y.index_add_(0, lib.tensor([1, 1, 0]), w.expand(3, 3), alpha=2),
    "index_add_ columns": lambda lib, y, w: y.index_add_(1, lib.tensor([2, 2]), y.detach()[:, :2].clone() * w[0]),
    "scatter_": lambda lib, y, w: y.scatter_(1, lib.tensor([[2, 0], [1, 2]]), w[:2].expand(2, 2)),
    "scatter_ a number": lambda lib, y, w: y.scatter_(1, lib.tensor([[2], [1]]), 5.0),
    "scatter_add_": lambda lib, y, w: y.scatter_add_(0, lib.tensor([[0, 0, 0], [0, 1, 0]]), w.expand(2, 3)),
    "index_put_": lambda lib, y, w: y.index_put_((lib.tensor([0, 1]), lib.tensor([2, 0])), w[:2]),
    "index_put_ accumulating": lambda lib, y, w: y.index_put_((lib.tensor([0, 0, 1]),), w, accumulate=True),
    "index_put_ a mask": lambda lib, y, w: y.index_put_((y > 0,), w[0]),
    "tril_": lambda lib, y, w: y.tril_(),
    "triu_": lambda lib, y, w: y.triu_(1),
    "normal_": lambda lib, y, w: y.normal_().mul_(0),
    "uniform_": lambda lib, y, w: y.uniform_(2, 3).mul_(0),
    "bernoulli_": lambda lib, y, w: y.bernoulli_(0.5).mul_(0),
    "a slice": lambda lib, y, w: operator.setitem(y, (slice(None), slice(1, None)), w[1:]),
    "an integer": lambda lib, y, w: operator.setitem(y, 1, w),
    "an element": lambda lib, y, w: operator.setitem(y, (0, 1), w[1]),
    "a step": lambda lib, y, w: operator.setitem(y, (..., slice(None, None, 2)), w[::2]),
    "a mask": lambda lib, y, w: operator.setitem(y, lib.tensor([[True, False, False], [False, True, True]]), w),
    "a row mask": lambda lib, y, w: operator.setitem(y, lib.tensor([True, False]), w),
    "a list": lambda lib, y, w: operator.setitem(y, [1, 0], w),
    "columns": lambda lib, y, w: operator.setitem(y, (slice(None), [2, 0]), w[:2]),
    "points": lambda lib, y, w: operator.setitem(y, ([0, 1, 1], [0, 1, 2]), w),
    "numbers": lambda lib, y, w: operator.setitem(y, (slice(None), 0), 7),
    "all": lambda lib, y, w: operator.setitem(y, ..., w),
    "with none": lambda lib, y, w: operator.setitem(y, (None, 1), w[None]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_values_and_gradients_after_a_write(write) -> None:
    def program(lib, x, w):
        y = x * 2
        before = y * 1
        write(lib, y, w)
        (y * y + before).sum().backward()
        return y.detach(), y.requires_grad, x.grad, w.grad

    check_both(program, X, W)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_raises_the_version(write) -> None:
    y = to_candle(X, requires_grad=False)
    before = y._version
    with candle.no_grad():
        write(candle, y, to_candle(W))
    assert y._version > before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_leaf_is_written_only_under_no_grad(write) -> None:
    def program(lib, x, w):
        with lib.no_grad():
            write(lib, x, w)
        (x * x).sum().backward()
        return x.detach(), x.is_leaf, x.grad, w.grad

    check_both(program, X, W)
    leaf, w = to_candle(X), to_candle(W)
    with pytest.raises(RuntimeError, match="leaf"):
        write(candle, leaf, w)
    assert_same(leaf.detach(), X.detach())
    assert leaf._version == 0


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_that_brings_the_first_gradient(write) -> None:
    """The target needed none; what is written does, sometimes."""

    def program(lib, x, w):
        y = x.detach().clone()
        write(lib, y, w)
        if y.requires_grad:
            (y * y).sum().backward()
        return y.detach(), y.requires_grad, y.is_leaf, w.grad

    check_both(program, X, W)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_second_derivative_after_a_write(write) -> None:
    def program(lib, x, w):
        y = x * x
        write(lib, y, w)
        (g,) = lib.autograd.grad((y * y + x**3).sum(), [x], create_graph=True)
        return g.detach(), lib.autograd.grad(g.sum(), [x, w], allow_unused=True, materialize_grads=True)

    check_both(program, X, W)


AUGMENTED = [getattr(operator, name) for name in "iadd isub imul itruediv imod ipow".split()]


@pytest.mark.parametrize("assign", AUGMENTED, ids=lambda f: f.__name__)
@pytest.mark.parametrize("value", ["tensor", "number"])
def test_augmented_assignment_writes_in_place(assign, value: str) -> None:
    def program(lib, x, w):
        y = x * x + 1
        z = assign(y, w * w + 1 if value == "tensor" else 2)
        z.sum().backward()
        return z is y, y._version, y.detach(), x.grad, w.grad

    check_both(program, X, W)


def test_augmented_floor_division() -> None:
    def program(lib, x):
        y = x.detach() * 7
        return operator.ifloordiv(y, 2) is y, y, y._version

    check_both(program, X)


@pytest.mark.parametrize("assign", [operator.iand, operator.ior, operator.ixor], ids=lambda f: f.__name__)
def test_augmented_assignment_of_bits(assign) -> None:
    def program(lib, x):
        n, b = x.detach().to(lib.int64), x.detach() > 0
        same = assign(n, 3) is n, assign(b, b.T.T) is b, assign(b, True) is b
        return *same, n, b

    check_both(program, X)


def test_a_tensor_multiplied_by_itself() -> None:
    """PyTorch refuses to go back; the gradient is that of y * y."""

    def gradient(lib, x, w):
        y = x * w
        y = y.mul_(y) if lib is candle else y * y
        y.sum().backward()
        return y.detach(), x.grad, w.grad

    check_both(gradient, X, W)


def test_writes_return_the_tensor_itself() -> None:
    def program(lib, x):
        y = x.detach().clone()
        return [y.add_(1) is y, y.zero_() is y, y.copy_(x) is y, y.fill_(1) is y, y.normal_() is y, y.clamp_(0, 1) is y]

    check_both(program, X)


# --- dtypes and shapes ----------------------------------------------------------------


def test_a_write_keeps_the_dtype() -> None:
    def program(lib, x, w):
        single, small = x.detach().to(lib.float32), lib.tensor([1, 2, 3], dtype=lib.int8)
        results = [single.add_(w.detach()), single.mul_(2), small.add_(300), small.mul_(lib.tensor([100, 1, 1]))]
        results += [lib.zeros(3).copy_(lib.tensor([1, 2, 3])), lib.zeros(3, dtype=lib.int64).copy_(w.detach() * 3)]
        results += [
            lib.zeros(3, dtype=lib.bool).copy_(w.detach()),
            lib.zeros(2, 3).copy_(lib.tensor([True, False, True])),
        ]
        return results

    check_both(program, X, W)


def test_gradients_keep_their_dtypes_through_writes() -> None:
    def program(lib, x, w):
        y = x.to(lib.float32) * 2
        y[0] = w
        y.mul_(w.detach())
        y.double().sum().backward()
        return y.dtype == lib.float32, x.grad, w.grad

    check_both(program, X, W)


def zeros(*shape: int, dtype: object = None) -> candle.Tensor:
    return candle.zeros(*shape, dtype=dtype)


REFUSED = {
    "int += float": (lambda: zeros(3, dtype=candle.int64).add_(1.5), r"add_.*float32.*int64"),
    "int /= int": (lambda: zeros(3, dtype=candle.int64).div_(2), r"div_.*float32.*int64"),
    "bool += int": (lambda: zeros(3, dtype=candle.bool).add_(1), r"add_.*int64.*bool"),
    "float *= complex": (lambda: zeros(3).mul_(1j), r"mul_.*complex64.*float32"),
    "int exp": (lambda: zeros(3, dtype=candle.int64).exp_(), r"exp_.*float32.*int64"),
    "larger": (lambda: zeros(3).add_(zeros(2, 3)), r"add_.*\(2, 3\).*\(3,\)"),
    "larger copy": (lambda: zeros(3).copy_(zeros(2, 3)), r"copy_|overwrite"),
    "other size": (lambda: zeros(3).copy_(zeros(4)), r"(copy_|overwrite).*\(3,\).*\(4,\)"),
    "slice": (lambda: operator.setitem(zeros(2, 3), slice(0, 1), zeros(2)), r"\(2,\)"),
    "mask": (lambda: operator.setitem(zeros(3), candle.tensor([True, True, False]), zeros(3)), r"\(3,\)"),
    "expanded": (lambda: zeros(1).expand(3).add_(1), r"expanded.*\(3,\).*clone"),
    "expanded inside": (lambda: zeros(3, 1).expand(3, 2).exp_(), "expanded"),
    "fill_ a vector": (lambda: zeros(3).fill_(zeros(3)), r"fill_.*\(3,\)"),
    "masked_fill_ a vector": (lambda: zeros(3).masked_fill_(zeros(3) == 0, zeros(3)), r"masked_fill.*\(3,\)"),
}


@pytest.mark.parametrize(("call", "says"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(call, says: str) -> None:
    with pytest.raises(RuntimeError, match=says):
        call()


def test_a_refused_write_changes_nothing() -> None:
    x = zeros(3)
    y = to_candle(W) * 2
    for target in (x, y):
        before = target.tolist()
        with pytest.raises(RuntimeError):
            target.add_(zeros(2, 3))
        with pytest.raises(RuntimeError):
            target.mul_(1j)
        assert target.tolist() == before
        assert target._version == 0
    (y * y).sum().backward()


# --- changing the shape in place --------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.squeeze_(),
        lambda y: y.squeeze_(1),
        lambda y: y.unsqueeze_(0),
        lambda y: y.transpose_(0, 2),
        lambda y: y[0].t_(),
    ],
)
def test_a_shape_changed_in_place_keeps_history_and_memory(change) -> None:
    def program(lib, x, w):
        y = (x * 2).reshape(2, 1, 3)
        z = change(y)
        z.mul_(3)
        (y * y).sum().backward()
        return tuple(y.shape), z.detach(), x.grad

    check_both(program, X, W)


def test_broadcasting_in_place() -> None:
    check_gradients(lambda lib, x, w: (x * 1).add_(w).mul_(w[:1]).sub_(w.sum()), X, W)


@pytest.mark.parametrize("device", ["cpu", "strict", "frozen"])
def test_one_element_of_an_expanded_tensor_can_be_written(device: str) -> None:
    """It has a place of its own, other than all of them together; PyTorch writes through it, too."""
    x, theirs = candle.tensor(-1.5, dtype=candle.float64, device=device), torch.tensor(-1.5, dtype=torch.float64)
    x.expand(2)[0].exp_()
    theirs.expand(2)[0].exp_()
    assert x.item() == pytest.approx(theirs.item(), rel=1e-15)
