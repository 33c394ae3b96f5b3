"""Hooks of modules: what they are shown, in which order, and what they may change; as PyTorch's."""

from __future__ import annotations

import collections
import contextlib
from typing import Any

import pytest
import torch

import candle
from candle import nn

BOTH = [(candle, nn), (torch, torch.nn)]


def test_hooks_in_their_order() -> None:
    logs = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        log: list[Any] = []
        m = layers.Linear(2, 1, bias=False)
        with lib.no_grad():
            m.weight.fill_(1.0)
        m.register_forward_pre_hook(lambda m, a, log=log: (log.append("before"), (a[0] * 2,))[1])
        m.register_forward_pre_hook(lambda m, a, log=log: log.append("first"), prepend=True)
        m.register_forward_hook(lambda m, a, out, log=log: (log.append(("after", a[0].tolist())), out + 1)[1])
        handle = m.register_forward_hook(lambda m, a, k, out, log=log: log.append(sorted(k)), with_kwargs=True)
        m.register_full_backward_hook(lambda m, gi, go, log=log: log.append((gi[0].tolist(), go[0].tolist())))
        m.register_full_backward_pre_hook(lambda m, go, log=log: (log.append("pre"), (go[0] * 3,))[1])
        x = lib.ones(1, 2, requires_grad=True)
        out = m(x)
        out.sum().backward()
        handle.remove()
        m(x)
        logs.append((log, out.tolist(), x.grad.tolist(), m.weight.grad.tolist()))
    assert logs[0] == logs[1]


def told(grads: Any) -> Any:
    """Gradients as lists, with None where there is none."""
    return None if grads is None else [None if g is None else g.tolist() for g in grads]


Pair = collections.namedtuple("Pair", "first second")

FORWARDS: dict[str, Any] = {
    "arguments that are no tensors": lambda lib, x, scale, y, *rest: x * scale + y,
    "an output that is not used": lambda lib, x, scale, y, *rest: (x * scale, x + y),
    "outputs that are no tensors": lambda lib, x, scale, y, *rest: ("name", x * y, None),
    "an output that cannot have a gradient": lambda lib, x, scale, y, *rest: (x * scale, (x > 0)),
    "a namedtuple": lambda lib, x, scale, y, *rest: Pair(x * scale, x + y),
    "only what is in a tuple": lambda lib, x, scale, y, *rest: (x,),
    "an argument that is not used": lambda lib, x, scale, y, *rest: x.detach() * 2,
}


@pytest.mark.parametrize("first_tracks", [True, False])
@pytest.mark.parametrize("name", FORWARDS)
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
def test_the_gradients_that_backward_hooks_are_shown(name: str, first_tracks: bool) -> None:
    logs = []
    for lib, layers in BOTH:
        log: list[Any] = []

        class Layer(layers.Module):
            def __init__(self) -> None:
                super().__init__()
                self.gain = layers.Parameter(lib.ones(2))

            def forward(self, x: Any, *rest: Any) -> Any:
                log.append((x.requires_grad, rest[1].requires_grad))
                out = FORWARDS[name](lib, x, *rest)
                return out * self.gain if isinstance(out, lib.Tensor) else out

        layer = Layer()
        layer.register_full_backward_pre_hook(lambda m, go: log.append(("before", told(go))))
        layer.register_full_backward_hook(lambda m, gi, go: log.append(("after", told(gi), told(go))))
        x = lib.tensor([1.0, 2.0], requires_grad=first_tracks)
        out = layer(x, 3.0, lib.tensor([5.0, 7.0]), lib.tensor([1, 2]), None)
        log.append(type(out).__name__)
        used = next(o for o in (out if isinstance(out, tuple) else (out,)) if hasattr(o, "sum"))
        if used.requires_grad:
            used.sum().backward()
        logs.append((log, told([x.grad, layer.gain.grad])))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("kind", [dict, list])
def test_backward_hooks_need_tensors_or_a_tuple_of_them(kind: Any) -> None:
    for lib, layers in BOTH:

        class Layer(layers.Module):
            def forward(self, x: Any) -> Any:
                return {"out": x * 2} if kind is dict else [x * 2]

        layer, log, x = Layer(), [], lib.ones(2, requires_grad=True)
        layer.register_full_backward_hook(lambda m, gi, go: log.append(go))
        with pytest.warns(UserWarning, match="(?i)a Tensor or a tuple of Tensors") as warned:
            out = layer(x)
        assert str(kind.__name__) in str(warned[0].message)
        assert warned[0].filename == __file__ or lib is torch
        (out["out"] if kind is dict else out[0]).sum().backward()
        assert (log, x.grad.tolist()) == ([], [2.0, 2.0])


def test_backward_hooks_return_as_many_gradients_as_they_are_shown() -> None:
    for lib, layers in BOTH:
        for kind in ("register_full_backward_hook", "register_full_backward_pre_hook"):
            layer, x = layers.Identity(), lib.ones(2, requires_grad=True)
            getattr(layer, kind)(lambda m, *grads: (*grads[0], None))
            with pytest.raises(RuntimeError, match="returned"):
                layer(x).sum().backward()


