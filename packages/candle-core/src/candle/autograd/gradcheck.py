"""Derivatives checked against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from candle import _dtypes
from candle._modes import enable_grad, no_grad
from candle._tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


def _outputs(func: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Tensor]:
    out = func(*inputs)
    outs = list(out) if isinstance(out, tuple | list) else [out]
    return [o for o in outs if isinstance(o, Tensor) and (o.is_floating_point() or o.is_complex())]


def _values(t: Tensor) -> np.ndarray:
    return t._backend.to_numpy(t.detach().current())


def _parts(t: Tensor) -> tuple[complex, ...]:
    """A complex number has two directions to move in."""
    return (1, 1j) if t.is_complex() else (1,)


def _real(values: np.ndarray) -> np.ndarray:
    import numpy as np

    flat = np.ravel(values)
    return np.concatenate([flat.real, flat.imag]) if np.iscomplexobj(flat) else flat


def _ways(t: Tensor, rng: np.random.Generator | None) -> np.ndarray:
    """Where the elements of t may go: each by itself, or, given a generator, one way for all of them together."""
    import numpy as np

    if rng is None:
        ways = np.concatenate([part * np.eye(t.numel()) for part in _parts(t)])
    else:  # no element stays behind, so that none can be wrong unseen
        signs, lengths = rng.choice([-1, 1], (len(_parts(t)), t.numel())), rng.uniform(0.5, 1.5, t.numel())
        ways = np.stack([sum(part * sign for part, sign in zip(_parts(t), signs, strict=True)) * lengths])
    return ways.astype(_values(t).dtype).reshape(len(ways), *t.shape)


def _numerical(
    func: Callable[..., Any], inputs: tuple[Any, ...], place: int, ways: np.ndarray, eps: float
) -> list[np.ndarray]:
    """For each output, how it changes along ways of one input: (ways, elements of the output)."""
    import numpy as np

    from candle.ops.creation import tensor

    x = inputs[place]
    base = np.array(_values(x))
    columns: list[list[np.ndarray]] = []
    for way in ways:
        moved = []
        for step in (eps, -eps):
            shifted = tensor(base + step * way, device=x.device)
            with no_grad():
                outs = _outputs(func, (*inputs[:place], shifted, *inputs[place + 1 :]))
            moved.append([_real(_values(o)) for o in outs])
        columns.append([(a - b) / (2 * eps) for a, b in zip(*moved, strict=True)])
    return [np.stack(rows) for rows in zip(*columns, strict=True)] if columns else []


def _analytical(
    func: Callable[..., Any], inputs: tuple[Any, ...], place: int, ways: list[np.ndarray]
) -> list[np.ndarray]:
    """For each output, its gradients by one input when weighted by ways: (elements of the input, ways)."""
    import numpy as np

    from candle.autograd import grad
    from candle.ops.creation import tensor

    with enable_grad():
        outs = _outputs(func, inputs)
    jacobians = []
    for o, weights in zip(outs, ways, strict=True):
        rows = []
        for weight in weights:
            found = None
            if o.requires_grad:  # not by 1, whose powers are itself: a rule must be linear in grad
                given = tensor(1.5 * weight, device=o.device)
                (found,) = grad(o, inputs[place], given, retain_graph=True, allow_unused=True)
            rows.append(_real(np.zeros_like(_values(inputs[place])) if found is None else _values(found)) / 1.5)
        jacobians.append(np.stack(rows, axis=1) if rows else np.zeros((0, 0)))
    return jacobians


def _refuse(name: str, **options: Any) -> None:
    """PyTorch's other options, where they ask for more than is done."""
    for option, value in options.items():
        if value:
            raise NotImplementedError(f"{name}: the option {option}={value!r} is not supported; leave it out")


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` at float64 (or complex128) `inputs` agree with finite differences.

    In fast mode along one random way through all elements, in place of along each: two calls for each input.

    >>> import candle
    >>> x = candle.tensor([1.0, 2.0], dtype=candle.float64, requires_grad=True)
    >>> candle.autograd.gradcheck(candle.exp, (x,))
    True
    """
    import numpy as np

    more = {"check_batched_forward_grad": check_batched_forward_grad, "check_forward_ad": check_forward_ad}
    more |= {"check_grad_dtypes": check_grad_dtypes, "check_batched_grad": check_batched_grad}
    _refuse("gradcheck", **more, masked=masked)
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    places = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if not places:
        raise ValueError("gradcheck: at least one input must require grad")
    outs = _outputs(func, given)
    if not outs:
        raise ValueError("gradcheck: the function has no floating-point or complex output to check")
    rng = np.random.default_rng(0) if fast_mode else None
    weights = [_ways(o, rng) for o in outs]
    for place in places:
        x = given[place]
        if x.dtype not in (_dtypes.float64, _dtypes.complex128):
            raise ValueError(f"gradcheck: input {place} is {x.dtype}; differences need float64 or complex128")
        ways = _ways(x, rng)
        found = zip(_analytical(func, given, place, weights), _numerical(func, given, place, ways, eps), strict=False)
        for i, (theory, practice) in enumerate(found):
            if fast_mode:  # both by all elements at once: ways @ Jacobian @ weights
                theory, practice = _real(ways) @ theory, practice @ _real(weights[i])
            if theory.size and not np.allclose(theory, practice, rtol, atol, equal_nan=True):
                if not raise_exception:
                    return False
                raise RuntimeError(
                    f"gradcheck: output {i} by input {place}: {_difference(theory, practice, fast_mode)}"
                )
    return True


def _difference(theory: np.ndarray, practice: np.ndarray, fast_mode: bool) -> str:
    import numpy as np

    if fast_mode:
        said = f"the rule says {theory[0]:.8g}, differences say {practice[0]:.8g}"
        return f"along all elements at once {said}; without fast_mode you learn at which"
    worst = np.unravel_index(np.argmax(np.nan_to_num(abs(theory - practice), nan=np.inf)), theory.shape)
    said = f"the rule says {theory[worst]:.8g}, differences say {practice[worst]:.8g}"
    return f"at (input {worst[0]}, output {worst[1]}) {said}"


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """The same for second derivatives: the gradients of the gradients, also by the weights of the outputs.

    >>> import candle
    >>> x = candle.tensor([1.0, 2.0], dtype=candle.float64, requires_grad=True)
    >>> candle.autograd.gradgradcheck(candle.exp, (x,))
    True
    """
    from candle.autograd import grad
    from candle.ops.random import randn_like

    more = {"gen_non_contig_grad_outputs": gen_non_contig_grad_outputs, "check_fwd_over_rev": check_fwd_over_rev}
    more |= {"check_grad_dtypes": check_grad_dtypes, "check_batched_grad": check_batched_grad}
    _refuse("gradgradcheck", **more, masked=masked)
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    places = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    if grad_outputs is None:
        grad_outputs = tuple(randn_like(o).requires_grad_() for o in _outputs(func, given) if o.requires_grad)

    def gradients(*everything: Any) -> tuple[Tensor, ...]:
        xs, weights = everything[: len(given)], everything[len(given) :]
        with enable_grad():
            for i in places:
                xs[i].requires_grad or xs[i].requires_grad_()
            outs = [o for o in _outputs(func, xs) if o.requires_grad]
            found = grad(outs, [xs[i] for i in places], weights, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    everything, how = (*given, *grad_outputs), {"raise_exception": raise_exception, "fast_mode": fast_mode}
    return gradcheck(gradients, everything, eps=eps, atol=atol, rtol=rtol, **how)
