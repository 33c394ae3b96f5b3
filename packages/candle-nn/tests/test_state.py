"""What a module saves and loads beside plain tensors: a class's own state, hooks, and old checkpoints; as PyTorch."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch

import candle
from candle import nn

BOTH = [(candle, nn), (torch, torch.nn)]


def agreed(look: Any) -> Any:
    """What `look` returns with either library, which must be equal."""
    mine, theirs = (look(lib, layers) for lib, layers in BOTH)
    assert mine == theirs
    return mine


def values(state: Any) -> dict[str, Any]:
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in state.items()}


def complaint(call: Any) -> tuple[str, ...]:
    """The keys that an error names, whatever else it says."""
    with pytest.raises(RuntimeError) as told:
        call()
    text = str(told.value).replace('"', "'")
    return tuple(text.split("'")[1::2])


@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d", "InstanceNorm2d"])
def test_a_checkpoint_without_counts_of_batches(kind: str) -> None:
    def look(lib: Any, layers: Any) -> Any:
        options = {"track_running_stats": True}
        model = layers.Sequential(getattr(layers, kind)(2, **options), layers.Linear(2, 2))
        model[0].num_batches_tracked.fill_(7)
        state = getattr(layers, kind)(2, **options).state_dict()
        old = {name: state[name] for name in state if name != "num_batches_tracked"}  # no versions in a plain dict
        told = model[0].load_state_dict(old)
        del state["num_batches_tracked"]  # but versions here: it should have been there
        return (
            list(told.missing_keys),
            int(model[0].num_batches_tracked),
            complaint(lambda: model[0].load_state_dict(state)),
        )

    assert agreed(look) == ([], 7, ("num_batches_tracked",))


def test_a_class_that_passes_its_state_on_by_keyword() -> None:
    def look(lib: Any, layers: Any) -> Any:
        class Own(layers.BatchNorm1d):
            def _load_from_state_dict(self, state: Any, prefix: str, meta: Any, strict: bool, *lists: Any) -> None:
                named = dict(zip(("missing_keys", "unexpected_keys", "error_msgs"), lists, strict=True))
                super()._load_from_state_dict(state, prefix, local_metadata=meta, strict=strict, **named)

        model = Own(2)
        return sorted(complaint(lambda: model.load_state_dict({"weight": lib.ones(2)})))

    agreed(look)


def test_loading_leaves_nothing_to_the_garbage_collector() -> None:
    def look(lib: Any, layers: Any) -> Any:
        model = layers.Sequential(layers.Linear(1, 1), layers.BatchNorm1d(1))
        state = model.state_dict()
        model.load_state_dict(state)
        gc.collect()
        gc.disable()
        try:
            model.load_state_dict(state)
            return gc.collect()
        finally:
            gc.enable()

    assert agreed(look) == 0


def test_versions_are_kept_by_path() -> None:
    def look(lib: Any, layers: Any) -> Any:
        class Newer(layers.Module):
            _version = 3

            def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *told: Any) -> None:
                self.found = local_metadata.get("version")
                super()._load_from_state_dict(state_dict, prefix, local_metadata, *told)

        model = layers.ModuleDict({"a": Newer(), "b": layers.BatchNorm1d(1)})
        state = model.state_dict()
        model.load_state_dict(state)
        with_versions = model["a"].found
        model.load_state_dict(dict(state))
        return dict(state._metadata), with_versions, model["a"].found

    agreed(look)


def test_a_class_with_its_own_state() -> None:
    def look(lib: Any, layers: Any) -> Any:
        class Renamed(layers.Linear):
            """Saves its weight as `kernel`, and adds a number."""

            def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
                super()._save_to_state_dict(destination, prefix, keep_vars)
                destination[f"{prefix}kernel"] = destination.pop(f"{prefix}weight")

            def _load_from_state_dict(self, state_dict: Any, prefix: str, *told: Any) -> None:
                state_dict[f"{prefix}weight"] = state_dict.pop(f"{prefix}kernel")
                super()._load_from_state_dict(state_dict, prefix, *told)

        class Silent(layers.Linear):
            """Saves nothing, and asks for nothing."""

            def state_dict(self, *args: Any, **kwargs: Any) -> Any:
                return kwargs["destination"]

            def _load_from_state_dict(self, *told: Any) -> None:
                pass

        model, other = (layers.Sequential(Renamed(1, 1), Silent(1, 1)) for _ in range(2))
        with lib.no_grad():
            model[0].weight.fill_(3.0), model[0].bias.fill_(4.0)
        state = model.state_dict()
        told = other.load_state_dict(state)
        return values(state), list(told.missing_keys), list(told.unexpected_keys), other[0].weight.tolist()

    agreed(look)


@pytest.mark.parametrize("strict", [True, False])
def test_the_keys_that_are_amiss(strict: bool) -> None:
    def look(lib: Any, layers: Any) -> Any:
        model = layers.Sequential(layers.Linear(1, 1), layers.Sequential(layers.BatchNorm1d(1)), layers.ReLU())
        state = dict(model.state_dict())
        for name in ("0.bias", "1.0.running_var"):
            del state[name]
        for name in ("0.scale", "1.0.x.y", "1.weight", "2.a", "3.b", "00.c", "d", "_extra_state", "1.0._extra_state"):
            state[name] = lib.ones(1)
        if strict:
            return sorted(complaint(lambda: model.load_state_dict(state)))
        return [sorted(keys) for keys in model.load_state_dict(state, strict=False)]

    agreed(look)


def test_hooks_of_saving() -> None:
    def look(lib: Any, layers: Any) -> Any:
        log: list[Any] = []
        model = layers.Sequential(layers.Linear(1, 1), layers.ReLU())
        inner = model[0]
        inner.register_state_dict_pre_hook(lambda m, prefix, keep: log.append((m is inner, prefix, keep)))
        inner.register_state_dict_post_hook(lambda m, state, prefix, meta: log.append((list(state), dict(meta))))
        inner._register_state_dict_hook(lambda m, state, prefix, meta: {"ignored": 1})  # not the root's
        model._register_state_dict_hook(lambda m, state, prefix, meta: {**state, "more": 1})
        before = list(model.state_dict(keep_vars=True))
        handle = model.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("more"))
        with pytest.raises(RuntimeError, match="must return None"):
            model.state_dict()
        handle.remove()
        return log, before, list(model.state_dict())

    agreed(look)


def test_hooks_of_loading() -> None:
    def look(lib: Any, layers: Any) -> Any:
        log: list[Any] = []
        model = layers.Sequential(layers.Linear(1, 1), layers.ReLU())
        inner = model[0]

        def rename(state: Any, prefix: str, *rest: Any) -> None:
            log.append((sorted(state), prefix, rest[1]))
            state[f"{prefix}weight"] = state.pop(f"{prefix}kernel")

        def forgive(m: Any, keys: Any) -> None:
            log.append((m is inner, list(keys.missing_keys)))
            keys.missing_keys.clear()

        inner._register_load_state_dict_pre_hook(rename)
        inner.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: log.append((m is inner, sorted(state))))
        handle = inner.register_load_state_dict_post_hook(forgive)
        model.load_state_dict({"0.kernel": lib.full((1, 1), 5.0)})
        handle.remove()
        missing = complaint(lambda: model.load_state_dict({"0.kernel": lib.full((1, 1), 5.0)}))
        return log, missing, inner.weight.tolist()

    agreed(look)


def test_assigned_tensors_keep_whether_they_are_trained() -> None:
    def look(lib: Any, layers: Any) -> Any:
        seen = []
        for trained in (True, False):
            for given in (layers.Parameter(lib.ones(1, 1)), lib.ones(1, 1, dtype=lib.float64)):
                layer = layers.Linear(1, 1, bias=False).requires_grad_(trained)
                layer.load_state_dict({"weight": given}, assign=True)
                seen.append((layer.weight is given, layer.weight.requires_grad, layer.weight.dtype == given.dtype))
        return seen

    agreed(look)
