"""What a module holds as a dict of tensors by path, and back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import candle
from candle import Tensor
from candle._graph import RemovableHandle
from candle.nn.parameter import Parameter

STATE_HOOKS = (
    "_state_dict_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` left alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        told = f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"
        return f"IncompatibleKeys({told})" if any(self) else "<All keys matched successfully>"


class State:
    """What `Module` knows of its state."""

    _version = 1  # of what a class saves, for its own `_load_from_state_dict` to tell old checkpoints by
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_pre_hooks: dict[Any, Callable[..., None]]
    _state_dict_hooks: dict[Any, tuple[Callable[..., Any], bool]]
    _load_state_dict_pre_hooks: dict[Any, tuple[Callable[..., None], bool]]
    _load_state_dict_post_hooks: dict[Any, Callable[..., None]]

    def get_extra_state(self) -> Any:
        """What else belongs into the state dict; override it together with `set_extra_state`."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state")

    # Saving

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by path, sharing memory with the module."""
        found: Any = destination
        if found is None:
            found = OrderedDict()
            found._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(found, "_metadata"):
            found._metadata[prefix[:-1]] = metadata
        for before in list(self._state_dict_pre_hooks.values()):
            before(self, prefix, keep_vars)
        self._save_to_state_dict(found, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=found, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for after, may_replace in list(self._state_dict_hooks.values()):
            given = after(self, found, prefix, metadata)
            if given is not None and not may_replace:
                raise RuntimeError("state_dict: a post-hook changes the dict it is given and must return None")
            found = found if given is None else given
        return found  # type: ignore[no-any-return]

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, without its children's, into the dict; may be overridden."""
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            if tensor is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[f"{prefix}_extra_state"] = self.get_extra_state()

    # Loading

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the module's tensors (with `assign`: take the given tensors themselves).

        Raises a RuntimeError that lists every missing, unexpected and mis-shaped key; with strict=False only
        the mis-shaped ones, and the others are returned.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a dict of tensors, got {type(state_dict).__name__}")
        metadata = getattr(state_dict, "_metadata", {})
        keys, wrong = IncompatibleKeys([], []), list[str]()
        _load(self, dict(state_dict), "", metadata, assign, keys, wrong)
        _complain(type(self).__name__, *(keys if strict else ([], [])), wrong)
        return keys

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own state, without its children's, from the dict; may be overridden.

        What is amiss goes into the three lists.
        """
        for hook, with_module in list(self._load_state_dict_pre_hooks.values()):
            this = (self,) if with_module else ()
            hook(*this, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        known, missing = set(), []
        for kind in (self._parameters, self._buffers):
            for name, tensor in kind.items():
                if tensor is None or name in self._non_persistent_buffers_set:
                    continue
                known.add(name)
                if prefix + name not in state_dict:
                    missing.append(prefix + name)
                elif problem := _take(kind, name, tensor, prefix + name, state_dict[prefix + name], assign):
                    error_msgs.append(problem)
        if type(self).set_extra_state is not State.set_extra_state:
            known.add("_extra_state")
            if f"{prefix}_extra_state" in state_dict:
                self.set_extra_state(state_dict[f"{prefix}_extra_state"])
            else:
                missing.append(f"{prefix}_extra_state")
        if strict:
            missing_keys += missing
            for key in state_dict:
                name, dot, _ = key.removeprefix(prefix).partition(".")
                if key.startswith(prefix) and name not in (self._modules if dot else known):
                    unexpected_keys.append(key)

    # Hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """`hook(module, prefix, keep_vars)` runs before the state is gathered."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """`hook(module, state_dict, prefix, local_metadata)` may change the state dict."""
        return RemovableHandle(self._state_dict_hooks, (hook, False))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form of `register_state_dict_post_hook`, which may also return another dict."""
        return RemovableHandle(self._state_dict_hooks, (hook, True))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """`hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`.

        It runs before the module takes its state, and may change the dict and the lists.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        """The older form of `register_load_state_dict_pre_hook`, whose hook is not given the module."""
        return RemovableHandle(self._load_state_dict_pre_hooks, (hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """`hook(module, incompatible_keys)` runs after all is loaded, and may change the lists of keys."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


def _load(
    module: State,
    given: dict[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    assign: bool,
    keys: IncompatibleKeys,
    wrong: list[str],
) -> None:
    own = {**metadata.get(prefix[:-1], {}), "assign_to_params_buffers": assign}
    module._load_from_state_dict(given, prefix, own, True, *keys, wrong)
    for name, child in module._modules.items():
        if child is not None:
            start = f"{prefix}{name}."
            its = {key: value for key, value in given.items() if key.startswith(start)}
            _load(child, its, start, metadata, assign, keys, wrong)
    for hook in list(module._load_state_dict_post_hooks.values()):
        if hook(module, keys) is not None:
            raise RuntimeError("load_state_dict: a post-hook changes the lists it is given and must return None")


def _complain(owner: str, missing: list[str], unexpected: list[str], wrong: list[str]) -> None:
    """In PyTorch's words, for which programs and people search."""
    lines = [
        f"\t{kind} key(s) in state_dict: " + ", ".join(f'"{key}"' for key in keys) + ". "
        for kind, keys in (("Missing", missing), ("Unexpected", unexpected))
        if keys
    ]
    lines += [f"\t{each}" for each in wrong]
    if lines:
        raise RuntimeError(f"Error(s) in loading state_dict for {owner}:\n" + "\n".join(lines))


def _take(kind: dict[str, Any], name: str, tensor: Tensor, path: str, given: Any, assign: bool) -> str:
    """Put a given value into a module's tensor; what is wrong with it, or an empty string."""
    if not isinstance(given, Tensor):
        return f"{path}: expected a tensor, got {type(given).__name__}"
    if tuple(given.shape) != tuple(tensor.shape):
        shapes = f"with shape {given.shape} from checkpoint, the shape in current model is {tensor.shape}"
        return f"size mismatch for {path}: copying a param {shapes}."
    if not assign:
        with candle.no_grad():
            tensor.copy_(given)
    elif isinstance(tensor, Parameter):
        new = given if isinstance(given, Parameter) else Parameter(given.detach(), requires_grad=False)
        kind[name] = new.requires_grad_(tensor.requires_grad)
    else:
        kind[name] = given
    return ""
