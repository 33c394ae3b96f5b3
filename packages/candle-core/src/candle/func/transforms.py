"""Functions of functions: gradients, products with Jacobians, Jacobians and Hessians."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from candle import _backward, ops
from candle._modes import enable_grad, state
from candle._tensor import Tensor, wrap
from candle.func.pytree import leaves_of, map_leaves, rebuild
from candle.func.vmap import lifted, vmap
from candle.func.vmap_graph import wants_gradients


class _Depth(threading.local):
    level = 0


_depth = _Depth()


class _Level:
    """How deep transforms are nested: only the outermost lets go of the graph."""

    def __enter__(self) -> int:
        _depth.level = _depth.level + 1
        return int(_depth.level)

    def __exit__(self, *error: object) -> None:
        _depth.level -= 1


def _fresh(t: Any) -> Any:
    """The tensor with an edge of its own, still connected to where it came from."""
    if not isinstance(t, Tensor) or not (t.is_floating_point() or t.is_complex()):
        return t
    t = lifted(t)
    if t.requires_grad:
        return t.alias()
    fresh = wrap(t.current(), t._backend).requires_grad_()
    fresh._extra = {"fresh": True}
    return fresh


def _gradients(outs: list[Tensor], ins: list[Tensor], weights: list[Any]) -> list[Tensor]:
    """As `autograd.grad` with create_graph; zeros where nothing leads."""
    used = [(o, w) for o, w in zip(outs, weights, strict=True) if isinstance(o, Tensor) and o.requires_grad]
    if not used:
        return [ops.zeros_like(x) for x in ins]
    found = _backward.gradients([o for o, _ in used], ins, [w for _, w in used], create_graph=True)
    return [ops.zeros_like(x) if g is None else g for g, x in zip(found, ins, strict=True)]


def _tracked(tree: Any) -> bool:
    return any(isinstance(t, Tensor) and t.requires_grad for t in leaves_of(tree))


def _leads_elsewhere(outs: list[Any]) -> bool:
    """Whether a leaf other than the transforms' own stands behind the results: a parameter closed over."""
    stack = [t.gradient_edge[0] for t in outs if isinstance(t, Tensor) and t.requires_grad]
    seen = set(stack)
    while stack:
        target = stack.pop()
        if isinstance(target, Tensor) and not (target._extra and "fresh" in target._extra):
            return True
        new = {edge[0] for edge in target._edges if edge is not None} - seen
        seen |= new
        stack += new
    return False


def _settle(tree: Any, outermost: bool, tracked: bool, recording: bool = True) -> Any:
    """Let go of the graph where nobody outside is to have it."""
    done = not recording or (outermost and not tracked)
    return map_leaves(lambda t: wrap(t.current(), t._backend) if done and isinstance(t, Tensor) else t, tree)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """func(*primals), and a function from weights of its outputs to the gradients of its inputs.

    >>> import candle
    >>> out, pull = candle.func.vjp(lambda x: x * x, candle.tensor(3.0))
    >>> out, pull(candle.tensor(1.0))
    (tensor(9.), (tensor(6.),))
    """
    recording = state.grad
    with _Level() as level, enable_grad():
        inputs = map_leaves(_fresh, primals)
        out = func(*inputs)
    out, aux = _split_aux(out, has_aux)
    tracked = _tracked(primals) or _leads_elsewhere(leaves_of(out))

    def pull(*weights: Any) -> Any:
        given = weights[0] if len(weights) == 1 else weights
        wanted = [x for x in leaves_of(inputs) if isinstance(x, Tensor) and x.requires_grad]
        found = iter(_gradients(leaves_of(out), wanted, leaves_of(given)))
        grads = map_leaves(lambda x: next(found) if isinstance(x, Tensor) and x.requires_grad else None, inputs)
        return _settle(grads, level == 1, tracked or _tracked(given), recording)

    shown = _settle(out, level == 1, tracked, recording)
    return (shown, pull, _settle(aux, True, False)) if has_aux else (shown, pull)


def jvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, has_aux: bool = False) -> Any:
    """func(*primals), and how it changes along `tangents`: the vjp of the vjp, which is linear in its weights.

    >>> import candle
    >>> candle.func.jvp(candle.sin, (candle.tensor(0.0),), (candle.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    recording = state.grad
    with _Level() as level, enable_grad():
        inputs = map_leaves(_fresh, tuple(primals))
        result = func(*inputs)
        out, aux = _split_aux(result, has_aux)
        outs, ins = leaves_of(out), [x for x in leaves_of(inputs) if isinstance(x, Tensor)]
        weights = [lifted(ops.zeros_like(o)).requires_grad_() for o in outs]
        pulled = _gradients(outs, ins, weights)
        pairs = [(p, t) for p, t in zip(pulled, leaves_of(tuple(tangents)), strict=True) if p.requires_grad]
        found = _gradients([p for p, _ in pairs], weights, [t for _, t in pairs])
    tracked = _tracked((primals, tangents)) or _leads_elsewhere(outs)
    shown, pushed = (_settle(t, level == 1, tracked, recording) for t in (out, rebuild(out, found)))
    return (shown, pushed, _settle(aux, True, False)) if has_aux else (shown, pushed)


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, and its value."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen(argnums, args)
        aux: Any = None

        def of_chosen(*values: Any) -> Any:
            nonlocal aux
            out = func(*_replaced(args, chosen, values), **kwargs)
            out, aux = _split_aux(out, has_aux)
            if not isinstance(out, Tensor) or out.numel() != 1 or out.ndim:
                raise RuntimeError(
                    f"grad: the function must return a 0-d tensor, got {getattr(out, 'shape', type(out).__name__)}"
                )
            if out.is_complex():
                raise RuntimeError(f"grad: the function must return a real number, got {out.dtype}")
            return out

        value, pull = vjp(of_chosen, *(args[i] for i in chosen))
        grads = pull(ops.ones_like(value))
        grads = grads if isinstance(argnums, tuple) else grads[0]
        return grads, ((value, aux) if has_aux else value)

    return wrapped


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, which must return a 0-d tensor.

    >>> import candle
    >>> candle.func.grad(candle.func.grad(candle.sin))(candle.tensor(1.0))
    tensor(-0.8415)
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        grads, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return wrapped


def _chosen(argnums: Any, args: tuple[Any, ...]) -> tuple[int, ...]:
    """The positions to differentiate by, counted from the front."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    if not places or not all(type(i) is int for i in places):
        raise RuntimeError(f"argnums must be an integer or a tuple of integers that is not empty, got {argnums!r}")
    for i in places:
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"argnums: there is no argument {i}, only {len(args)} positional ones were given")
    places = tuple(i % len(args) for i in places)
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums must name each argument once, got {argnums!r}")
    for i in places:
        for leaf in leaves_of(args[i]):
            if not isinstance(leaf, Tensor) or not (leaf.is_floating_point() or leaf.is_complex()):
                what = leaf.dtype if isinstance(leaf, Tensor) else type(leaf).__name__
                raise RuntimeError(
                    f"argument {i}: only tensors of floating point dtype can require gradients, got {what}"
                )
    return places


