"""einsum as diagonals, sums and batched matrix products, two operands at a time."""

from __future__ import annotations

import math
import string
from typing import Any

from candle._tensor import Tensor

Labelled = tuple[Tensor, str]


def contract(equation: Any, *operands: Any) -> Tensor:
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    if isinstance(equation, Tensor):
        equation, *given = _spelled_out(equation, *operands)
    tensors = list(given)
    inputs, output = parse(equation, tensors)
    terms = [take_diagonals(t, labels) for t, labels in zip(tensors, inputs, strict=True)]
    while len(terms) > 1:
        (a, la), (b, lb), *terms = terms
        needed = set(output).union(*(set(labels) for _, labels in terms))
        terms.insert(0, multiply(a, la, b, lb, needed))
    t, labels = sum_out(*terms[0], set(output))
    return t.permute(*(labels.index(c) for c in output)) if labels != output else t


def _spelled_out(*given: Any) -> tuple[Any, ...]:
    """`x, [0, 1], y, [1, 2], [0, 2]` with letters: `"AB,BC->AC", x, y`."""
    letters: dict[Any, str] = dict(enumerate(string.ascii_uppercase + string.ascii_lowercase)) | {...: "..."}
    lists, tensors = given[1::2], given[: len(given) // 2 * 2 : 2]
    output = given[-1] if len(given) % 2 else None
    try:
        spelled = ["".join(letters[i] for i in each) for each in (*lists, output or ())]
    except KeyError:
        raise RuntimeError(f"einsum: indices must lie between 0 and {len(letters) - 2}, got {lists}") from None
    return ",".join(spelled[:-1]) + (f"->{spelled[-1]}" if output is not None else ""), *tensors


def parse(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """Index letters of every operand and of the result, with `...` spelled out."""
    equation = equation.replace(" ", "")
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(tensors):
        raise RuntimeError(f"einsum: {equation!r} names {len(inputs)} operands, but {len(tensors)} were given")
    free = [c for c in string.ascii_letters if c not in equation]
    extras = [
        t.ndim - len(labels.replace("...", "")) for t, labels in zip(tensors, inputs, strict=True) if "..." in labels
    ]
    dots = "".join(free[: max(extras, default=0)])
    full = []
    for t, labels in zip(tensors, inputs, strict=True):
        if "..." in labels:
            extra = t.ndim - len(labels.replace("...", ""))
            labels = labels.replace("...", dots[len(dots) - extra :] if extra > 0 else "")
        if len(labels) != t.ndim:
            raise RuntimeError(
                f"einsum: {labels!r} names {len(labels)} dims, but the operand has shape {tuple(t.shape)}"
            )
        full.append(labels)
    if not arrow:
        counts = "".join(full)
        output = dots + "".join(sorted(c for c in set(counts) - set(dots) if counts.count(c) == 1))
    output = output.replace("...", dots)
    unknown = set(output) - set("".join(full))
    if unknown or len(set(output)) != len(output) or not set(equation) <= set(string.ascii_letters + ".,->"):
        raise RuntimeError(f"einsum: {equation!r} is not an equation for these operands")
    sizes: dict[str, int] = {}
    for t, labels in zip(tensors, full, strict=True):
        for c, size in zip(labels, t.shape, strict=True):
            if sizes.setdefault(c, size) != size and 1 not in (size, sizes[c]):
                shapes = ", ".join(str(tuple(each.shape)) for each in tensors)
                raise RuntimeError(f"einsum: {equation!r} of {shapes}: {c!r} has sizes {sizes[c]} and {size}")
            sizes[c] = max(sizes[c], size) if size != 0 else 0
    return full, output


def take_diagonals(t: Tensor, labels: str) -> Labelled:
    """A letter that an operand repeats means its diagonal."""
    from candle.ops.creation import arange

    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            i, j = labels.index(c), labels.rindex(c)
            n = t.shape[i]
            t = t.movedim((i, j), (0, 1)).reshape(n * n, *(s for k, s in enumerate(t.shape) if k not in (i, j)))
            t = t.index_select(0, arange(n, device=t.device) * (n + 1))
            labels = c + "".join(x for k, x in enumerate(labels) if k not in (i, j))
    return t, labels


def sum_out(t: Tensor, labels: str, needed: set[str]) -> Labelled:
    gone = [i for i, c in enumerate(labels) if c not in needed]
    return (t.sum(gone), "".join(c for c in labels if c in needed)) if gone else (t, labels)


def multiply(a: Tensor, la: str, b: Tensor, lb: str, needed: set[str]) -> Labelled:
    """One pair: letters in both and needed later are a batch, in both and not needed are summed."""
    from candle.ops.conversion import result_type

    a, la = sum_out(a, la, needed | set(lb))
    b, lb = sum_out(b, lb, needed | set(la))
    batch = [c for c in la if c in lb and c in needed]
    inner = [c for c in la if c in lb and c not in needed]
    left, right = [c for c in la if c not in lb], [c for c in lb if c not in la]
    sizes = {c: max(sa, sb) if 0 not in (sa, sb) else 0 for c, sa, sb in _pairs(a, la, b, lb)}
    if not inner and a.dtype is not b.dtype:
        a, b = a.to(result_type(a, b)), b.to(result_type(a, b))
    x = _grouped(a, la, sizes, batch, left, inner)
    y = _grouped(b, lb, sizes, batch, inner, right)
    out = (x @ y).reshape([sizes[c] for c in (*batch, *left, *right)])
    return out, "".join((*batch, *left, *right))


def _pairs(a: Tensor, la: str, b: Tensor, lb: str) -> list[tuple[str, int, int]]:
    sa, sb = dict(zip(la, a.shape, strict=True)), dict(zip(lb, b.shape, strict=True))
    return [(c, sa.get(c, sb.get(c, 1)), sb.get(c, sa.get(c, 1))) for c in {**sa, **sb}]


def _grouped(t: Tensor, labels: str, sizes: dict[str, int], *groups: list[str]) -> Tensor:
    """The tensor with its letters in groups, each group one dim."""
    order = [c for group in groups for c in group]
    t = t.permute(*(labels.index(c) for c in order)).broadcast_to([sizes[c] for c in order])
    return t.reshape([math.prod(sizes[c] for c in group) for group in groups])
