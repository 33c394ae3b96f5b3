"""Module, containers and initialization: as PyTorch's, told apart by nothing but the name."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle import nn

BOTH = [pytest.param((candle, nn), id="candle"), pytest.param((torch, torch.nn), id="torch")]


def make(lib: Any, nn: Any) -> Any:
    """A small tree with a tied weight, a buffer, a transient buffer, a None and a list."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(lib.ones(2, 3))
            self.register_buffer("steps", lib.zeros(1))
            self.register_buffer("cache", lib.zeros(2), persistent=False)
            self.register_parameter("bias", None)

        def forward(self, x: Any) -> Any:
            return x @ self.weight.T

        def extra_repr(self) -> str:
            return "2, 3"

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.layers = Inner(), nn.ModuleList([Inner(), nn.Identity()])
            self.tied = self.first.weight
            self.again = self.first

        def forward(self, x: Any) -> Any:
            return self.layers[0](x) + self.first(x)

    return Outer()


def same(look: Any) -> None:
    """What `look` returns of both trees is equal."""
    mine, theirs = look(make(candle, nn), candle), look(make(torch, torch.nn), torch)
    assert mine == theirs


@pytest.mark.filterwarnings("ignore:Positional args:FutureWarning")
@pytest.mark.parametrize(
    "look",
    [
        lambda m: [name for name, _ in m.named_parameters()],
        lambda m: [name for name, _ in m.named_parameters(remove_duplicate=False)],
        lambda m: [name for name, _ in m.named_parameters(prefix="p", recurse=False)],
        lambda m: [name for name, _ in m.named_buffers()],
        lambda m: [name for name, _ in m.named_modules()],
        lambda m: [name for name, _ in m.named_modules(remove_duplicate=False)],
        lambda m: [name for name, _ in m.named_children()],
        lambda m: list(m.state_dict()),
        lambda m: list(m.state_dict(prefix="x.")),
        lambda m: [tuple(p.shape) for p in m.parameters()],
        lambda m: [type(c).__name__ for c in m.modules()],
        lambda m: type(m.get_submodule("layers.0")).__name__,
        lambda m: tuple(m.get_parameter("first.weight").shape),
        lambda m: tuple(m.get_buffer("layers.0.steps").shape),
        lambda m: [c.training for c in m.eval().modules()],
        lambda m: [p.requires_grad for p in m.requires_grad_(False).parameters()],
        lambda m: [str(p.dtype).partition(".")[2] for p in (*m.half().parameters(), *m.buffers())],
        lambda m: "first" in dir(m) and "tied" in dir(m),
        lambda m: repr(m),
        lambda m: [(delattr(m.first, "weight"), list(m.state_dict()))],
        lambda m: [setattr(m.first, "bias", None), m.first.bias],
        lambda m: list(copy.deepcopy(m).state_dict()),
        lambda m: copy.deepcopy(m).tied is copy.deepcopy(m).first.weight,
        lambda m: (setattr(m, "first", type(m.first)()), [name for name, _ in m.named_children()]),
        lambda m: [setattr(m.first, name, m.tied) for name in ("more", "weight")] + list(m.first.state_dict()),
        lambda m: (setattr(m.first, "cache", m.layers[0]), [list(m.first.state_dict()), dir(m.first).count("cache")]),
        lambda m: [setattr(m, name, type(child)()) for name, child in m.named_children() if name != "layers"],
        lambda m: (setattr(m, "note", 3), delattr(m, "note"), hasattr(m, "note")),
        lambda m: [type(c).__name__ for c in m.modules(remove_duplicate=False)],
        lambda m: list(m.state_dict(None, "x.", True)),
        lambda m: (m.set_submodule("layers.0", type(m)()), [name for name, _ in m.named_modules()]),
        lambda m: (m.set_submodule("layers.new", type(m)()), [name for name, _ in m.named_children()]),
        lambda m: [tuple(p.shape) for p in m.to_empty(device="cpu").parameters()],
        lambda m: m._get_name(),
    ],
)
def test_the_tree(look: Any) -> None:
    same(lambda m, lib: look(m))


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [
        (lambda m, lib, nn: m.missing, AttributeError),
        (lambda m, lib, nn: m.get_submodule("first.nothing"), AttributeError),
        (lambda m, lib, nn: m.register_parameter("a.b", None), KeyError),
        (lambda m, lib, nn: m.register_parameter("", None), KeyError),
        (lambda m, lib, nn: m.register_parameter("first", None), KeyError),
        (lambda m, lib, nn: m.register_parameter("x", lib.ones(2)), TypeError),
        (lambda m, lib, nn: m.register_buffer("x", 3), TypeError),
        (lambda m, lib, nn: m.register_buffer("first", None), KeyError),
        (lambda m, lib, nn: m.add_module("x", 3), TypeError),
        (lambda m, lib, nn: setattr(m, "tied", lib.ones(2, 3)), TypeError),
        (lambda m, lib, nn: setattr(m, "first", 3), TypeError),
        (lambda m, lib, nn: setattr(m.first, "steps", 3), TypeError),
        (lambda m, lib, nn: m.train("yes"), ValueError),
        (lambda m, lib, nn: m.to(lib.int64), TypeError),
        (lambda m, lib, nn: m.to(lib.zeros(1, dtype=lib.int64)), TypeError),
        (lambda m, lib, nn: m.to([1]), TypeError),
        (lambda m, lib, nn: m.to(foo=3), TypeError),
        (lambda m, lib, nn: nn.Sequential().to([1]), TypeError),
        (lambda m, lib, nn: m.set_submodule("", m), ValueError),
        (lambda m, lib, nn: m.set_submodule("first", 3), ValueError),
        (lambda m, lib, nn: m.set_submodule("first.nothing.x", m), AttributeError),
        (lambda m, lib, nn: m.set_submodule("first.weight", m), AttributeError),
        (lambda m, lib, nn: m.set_submodule("first.nothing", m, strict=True), AttributeError),
        (lambda m, lib, nn: m.load_state_dict([]), TypeError),
        (lambda m, lib, nn: nn.Module()(1), NotImplementedError),
        (
            lambda m, lib, nn: type(
                "Late", (nn.Module,), {"__init__": lambda s: setattr(s, "p", nn.Parameter(lib.ones(1)))}
            )(),
            AttributeError,
        ),
        (lambda m, lib, nn: nn.Sequential(3), TypeError),
        (lambda m, lib, nn: nn.ModuleList([nn.Identity()])[1], IndexError),
        (lambda m, lib, nn: nn.ModuleList([nn.Identity()]).__setitem__(0, 3), TypeError),
        (lambda m, lib, nn: nn.ModuleDict({"a": 3}), TypeError),
    ],
)
@pytest.mark.parametrize("both", BOTH)
def test_mistakes(both: Any, mistake: Any, kind: type[Exception]) -> None:
    lib, layers = both
    with pytest.raises(kind):
        mistake(make(lib, layers), lib, layers)


