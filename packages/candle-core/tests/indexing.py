"""Random index expressions, as source text that both libraries read alike."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SHAPES = [(3,), (4, 3), (2, 3, 4), (2, 1, 3), (2, 3, 2, 3), (1,), (5, 1)]


@st.composite
def shapes(draw: Any) -> tuple[int, ...]:
    return draw(st.sampled_from(SHAPES))


@st.composite
def slices(draw: Any, size: int) -> str:
    bound = st.one_of(st.none(), st.integers(-size - 1, size + 1))
    start, stop = draw(bound), draw(bound)
    step = draw(st.sampled_from([None, None, 1, 2, 3]))
    return f"{'' if start is None else start}:{'' if stop is None else stop}{'' if step is None else f':{step}'}"


def numbers(low: int, high: int, shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Nested lists of integers."""
    if not shape:
        return st.integers(low, high)
    return st.lists(numbers(low, high, shape[1:]), min_size=shape[0], max_size=shape[0])


def booleans(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    if not shape:
        return st.booleans()
    return st.lists(booleans(shape[1:]), min_size=shape[0], max_size=shape[0])


@st.composite
def keys(draw: Any, shape: tuple[int, ...], repeats: bool = True) -> str:
    """What stands between the brackets: integers, slices, None, ..., masks, integer tensors and lists.

    Integer arrays of one key broadcast: they are all of one shape, or of one element. Without `repeats`
    there is at most one array and its values differ, so that writing has one meaning.
    """
    items: list[str] = []
    dims = list(shape)
    arrays_left = 3 if repeats else 1
    array_shape = draw(st.sampled_from([(1,), (2,), (3,), (2, 2), ()] if repeats else [(1,), (2,)]))
    if not array_shape:
        arrays_left = 1  # next to other arrays PyTorch counts a 0-d tensor as an integer, not as an array
    used_dots = False
    while dims and len(items) < 6 and draw(st.integers(0, 5)):
        kind = draw(
            st.sampled_from(["integer", "slice", "slice", "none", "dots", "array", "array", "list", "mask", "bool"])
        )
        size = dims[0]
        if kind == "none":
            items.append("None")
        elif kind == "dots":
            if not used_dots:
                used_dots = True
                items.append("...")
                dims = dims[draw(st.integers(0, len(dims))) :]
        elif kind == "bool":
            if arrays_left and array_shape and repeats and draw(st.integers(0, 3)) == 0:
                items.append(draw(st.sampled_from(["True", "lib.tensor(True)", "lib.tensor(False)"])))
        elif kind == "integer":
            items.append(str(draw(st.integers(-size, size - 1))))
            dims.pop(0)
        elif kind == "slice" or not arrays_left or (kind == "mask" and not array_shape):
            items.append(draw(slices(size)))
            dims.pop(0)
        elif kind == "mask":
            arrays_left = 0  # how many places it has depends on its values
            across = draw(st.integers(1, min(2, len(dims))))
            items.append(f"lib.tensor({draw(booleans(tuple(dims[:across])))})")
            dims = dims[across:]
        elif repeats:
            arrays_left -= 1
            values = draw(numbers(-size, size - 1, array_shape))
            items.append(str(values) if kind == "list" and len(array_shape) == 1 else f"lib.tensor({values})")
            dims.pop(0)
        else:
            arrays_left -= 1
            values = draw(st.permutations(range(size)))[: max(1, size - 1)]
            items.append(str(list(values)) if kind == "list" else f"lib.tensor({list(values)})")
            dims.pop(0)
    if not items:
        return "..."
    return ", ".join(items) + ("," if len(items) == 1 and draw(st.booleans()) else "")