@pytest.mark.parametrize("order", [("out", "aside"), ("aside", "out"), ("aside",)])
def test_gradients_that_pass_by_the_outputs_are_not_shown(order: tuple[str, ...]) -> None:
    logs = []
    for lib, layers in BOTH:
        log: list[Any] = []

        class Layer(layers.Module):
            def forward(self, x: Any) -> Any:
                self.aside = x * 5
                return x * 2

        layer, x = Layer(), lib.ones(2, requires_grad=True)
        layer.register_full_backward_hook(lambda m, gi, go: log.append((told(gi), told(go))))
        outs = {"out": layer(x), "aside": layer.aside}
        for name in order:
            outs[name].sum().backward(retain_graph=True)
        logs.append((log, x.grad.tolist()))
    assert logs[0] == logs[1]


def test_backward_hooks_see_what_forward_hooks_return() -> None:
    logs = []
    for lib, layers in BOTH:
        log: list[Any] = []
        layer, x = layers.Identity(), lib.ones(2, requires_grad=True)
        layer.register_forward_hook(lambda m, args, out: out * 3)
        layer.register_full_backward_hook(lambda m, gi, go: log.append((told(gi), told(go))))
        (layer(x) * 2).sum().backward()
        logs.append((log, x.grad.tolist()))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("fails", ["pre-hook", "forward"])
def test_hooks_that_are_always_called(fails: str) -> None:
    logs = []
    for lib, layers in BOTH:
        log: list[Any] = []

        class Layer(layers.Module):
            def forward(self, x: Any) -> Any:
                return x if fails == "pre-hook" else 1 / 0

        layer = Layer()
        layer.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
        layer.register_forward_pre_hook(lambda m, args: 1 / 0 if fails == "pre-hook" else None)
        layer.register_forward_hook(lambda m, args, out: log.append((args[0].tolist(), out)), always_call=True)
        layer.register_forward_hook(lambda m, args, out: log.append("not called"))
        with pytest.raises(ZeroDivisionError):
            layer(lib.ones(2))
        logs.append(log)
    assert logs[0] == logs[1] == [([2.0, 2.0], None)]


def test_backward_hooks_by_their_older_name() -> None:
    shown = []
    for lib, layers in BOTH:
        model = layers.Sequential(layers.Linear(2, 2), layers.ReLU())
        model[0].load_state_dict({"weight": lib.ones(2, 2), "bias": lib.ones(2)})
        warned = pytest.warns(FutureWarning, match="use register_full") if lib is candle else contextlib.nullcontext()
        with warned:
            handle = model[1].register_backward_hook(lambda m, gi, go: shown.append((told(gi), told(go))))
        model(lib.ones(1, 2)).sum().backward()
        handle.remove()
        model(lib.ones(1, 2)).sum().backward()
    assert len(shown) == 2
    assert shown[0] == shown[1]


def test_hooks_are_kept_where_pytorch_keeps_them() -> None:
    kept = "_forward_pre_hooks _forward_hooks _backward_pre_hooks _backward_hooks _state_dict_pre_hooks _state_dict_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks"
    counts = []
    for lib, layers in BOTH:
        m = layers.Linear(2, 2)
        for kind in ("forward_pre", "forward", "full_backward_pre", "full_backward"):
            getattr(m, f"register_{kind}_hook")(lambda *a: 1 / 0)
        for kind in ("state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post"):
            getattr(m, f"register_{kind}_hook")(lambda *a: 1 / 0)
        counts.append([len(getattr(m, name)) for name in kept.split()])
        for name in kept.split():
            getattr(m, name).clear()
        m.load_state_dict(m.state_dict())
        m(lib.ones(2)).sum().backward()
    assert counts[0] == counts[1] == [1] * 8


def test_hooks_of_all_modules() -> None:
    logs = []
    for lib, layers in BOTH:
        log: list[Any] = []
        m = layers.Sequential(layers.Linear(2, 2), layers.Tanh())
        m[1].register_forward_hook(lambda m, args, out: log.append("own"))
        everywhere = layers.modules.module
        handles = [
            everywhere.register_module_forward_pre_hook(lambda m, args: log.append(("before", type(m).__name__))),
            everywhere.register_module_forward_hook(lambda m, args, out: log.append(("after", type(m).__name__))),
            everywhere.register_module_forward_hook(lambda m, a, k, o: log.append(sorted(k)), with_kwargs=True),
            everywhere.register_module_full_backward_pre_hook(lambda m, go: log.append(("pre", type(m).__name__))),
            everywhere.register_module_full_backward_hook(lambda m, gi, go: log.append(("back", type(m).__name__))),
        ]
        m(lib.ones(1, 2, requires_grad=True)).sum().backward()
        for handle in handles:
            handle.remove()
        m(lib.ones(1, 2))
        logs.append(log)
    assert logs[0] == logs[1]
