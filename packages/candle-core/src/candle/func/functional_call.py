"""`functional_call`: a module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from candle._tensor import Tensor

Place = tuple[dict[str, Any], str]  # the dict of a module, and the name in it


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs), with these tensors in place of its parameters and buffers of the same names.

    A tensor that the module holds under several names is replaced under all of them, unless `tie_weights` is
    False. With `strict`, all parameters and buffers must be given.
    """
    places, given = dict(_places(module)), _merged(parameter_and_buffer_dicts)
    if unknown := given.keys() - places.keys():
        told, known = ", ".join(sorted(unknown)), ", ".join(places)
        raise RuntimeError(f"functional_call: the module has no parameter or buffer {told}; it has {known}")
    if tie_weights:
        given = _tied(given, places)
    missing = [name for name, (table, last) in places.items() if name not in given and table[last] is not None]
    if strict and missing:
        raise RuntimeError(f"functional_call: with strict=True these must be given, too: {', '.join(missing)}")
    before = [(table, last, table[last]) for table, last in map(places.__getitem__, given)]
    try:
        for name, value in given.items():
            table, last = places[name]
            table[last] = value
        args = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*args, **(kwargs or {}))
    finally:
        for table, last, old in before:
            table[last] = old


def _merged(dicts: Any) -> dict[str, Tensor]:
    given: dict[str, Tensor] = {}
    for each in (dicts,) if isinstance(dicts, dict) else dicts:
        if twice := given.keys() & each.keys():
            raise ValueError(
                f"functional_call: {', '.join(sorted(twice))} stands in several of the dicts; give it once"
            )
        given.update(each)
    return given


def _tied(given: dict[str, Tensor], places: dict[str, Place]) -> dict[str, Tensor]:
    """The same for every name of what goes by several."""
    names: dict[int, list[str]] = {}
    for name, (table, last) in places.items():
        if table[last] is not None:
            names.setdefault(id(table[last]), []).append(name)
    result = dict(given)
    for tied in names.values():
        values = [given[name] for name in tied if name in given]
        if any(value is not values[0] for value in values):
            raise ValueError(
                f"functional_call: {', '.join(tied)} are one tensor and were given different values; "
                f"give one of them, or pass tie_weights=False"
            )
        result.update(dict.fromkeys(tied, values[0]) if values else {})
    return result


def _places(module: Any, prefix: str = "") -> Iterator[tuple[str, Place]]:
    """Where each parameter and buffer of a module, and of those inside it, is held."""
    held = vars(module)
    for table in (held.get("_parameters") or {}, held.get("_buffers") or {}):
        yield from ((prefix + name, (table, name)) for name in table)
    for name, child in (held.get("_modules") or {}).items():
        if child is not None:
            yield from _places(child, f"{prefix}{name}.")