def test_loading_tells_everything_that_is_wrong() -> None:
    messages = []
    for lib, layers in ((torch, torch.nn), (candle, nn)):
        state = make(lib, layers).state_dict()
        state["extra"] = lib.ones(1)
        state["tied"] = lib.ones(1)
        del state["first.steps"]
        with pytest.raises(RuntimeError) as told:
            make(lib, layers).load_state_dict(state)
        messages.append(str(told.value).replace("torch.", "candle."))
    assert messages[0] == messages[1]
    assert all(part in messages[1] for part in ('"first.steps"', '"extra"', "size mismatch for tied"))
    state["tied"] = candle.zeros(2, 3)
    result = make(candle, nn).load_state_dict(state, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["first.steps"], ["extra"])
    assert "All keys matched" in repr(make(candle, nn).load_state_dict(make(candle, nn).state_dict()))


def test_state_dicts_go_both_ways_and_through_a_file(tmp_path: Any) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2, bias=False))
    ours = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2, bias=False))
    ours.load_state_dict({name: candle.from_dlpack(t.detach()) for name, t in theirs.state_dict().items()})
    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(
        ours(candle.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-6
    )
    candle.save(ours.state_dict(), tmp_path / "model.safetensors")
    again = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2, bias=False))
    again.load_state_dict(candle.load(tmp_path / "model.safetensors"))
    theirs.load_state_dict({name: torch.from_dlpack(t) for name, t in again.state_dict().items()})
    assert (again(candle.tensor(x)) == ours(candle.tensor(x))).all()


def test_casting_keeps_parameters_the_same_objects_with_their_gradients() -> None:
    layer = nn.Linear(2, 2)
    weight = layer.weight
    layer(candle.ones(1, 2)).sum().backward()
    layer.double()
    assert layer.weight is weight
    assert (weight.dtype, weight.grad.dtype, weight.requires_grad, weight.is_leaf) == (
        candle.float64,
        candle.float64,
        True,
        True,
    )
    layer.to("cpu", candle.float32).zero_grad()
    assert (weight.dtype, weight.grad) == (candle.float32, None)


def test_to_the_dtype_of_a_tensor() -> None:
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        layer = layers.BatchNorm1d(2).to(tensor=lib.zeros(1, dtype=lib.float64))
        assert (layer.weight.dtype, layer.num_batches_tracked.dtype) == (lib.float64, lib.int64)


