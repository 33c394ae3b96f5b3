"""What a module holds as a dict of tensors by path, and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import candle
from candle import Tensor
from candle.nn.parameter import Parameter


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` left alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        told = f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"
        return f"IncompatibleKeys({told})" if any(self) else "<All keys matched successfully>"


class State:
    """What `Module` knows of its state."""

    named_modules: Callable[..., Iterator[tuple[str, Any]]]

    def get_extra_state(self) -> Any:
        """What else belongs into the state dict; override it together with `set_extra_state`."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by path, sharing memory with the module."""
        found = OrderedDict() if destination is None else destination
        for path, module in self.named_modules(remove_duplicate=False):
            start = f"{prefix}{path}{'.' if path else ''}"
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None and name not in module._transient:
                    found[start + name] = tensor if keep_vars else tensor.detach()
            if type(module).get_extra_state is not State.get_extra_state:
                found[f"{start}_extra_state"] = module.get_extra_state()
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the module's tensors (with `assign`: take the given tensors themselves).

        Raises a RuntimeError that lists every missing, unexpected and mis-shaped key; with strict=False only
        the mis-shaped ones, and the others are returned.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a dict of tensors, got {type(state_dict).__name__}")
        left, missing, wrong = dict(state_dict), [], []
        for path, module in self.named_modules(remove_duplicate=False):
            start = f"{path}." if path else ""
            for kind in (module._parameters, module._buffers):
                for name, tensor in kind.items():
                    if tensor is None or name in module._transient:
                        continue
                    if start + name not in left:
                        missing.append(start + name)
                    elif problem := _take(kind, name, tensor, left.pop(start + name), assign):
                        wrong.append(f"{start}{name}: {problem}")
            if type(module).set_extra_state is not State.set_extra_state:
                if f"{start}_extra_state" in left:
                    module.set_extra_state(left.pop(f"{start}_extra_state"))
                else:
                    missing.append(f"{start}_extra_state")
        _complain(type(self).__name__, missing if strict else [], list(left) if strict else [], wrong)
        return IncompatibleKeys(missing, list(left))


def _complain(owner: str, missing: list[str], unexpected: list[str], wrong: list[str]) -> None:
    lines = [
        f"  {kind} key(s): {', '.join(map(repr, keys))}"
        for kind, keys in (("Missing", missing), ("Unexpected", unexpected))
        if keys
    ]
    lines += [f"  {each}" for each in wrong]
    if lines:
        raise RuntimeError(f"Error(s) in loading state_dict for {owner}:\n" + "\n".join(lines))


def _take(kind: dict[str, Any], name: str, tensor: Tensor, given: Any, assign: bool) -> str:
    """Put a given value into a module's tensor; what is wrong with it, or an empty string."""
    if not isinstance(given, Tensor):
        return f"expected a tensor, got {type(given).__name__}"
    if tuple(given.shape) != tuple(tensor.shape):
        return f"copying a tensor of shape {tuple(given.shape)} into one of shape {tuple(tensor.shape)}"
    if not assign:
        with candle.no_grad():
            tensor.copy_(given)
    elif isinstance(tensor, Parameter):
        kind[name] = given if isinstance(given, Parameter) else Parameter(given.detach(), tensor.requires_grad)
    else:
        kind[name] = given
    return ""
