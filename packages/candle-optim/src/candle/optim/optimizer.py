"""`Optimizer`: parameters in groups, the options of each group, and what is remembered of each parameter."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import candle
from candle import Tensor
from candle.optim._checks import check_implementation
from candle.optim._hooks import hooked, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from candle.optim._state import State, times_plus

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any] | None


class Optimizer(State):
    """The base of all optimizers: give it parameters and default options, and define `step`.

    >>> import candle
    >>> class Descent(candle.optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @candle.no_grad()
    ...     def step(self, closure=None):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p.sub_(group["lr"] * p.grad)
    >>> w = candle.tensor([3.0], requires_grad=True)
    >>> optimizer = Descent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.], requires_grad=True)
    """

    _opt_called = False  # has it stepped since a scheduler was attached?

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "step" in cls.__dict__:
            cls.step = hooked(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        check_implementation(type(self).__name__, defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._no_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __repr__(self) -> str:
        told = [
            "\n".join(
                [f"Parameter Group {i}", *(f"    {name}: {group[name]}" for name in sorted(group) if name != "params")]
            )
            for i, group in enumerate(self.param_groups)
        ]
        return f"{type(self).__name__} (\n" + "\n\n".join(told) + "\n)"

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train further parameters: `{"params": [...], "lr": ...}`; options left out are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        param_group["params"] = params = _as_list(param_group)
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        if len({id(p) for p in params}) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                stacklevel=3,
            )
        named = "param_names" in param_group
        if any(("param_names" in group) != named for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. "
                f"cannot add param group {'with' if named else 'without'} names to the optimizer"
            )
        if {id(p) for p in params} & {id(p) for group in self.param_groups for p in group["params"]}:
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients; with set_to_none=False, make them zero in place."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None or set_to_none:
                    p.grad = None
                else:
                    p.grad.detach_().requires_grad_(False).zero_()

    def step(self, closure: Closure = None) -> Any:
        """Change the parameters by their gradients; `closure()` computes the loss again, and is returned."""
        raise NotImplementedError(f"{type(self).__name__} has no step: define `def step(self, closure=None)`")


def _as_list(group: dict[str, Any]) -> list[Any]:
    """The parameters of a new group, their names put aside."""
    params = group["params"]
    if isinstance(params, Tensor):
        return [params]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but "
            "the ordering of tensors in sets will change between runs. Please use a list instead."
        )
    params = list(params)
    names = [each[0] for each in params if isinstance(each, tuple)]
    if names:
        if len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        group["param_names"] = names
    return [each[1] if isinstance(each, tuple) else each for each in params]


class GroupOptimizer(Optimizer):
    """An optimizer that takes one group after the other: define `update`, and `begin` for new state."""

    def step(self, closure: Closure = None) -> Any:
        """Change the parameters by their gradients; `closure()` computes the loss again, and is returned."""
        loss = None
        if closure is not None:
            with candle.enable_grad():
                loss = closure()
        with candle.no_grad():
            for group in self.param_groups:
                self.update(group)
        return loss

    def begin(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        return {}

    def update(self, group: dict[str, Any]) -> None:
        """Change the parameters of one group."""
        raise NotImplementedError

    def state_of(self, group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[p]
        if not state:
            state.update(self.begin(group, p))
        return state

    def _check_shapes(self, number: int, p: Tensor, kept: dict[str, Any]) -> None:
        own = self.begin(self.param_groups[0], p)
        for name, value in kept.items():
            if not isinstance(value, Tensor) or name == "step" or name in self.scalars:
                continue
            if value.shape != (right := own.get(name, p).shape):
                raise ValueError(
                    f"loaded state dict is another model's: for parameter {number}, of shape {tuple(p.shape)}, its "
                    f"{name} should have shape {tuple(right)}, not {tuple(value.shape)}"
                )

    def batches(
        self, group: dict[str, Any], *names: str
    ) -> Iterator[tuple[list[float], list[Any], list[list[Tensor]]]]:
        """The parameters that have a gradient, as lists that one op takes: of one device, dtype and past together.

        Gives their numbers (`scalars`; the step is counted already), their states, and the lists:
        parameters, gradients, and the state's tensors by name. Complex ones come as pairs of real numbers.
        A parameter that is there twice steps twice.
        """
        alike: dict[Any, tuple[list[Any], list[Any]]] = {}
        turns: dict[int, int] = {}
        for p in group["params"]:
            if p.grad is None:
                continue
            turn = turns[id(p)] = turns.get(id(p), 0) + 1
            state = self.state_of(group, p) if names or self.scalars else {}
            numbers = [times_plus(state[name], add=1 if name == "step" else 0) for name in self.scalars]
            row = [p, p.grad, *[state[name] for name in names]]
            if p.dtype.is_complex:
                row = [candle.view_as_real(each.detach()) for each in row]
            states, rows = alike.setdefault((p.device, p.dtype, turn, *numbers), ([], []))
            states.append(state)
            rows.append(row)
        for (_, _, _, *numbers), (states, rows) in alike.items():
            yield numbers, states, [list(each) for each in zip(*rows, strict=True)]