@pytest.mark.parametrize("args", [(None,), (None, None), ("cpu", None), (None, "float64")])
def test_none_is_any_device_or_dtype(args: tuple[Any, ...]) -> None:
    dtypes = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        given = [lib.float64 if each == "float64" else each for each in args]
        dtypes.append(str(layers.Linear(2, 2).to(*given).weight.dtype).split(".")[1])
    assert dtypes[0] == dtypes[1]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_move_that_fails_loses_no_gradient(fails_at: int) -> None:
    kept = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        layer, calls = layers.Linear(2, 1, bias=False), []
        layer(lib.ones(1, 2)).sum().backward()

        def moved(t: Any) -> Any:
            calls.append(t)
            return t * 2 if len(calls) < fails_at else 1 / 0

        with pytest.raises(ZeroDivisionError):
            layer._apply(moved)
        kept.append(layer.weight.grad.tolist())
    assert kept[0] == kept[1] == [[1.0, 1.0]]


def test_a_child_is_moved_and_trained_its_own_way() -> None:
    seen = []
    for layers in (nn, torch.nn):

        class Frozen(layers.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm = layers.BatchNorm1d(2)

            def train(self, mode: bool = True) -> Any:
                super().train(mode)
                self.norm.eval()
                return self

            def _apply(self, fn: Any, recurse: bool = True) -> Any:
                super()._apply(fn, recurse)
                self.applied = True
                return self

        model = layers.Sequential(Frozen(), layers.Linear(2, 2)).train().double()
        assert model._apply(lambda t: t, recurse=False) is model
        seen.append(([m.training for m in model.modules()], model[0].applied))
    assert seen[0] == seen[1]


def test_another_device() -> None:
    import candle.testing.strict

    layer = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to("strict")
    out = layer(candle.ones(4, 2, device="strict"))
    out.sum().backward()
    assert str(out.device) == str(layer[1].running_mean.device) == str(layer[0].weight.grad.device) == "strict"


def test_autocast_of_layers_in_a_row() -> None:
    dtypes = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        m = layers.Sequential(layers.Linear(4, 4, bias=False), layers.Linear(4, 4), layers.ReLU(), layers.Linear(4, 2))
        with lib.autocast("cpu", dtype=lib.bfloat16):
            x, seen = lib.ones(3, 4), []
            for layer in m:
                x = layer(x)
                seen.append(str(x.dtype).partition(".")[2])
        x.float().sum().backward()
        dtypes.append((seen, [str(p.grad.dtype).partition(".")[2] for p in m.parameters()]))
    assert dtypes[0] == dtypes[1]


def test_a_module_assigned_again_keeps_its_place_in_a_sequential() -> None:
    results = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        s = layers.Sequential()
        s.double_, s.shift = layers.Linear(1, 1), layers.ReLU()
        s.double_ = layers.Linear(1, 1)
        with lib.no_grad():
            s.double_.weight.fill_(-2.0), s.double_.bias.fill_(0.0)
        results.append(s(lib.ones(1)).tolist())
    assert results[0] == results[1]


def test_containers() -> None:
    results = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        s = layers.Sequential(layers.Linear(2, 3), layers.ReLU(), layers.Linear(3, 1))
        s.insert(1, layers.Identity())
        s.append(layers.Tanh())
        del s[0]
        m = layers.ModuleList([layers.ReLU()]) + [layers.Tanh()]  # noqa: RUF005 (the operator is what is tested)
        d = layers.ModuleDict({"a": layers.ReLU(), "b": layers.Tanh()})
        d.update([("c", layers.Identity())])
        p = layers.ParameterList([layers.Parameter(lib.ones(2)), lib.ones(1)])
        q = layers.ParameterDict({"w": layers.Parameter(lib.ones(2))})
        q["v"] = lib.ones(1)
        named = layers.Sequential(__import__("collections").OrderedDict(one=layers.ReLU(), two=layers.Tanh()))
        told = [
            repr(s),
            len(s),
            repr(s[1:3]),
            repr(m),
            list(d),
            repr(d.pop("a")),
            "a" in d,
            repr(named),
            repr(named[-1]),
        ]
        names = [[name for name, _ in x.named_parameters()] for x in (p, q)]
        results.append((told, names, len(p), len(q), type(p[1]).__name__, type(q["v"]).__name__))
    assert results[0] == results[1]


def test_a_module_survives_pickle_and_deepcopy() -> None:
    layer = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert isinstance(again[0].weight, nn.Parameter)
        assert again[0].weight is not layer[0].weight
        assert (again[0].weight == layer[0].weight).all()
        again(candle.ones(1, 2)).sum().backward()
        assert layer[0].weight.grad is None


def test_a_copied_module_begins_without_gradients() -> None:
    copied = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        layer, leaf = layers.Linear(2, 1), lib.ones(2, requires_grad=True)
        layer(leaf).sum().backward()
        again = copy.deepcopy(layer)
        copied.append((again.weight.grad, again.weight.requires_grad, copy.deepcopy(leaf).grad.shape == (2,)))
        assert layer.weight.grad is not None
    assert copied[0] == copied[1] == (None, True, True)


def test_pytorchs_names_for_modules_and_base_classes() -> None:
    from candle.nn.modules import batchnorm, conv, loss, rnn, utils

    assert isinstance(nn.BatchNorm2d(1), batchnorm._BatchNorm)
    assert isinstance(nn.InstanceNorm1d(1), batchnorm._NormBase)
    assert isinstance(nn.ConvTranspose1d(1, 1, 1), conv._ConvNd)
    assert (conv.Conv2d, rnn.LSTM, rnn.GRUCell) == (nn.Conv2d, nn.LSTM, nn.GRUCell)
    assert nn.Linear(1, 1).compile(mode="reduce-overhead") is None
    assert isinstance(nn.NLLLoss(), loss._WeightedLoss)
    assert issubclass(loss._WeightedLoss, loss._Loss)
    for name in ("_single", "_pair", "_triple", "_quadruple"):
        for given in (3, [1, 2], (4, 5)):
            assert getattr(utils, name)(given) == getattr(torch.nn.modules.utils, name)(given)


def test_a_model_for_several_devices_runs_on_one() -> None:
    found = []
    for lib, layers in ((candle, nn), (torch, torch.nn)):
        model = layers.DataParallel(layers.Linear(2, 1))
        layers.init.ones_(model.module.weight)
        layers.init.zeros_(model.module.bias)
        model.eval()
        out = model(input=lib.ones(3, 2))
        found.append((out.tolist(), list(model.state_dict()), repr(model), model.module.training))
    assert found[0] == found[1]
    with pytest.raises(NotImplementedError, match=r"got \[0, 1\]"):
        nn.DataParallel(nn.Linear(2, 1), device_ids=[0, 1])


# Initialization: the moments and bounds that each scheme promises


@pytest.mark.parametrize("shape", [(300, 200), (64, 32, 3, 3)])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uniform_", {"a": -2, "b": 1}),
        ("normal_", {"mean": 1, "std": 0.5}),
        ("trunc_normal_", {"std": 0.5, "a": -0.5, "b": 1}),
        ("xavier_uniform_", {"gain": 2}),
        ("xavier_normal_", {}),
        ("kaiming_uniform_", {"a": 0.3}),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
        ("kaiming_normal_", {"mode": "fan_out"}),
        ("orthogonal_", {"gain": 1.5}),
    ],
)
def test_schemes(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    candle.manual_seed(0)
    torch.manual_seed(0)
    ours = getattr(nn.init, name)(candle.empty(shape), **options).numpy().reshape(-1).astype(float)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **options).numpy().reshape(-1).astype(float)
    spread = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 0.05 * spread
    assert abs(ours.std() / spread - 1) < 0.03
    for q in (0.01, 0.25, 0.75, 0.99):
        assert abs(np.quantile(ours, q) - np.quantile(theirs, q)) < 0.08 * spread


