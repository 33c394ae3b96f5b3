"""Nested tuples, lists and dicts of tensors: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable
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


def rebuild(tree: Any, leaves: Any) -> Any:
    """A tree of the same form with other leaves, taken from an iterator."""
    leaves = iter(leaves)

    def build(node: Any) -> Any:
        if isinstance(node, dict):
            return type(node)((key, build(value)) for key, value in node.items())
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            return type(node)(*map(build, node))
        if isinstance(node, list | tuple):
            return type(node)(map(build, node))
        return next(leaves)

    return build(tree)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    return rebuild(tree, map(function, leaves_of(tree)))


def spread(prefix: Any, tree: Any, what: str) -> list[Any]:
    """A prefix of a tree (`0`, or `(0, None)`) as one value for each leaf of the tree."""
    if not isinstance(prefix, dict | list | tuple):
        return [prefix] * len(leaves_of(tree))
    same_kind = isinstance(tree, dict) if isinstance(prefix, dict) else isinstance(tree, list | tuple)
    same_keys = same_kind and (prefix.keys() == tree.keys() if isinstance(prefix, dict) else len(prefix) == len(tree))
    if not same_keys:
        raise ValueError(f"vmap: {what} {prefix!r} does not have the form of what it describes")
    pairs = [(prefix[k], tree[k]) for k in tree] if isinstance(tree, dict) else zip(prefix, tree, strict=True)
    return [value for p, t in pairs for value in spread(p, t, what)]