def _split_aux(result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError("has_aux: the function must return a tuple (output, aux)")
    return result


def _replaced(args: tuple[Any, ...], places: tuple[int, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    new = list(args)
    for place, value in zip(places, values, strict=True):
        new[place] = value
    return tuple(new)


def _basis(tensors: list[Tensor]) -> list[Tensor]:
    """All unit vectors of several tensors together, as one batch for each."""
    total = sum(t.numel() for t in tensors)
    parts, start = [], 0
    for t in tensors:
        rows = ops.eye(total, dtype=t.dtype, device=t.device)[:, start : start + t.numel()]
        parts.append(rows.reshape(total, *t.shape))
        start += t.numel()
    return parts


def _split_rows(batch: Tensor, tensors: list[Tensor]) -> list[Tensor]:
    rows = batch.split([t.numel() for t in tensors])
    return [r.reshape(*t.shape, *batch.shape[1:]) for r, t in zip(rows, tensors, strict=True)]


def _refuse_complex(name: str, args: tuple[Any, ...], places: tuple[int, ...]) -> None:
    if any(leaf.is_complex() for i in places for leaf in leaves_of(args[i])):
        raise RuntimeError(f"{name}: expected all inputs to be real; differentiate the parts of complex ones")


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `func`, a row for each output element, by vmap over vjp.

    Shape: (*output shape, *input shape).
    """

    @functools.wraps(func)
    def wrapped(*args: Any) -> Any:
        chosen = _chosen(argnums, args)
        _refuse_complex("jacrev", args, chosen)
        with _Level() as level:
            of_chosen = lambda *values: func(*_replaced(args, chosen, values))  # noqa: E731
            out, pull, *aux = vjp(of_chosen, *(args[i] for i in chosen), has_aux=has_aux)
            outs = leaves_of(out)
            elsewhere = _leads_elsewhere(outs)
            batches = vmap(lambda *weights: pull(rebuild(out, weights)), chunk_size=chunk_size)(*_basis(outs))
            batches = _settle(batches, level == 1, _tracked(args) or elsewhere)
        # by input, then by output; users want by output, then by input
        split = [_split_rows(batch, outs) for batch in leaves_of(batches)]
        inputs = batches if isinstance(argnums, tuple) else batches[0]
        result = rebuild(out, [rebuild(inputs, [by_out[i] for by_out in split]) for i in range(len(outs))])
        return (result, aux[0]) if has_aux else result

    return wrapped


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that returns the Jacobian of `func`, a column for each input element, by vmap over jvp."""

    @functools.wraps(func)
    def wrapped(*args: Any) -> Any:
        chosen = _chosen(argnums, args)
        _refuse_complex("jacfwd", args, chosen)
        primals = tuple(args[i] for i in chosen)
        ins = leaves_of(primals)

        elsewhere = False

        def push(*tangents: Any) -> Any:
            nonlocal elsewhere
            results = jvp(
                lambda *v: func(*_replaced(args, chosen, v)), primals, rebuild(primals, tangents), has_aux=has_aux
            )
            values = leaves_of(results[0])
            elsewhere = elsewhere or _leads_elsewhere(values) or any(wants_gradients(t.current()) for t in values)
            return results[1:]

        with _Level() as level:
            columns, *aux = vmap(push, out_dims=(0, None) if has_aux else (0,), randomness=randomness)(*_basis(ins))
            columns = _settle(columns, level == 1, _tracked(args) or elsewhere)

        def arrange(batch: Tensor) -> Any:
            parts = batch.split([x.numel() for x in ins])
            moved = [
                p.reshape(*x.shape, *p.shape[1:]).movedim(tuple(range(x.ndim)), tuple(range(-x.ndim, 0)))
                for p, x in zip(parts, ins, strict=True)
            ]
            return rebuild(primals if isinstance(argnums, tuple) else primals[0], moved)

        result = map_leaves(arrange, columns)
        return (result, aux[0]) if has_aux else result

    return wrapped


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of `func`.

    >>> import candle
    >>> candle.func.hessian(lambda x: (x**3).sum())(candle.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functional_call(
    module: Any, parameters: dict[str, Tensor] | tuple[dict[str, Tensor], ...], args: Any = None, kwargs: Any = None
) -> Any:
    """module(*args), with these tensors in place of its parameters and buffers of the same names.

    A tensor that the module holds under several names is replaced under all of them.
    """
    given: dict[str, Tensor] = {}
    for each in parameters if isinstance(parameters, tuple | list) else (parameters,):
        given.update(each)
    places = [(_table_of(module, name), name.rpartition(".")[2], value) for name, value in given.items()]
    tied = {id(table[last]): value for table, last, value in places if table[last] is not None}
    places += [(table, last, tied[id(t)]) for table, last, t in _all_tensors(module) if id(t) in tied]
    before = [(table, last, table[last]) for table, last, _ in places]
    try:
        for table, last, value in places:
            table[last] = value
        args = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*args, **(kwargs or {}))
    finally:
        for table, last, old in before:
            table[last] = old


def _table_of(module: Any, name: str) -> dict[str, Any]:
    """The dict of a module, or of one inside it, that holds a parameter or buffer."""
    *path, last = name.split(".")
    owner = module
    for part in path:
        owner = (vars(owner).get("_modules") or {}).get(part, getattr(owner, part, None))
        if not hasattr(owner, "__dict__"):
            break
    for table in ("_parameters", "_buffers"):
        found: dict[str, Any] = (vars(owner).get(table) if hasattr(owner, "__dict__") else None) or {}
        if last in found:
            return found
    raise KeyError(f"functional_call: the module has no parameter or buffer {name!r}")


def _all_tensors(module: Any, seen: set[int] | None = None) -> list[tuple[dict[str, Any], str, Any]]:
    seen = set() if seen is None else seen
    if id(module) in seen or not hasattr(module, "__dict__"):
        return []
    seen.add(id(module))
    held = [
        (t, n, v) for name in ("_parameters", "_buffers") for t in [vars(module).get(name) or {}] for n, v in t.items()
    ]
    for child in (vars(module).get("_modules") or {}).values():
        held += _all_tensors(child, seen)
    return held