def test_schemes_without_chance() -> None:
    for call in (
        lambda lib, init: init.constant_(lib.empty(2, 3), 0.3),
        lambda lib, init: init.eye_(lib.empty(2, 3)),
        lambda lib, init: init.dirac_(lib.empty(4, 2, 3, 3), 2),
        lambda lib, init: init.ones_(lib.empty(2)),
        lambda lib, init: init.zeros_(lib.empty(2)),
    ):
        np.testing.assert_array_equal(call(candle, nn.init).numpy(), call(torch, torch.nn.init).numpy())
    for dtype, atol in ((candle.float32, 1e-6), (candle.float64, 1e-14), (candle.float16, 2e-3)):
        q = nn.init.orthogonal_(candle.empty(3, 5, dtype=dtype))
        np.testing.assert_allclose((q @ q.T).numpy(), np.eye(3), atol=atol)
    assert (nn.init.sparse_(candle.empty(10, 4), 0.3) == 0).sum(0).tolist() == [3] * 4
    for gain in ("linear", "tanh", "relu", "leaky_relu", "selu", "conv2d", "sigmoid"):
        assert nn.init.calculate_gain(gain) == pytest.approx(torch.nn.init.calculate_gain(gain))
    for old in ("constant", "eye", "uniform", "xavier_normal", "kaiming_uniform", "orthogonal"):
        assert hasattr(torch.nn.init, old)
        with pytest.warns(FutureWarning, match=f"nn.init.{old} is deprecated: use nn.init.{old}_"):
            assert getattr(nn.init, old) is getattr(nn.init, f"{old}_")
    assert not hasattr(nn.init, "swish")
    with pytest.raises(ValueError, match="unknown nonlinearity 'swish'"):
        nn.init.calculate_gain("swish")
    with pytest.raises(ValueError, match="two dims"):
        nn.init.xavier_normal_(candle.empty(3))
