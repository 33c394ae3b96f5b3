"""What an optimizer remembers as a dict of plain things, and back."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from typing import Any

import candle
from candle import Tensor
from candle.optim._hooks import Hooks

# Options that came to PyTorch later than the first checkpoints; these have none, and mean this
LATER: dict[str, Any] = {
    **dict.fromkeys(("foreach", "fused")),
    **dict.fromkeys(
        "nesterov maximize centered amsgrad capturable differentiable decoupled_weight_decay".split(), False
    ),
    "momentum": 0,
}


def scalar(value: Any) -> Tensor:
    """A number that the state keeps, as PyTorch does: a tensor of no dimensions on the CPU.

    >>> scalar(0)
    tensor(0.)
    """
    wide = candle.get_default_dtype() is candle.float64
    made: Tensor = candle.tensor(float(value), dtype=candle.float64 if wide else candle.float32)
    return made


def times_plus(number: Tensor, times: float = 1, add: float = 0) -> float:
    """Multiply such a number, add to it (in its own precision, and without an operation of Tensors), and read it.

    >>> step = scalar(2)
    >>> times_plus(step, add=1), step
    (3.0, tensor(3.))
    """
    array = number.current()
    if times != 1:
        array *= times
    if add:
        array += add
    return array.item()  # type: ignore[no-any-return]


class State(Hooks):
    """What `Optimizer` knows of its state."""

    scalars: tuple[str, ...] = ()  # the numbers in a parameter's state, each a tensor of no dimensions

    defaults: dict[str, Any]
    state: defaultdict[Any, Any]
    param_groups: list[dict[str, Any]]

    def state_dict(self) -> dict[str, Any]:
        """The options of every group and the state of every parameter, with numbers in place of parameters.

        Its tensors are the optimizer's own: copy them (or save them) before the next step.
        """
        for hook in list(self._before_save.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups, start = [], 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                numbers.setdefault(id(p), i)
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
            start += len(group["params"])
        state = {numbers[id(p)] if isinstance(p, Tensor) else p: kept for p, kept in self.state.items()}
        found: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._after_save.values()):
            given = hook(self, found)
            found = found if given is None else given
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken: parameters are matched by their order.

        Tensors are copied, to each parameter's device and dtype (the step count and its like keep theirs).
        """
        state_dict = dict(state_dict)
        for hook in list(self._before_load.values()):
            given = hook(self, state_dict)
            state_dict = state_dict if given is None else given
        saved = [{**group, "params": list(group["params"])} for group in state_dict["param_groups"]]
        self._check_groups(saved)
        here = [p for group in self.param_groups for p in group["params"]]
        by_number = dict(zip((n for group in saved for n in group["params"]), here, strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for number, kept in state_dict["state"].items():
            p = by_number.get(number)
            if p is not None:
                self._check_shapes(number, p, kept)
            state[number if p is None else p] = deepcopy(kept) if p is None else self._fitted(p, kept, "")
        for new, old in zip(saved, self.param_groups, strict=True):
            for name in new.keys() - {"params"}:
                new[name] = deepcopy(new[name])
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in list(self._after_load.values()):
            hook(self)

    def _check_groups(self, saved: list[dict[str, Any]]) -> None:
        here, there = ([len(group["params"]) for group in groups] for groups in (self.param_groups, saved))
        if len(here) != len(there):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(there)}, and this "
                f"{type(self).__name__} has {len(here)}"
            )
        if here != there:
            raise ValueError(
                f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                f"groups of {there} parameters, and this {type(self).__name__} has groups of {here}"
            )

    def _check_shapes(self, number: int, p: Tensor, kept: dict[str, Any]) -> None:
        """Refuse what cannot be this parameter's state, if that is known."""

    def _fitted(self, p: Tensor, value: Any, name: str) -> Any:
        """A copy of what was saved for a parameter, where and as the parameter is."""
        if isinstance(value, dict):
            return {key: self._fitted(p, each, key) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._fitted(p, each, "") for each in value)
        if not isinstance(value, Tensor):
            return deepcopy(value)
        if name == "step" or name in self.scalars:
            return value.detach().cpu().clone()
        keeps_dtype = not p.dtype.is_floating_point
        return value.detach().to(p.device).to(value.dtype if keeps_dtype else p.dtype).clone()

    # Copies and pickles: everything but the hooks

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "_before_step" not in vars(self):
            self._no_hooks()
        for group in self.param_groups:
            for name in LATER.keys() & self.defaults.keys():
                group.setdefault(name, LATER[name])
            for p in group["params"]:
                kept = self.state.get(p, {})
                for name in self.scalars:
                    if name in kept and not isinstance(kept[name], Tensor):
                        kept[name] = scalar(kept[name])
