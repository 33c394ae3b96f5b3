"""Nested tuples, lists and dicts of tensors: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves_of(tree: Any) -> list[Any]:
    """The leaves, in order.

    >>> leaves_of({"b": [1, (2,)], "a": 3})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves_of(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in leaves_of(value)]
    return [tree]


def rebuild(tree: Any, leaves: Iterable[Any]) -> Any:
    """A tree of the same form with other leaves."""
    return _rebuild(tree, iter(leaves))


def _rebuild(tree: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(tree, dict):
        return type(tree)((key, _rebuild(value, leaves)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_rebuild(value, leaves) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(_rebuild(value, leaves) for value in tree)
    return next(leaves)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    return rebuild(tree, map(function, leaves_of(tree)))


def spread(prefix: Any, tree: Any, what: str) -> list[Any]:
    """A prefix of a tree (`0`, or `(0, None)`) as one value for each leaf of the tree."""
    if not isinstance(prefix, dict | list | tuple):
        return [prefix] * len(leaves_of(tree))
    pairs = _pairs(prefix, tree)
    if pairs is None:
        raise ValueError(f"vmap: {what} {prefix!r} does not have the form of what it describes")
    return [value for p, t in pairs for value in spread(p, t, what)]


def leaves_like(tree: Any, form: Any, what: str) -> list[Any]:
    """The leaves of a tree that must have the form of another, in the other's order.

    >>> leaves_like({"a": 1, "b": [2]}, {"b": ["*"], "a": "*"}, "these")
    [2, 1]
    """
    if not any(isinstance(x, dict | list | tuple) for x in (tree, form)):
        return [tree]
    pairs = _pairs(tree, form)
    if pairs is None:
        given, expected = (map_leaves(lambda _: _Star(), x) for x in (tree, form))
        raise ValueError(f"{what} must have the form {expected}, got {given}")
    return [leaf for t, f in pairs for leaf in leaves_like(t, f, what)]


class _Star:
    """A leaf, where only the form is told."""

    def __repr__(self) -> str:
        return "*"


def _pairs(tree: Any, other: Any) -> list[tuple[Any, Any]] | None:
    """What stands at the same places of two containers, in the other's order; None if the places differ."""
    if isinstance(tree, dict) and isinstance(other, dict):
        return [(tree[key], other[key]) for key in other] if tree.keys() == other.keys() else None
    if isinstance(tree, list | tuple) and isinstance(other, list | tuple) and len(tree) == len(other):
        return list(zip(tree, other, strict=True))
    return None
