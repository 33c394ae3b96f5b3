"""Programs that write in place, of one (3, 4) tensor `x`; what they return has values and gradients to compare."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import candle

T = Any  # a Tensor

PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(function: Callable[[T], Any]) -> Callable[[T], Any]:
    PROGRAMS[function.__name__] = function
    return function


@program
def slice_(x: T) -> Any:
    x[1:].mul_(2)
    return x


@program
def row_then_column(x: T) -> Any:
    row, column = x[1], x[:, 2]
    row.add_(column[:3].sum())
    column.mul_(row[0].clone())
    return x, row, column


@program
def view_of_a_view(x: T) -> Any:
    inner = x.T[1:3][:, ::2]
    inner.exp_()
    return x * 2, inner


@program
def base_after_view(x: T) -> Any:
    seen = x[0]
    x.mul_(3)
    return seen, x


@program
def reshape_shares(x: T) -> Any:
    flat = x.reshape(-1)
    flat[5] = 7.0
    x[0, 0] = flat[5] * 2
    return x, flat


@program
def setitem_of_all_kinds(x: T) -> Any:
    x[0] = 1.5
    x[:, 1] = x[:, 2]
    x[1, ::2] = x[2, 1::2] * 2
    x[..., -1] += 1
    x[None, 2:, :2] = x[:1, :2].detach()
    return x


@program
def by_index(x: T) -> Any:
    x[[2, 0]] = x[[0, 1]] * 3
    x[:, [1, 1]] += 1
    x[x > 1] *= 0.5
    x.index_add_(0, candle.tensor([0, 0, 2], device=x.device), x.detach() * 2)
    return x.masked_fill_(x < -1, 0.25)


@program
def scatter(x: T) -> Any:
    where = candle.tensor([[0, 1], [3, 3], [2, 0]], device=x.device)
    x.scatter_(1, where, x[:, :2] * 2)
    return x.scatter_add_(1, where, x[:, 2:])


@program
def pieces(x: T) -> Any:
    first, second = x.chunk(2, 1)
    first.mul_(second.clone())
    rows = x.unbind(0)
    return x, rows[0] + rows[2]


@program
def shapes_in_between(x: T) -> Any:
    x.unsqueeze(1).squeeze(1).movedim(0, 1)[2].sub_(1)
    x.unflatten(1, (2, 2)).flatten(0, 1)[:, 0].square_()
    return x


@program
def detached_shares(x: T) -> Any:
    quiet = x.detach()
    y = x + 1
    quiet.zero_()
    return x, y


@program
def without_grad(x: T) -> Any:
    with candle.no_grad():
        x[0].fill_(2.0)
        x.T[1].copy_(x[:, 0])
    return x * x


@program
def a_write_before_and_after_use(x: T) -> Any:
    y = x + x[1]
    x.add_(1)
    z = x.exp()
    (z * 1)[0].mul_(2)
    return y, z


@program
def copies_are_apart(x: T) -> Any:
    clone, picked, moved = x.clone(), x[[0, 1]], x.T.contiguous()
    x.zero_()
    return clone, picked, moved, x


@program
def overlapping_self(x: T) -> Any:
    x[1:].add_(x[:-1].clone())
    x.mul_(x)
    return x


@program
def element(x: T) -> Any:
    cell = x[1, 2]
    cell.mul_(5)
    cell += 1
    return x, cell


@program
def layouts(x: T) -> Any:
    """What is a view and what must copy is the same everywhere."""
    turned, copied, same = x.T.reshape(-1), x.T.contiguous(), x.expand(3, 4)
    halves = x[:, :2].reshape(6), x[:2].reshape(8)
    x.mul_(2)
    same.add_(1)
    return x, turned, copied, same, *halves


@program
def truths(x: T) -> Any:
    mask = x > 0
    mask[0], mask.T[1][1:] = True, False
    return x * mask


@program
def integers(x: T) -> Any:
    counts = candle.zeros(4, dtype=candle.int64, device=x.device)
    counts[1:] += 2
    counts[[0, 0, 3]] = candle.tensor([5, 5, 9], device=x.device)
    return x * counts


# Random ones

VECTOR_VIEWS: tuple[Callable[[T], T], ...] = (
    *(lambda t: t[1:], lambda t: t[::2]),
    *(lambda t: t.unsqueeze(0), lambda t: t.detach()),
)
MATRIX_VIEWS: tuple[Callable[[T], T], ...] = (
    *(lambda t: t.T, lambda t: t[0], lambda t: t[:, -1], lambda t: t[:2], lambda t: t[1:, ::2]),
    lambda t: t.reshape(-1),
)
WRITES: tuple[Callable[[T, T, float], T], ...] = (
    *(lambda t, other, number: t.mul_(number), lambda t, other, number: t.add_(other.sum())),
    *(lambda t, other, number: t.sin_(), lambda t, other, number: t.fill_(number)),
    *(lambda t, other, number: t.clamp_(-1, number), lambda t, other, number: t.sub_(t.clone())),
    lambda t, other, number: t.copy_(t * number),
)


def random_program(seed: int) -> Callable[[T], Any]:
    """Twelve views and writes in a row, the same on every device."""

    def run(x: T) -> Any:
        draw, tensors = random.Random(seed), [x]
        for _ in range(12):
            t = draw.choice(tensors)
            if draw.random() < 0.4:
                tensors.append(draw.choice(MATRIX_VIEWS if t.ndim > 1 else VECTOR_VIEWS)(t))
            else:
                draw.choice(WRITES)(t, draw.choice(tensors), draw.uniform(0.5, 1.5))
        return tuple(tensors)

    return run
