"""Which arguments of a function are to be differentiated by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Chosen:
    """The arguments that `argnums` names, counted from either end."""

    def __init__(self, argnums: Any, args: tuple[Any, ...]):
        places = argnums if isinstance(argnums, tuple) else (argnums,)
        if not places or not all(type(i) is int for i in places):
            raise RuntimeError(
                f"argnums must be an integer or a tuple of some integers, got {argnums!r}, a {type(argnums).__name__}"
            )
        for i in places:
            if not -len(args) <= i < len(args):
                raise RuntimeError(f"argnums: there is no argument {i}, only {len(args)} positional ones were given")
        self.args, self.places = args, [i % len(args) for i in places]
        if len(set(self.places)) < len(places):
            raise RuntimeError(f"argnums must name each argument once, got {argnums!r}")
        self.values = tuple(args[i] for i in self.places)
        self.form = self.values if isinstance(argnums, tuple) else self.values[0]  # of the gradients

    def function(self, func: Callable[..., Any], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """`func` as one of the chosen arguments alone."""

        def of_chosen(*values: Any) -> Any:
            given = list(self.args)
            for place, value in zip(self.places, values, strict=True):
                given[place] = value
            return func(*given, **kwargs)

        return of_chosen
