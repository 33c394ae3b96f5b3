"""The table of a model's layers."""

from __future__ import annotations

from threading import Barrier, Event, Thread
from typing import Any

import pytest

import candle
from candle import nn
from candle.utils.checkpoint import checkpoint


def work(layer: Any, *shape: int) -> int:
    return nn.summary(layer, candle.zeros(*shape)).multiply_adds


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(5, 7), (3, 4, 5), 3 * 4 * 5 * 7),
        (nn.Linear(5, 7, bias=False), (5,), 5 * 7),
        (nn.MultiheadAttention(8, 2), None, 3 * 5 * 8 * 32 + 2 * 3 * 5 * 5 * 8),
        (nn.GroupedQueryAttention(8, 4, 2), (3, 5, 8), 3 * 5 * 8 * (8 + 4 + 4 + 8) + 2 * 3 * 5 * 5 * 8),
        (nn.GRU(4, 6), (7, 2, 4), 7 * 2 * 3 * 6 * (4 + 6)),
        (nn.LSTM(4, 6, bidirectional=True), (7, 2, 4), 2 * 7 * 2 * 4 * 6 * (4 + 6)),
        (nn.Sequential(nn.ReLU(), nn.LayerNorm(4)), (2, 4), 0),
    ],
)
def test_multiply_adds(layer: Any, shape: Any, expected: int) -> None:
    if shape is None:
        x = candle.zeros(5, 3, 8)
        assert nn.summary(layer, x, x, x).multiply_adds == expected
    else:
        assert work(layer, *shape) == expected


def test_convolutions() -> None:
    assert work(nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), 5, 4, 8, 8) == 5 * 6 * 4 * 4 * 2 * 9
    assert work(nn.ConvTranspose1d(4, 6, 3), 5, 4, 8) == 5 * 4 * 8 * 6 * 3


def test_what_leaves_no_graph_behind_is_counted() -> None:
    class Quiet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.third = (nn.Linear(4, 4) for _ in range(3))

        def forward(self, x: Any) -> Any:
            with candle.no_grad():
                x = self.first(x)
            x = checkpoint(self.second, x)
            return self.third(x.detach()).argmax(-1)

    told = nn.summary(Quiet(), candle.zeros(2, 4))
    assert [row.work for row in told.rows] == [0, 32, 32, 32]
    tokens = nn.Sequential(nn.Embedding(5, 4).requires_grad_(False), nn.Linear(4, 3))
    with candle.inference_mode():
        assert nn.summary(tokens, candle.tensor([1, 2])).multiply_adds == 2 * 12


@pytest.mark.parametrize(
    ("x", "y"), [((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)), ((5, 1, 3, 4), (6, 4, 2)), ((5, 3, 4), (4, 2))]
)
def test_every_form_of_a_matrix_product(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    class Product(nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x @ y

    a, b = candle.zeros(x), candle.zeros(y)
    assert nn.summary(Product(), a, b).multiply_adds == (a @ b).numel() * 4  # the size that is summed over


def test_parameters_are_counted_once_and_where_they_are() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared, nn.MultiheadAttention(4, 2).out_proj)
    told = nn.summary(model, candle.zeros(2, 4))
    assert [row.parameters for row in told.rows] == [0, 20, 0, None, 20]
    assert [row.work for row in told.rows] == [0, 32, 0, 32, 32]
    assert told.parameters == 40
    assert str(told).count("(above)") == 1


def test_layers_that_are_only_read_belong_to_their_reader() -> None:
    attention = nn.MultiheadAttention(8, 2)
    x = candle.zeros(5, 3, 8)
    (row,) = nn.summary(attention, x, x, x).rows
    assert row.parameters == sum(p.numel() for p in attention.parameters())


def test_rows_add_up_to_the_whole() -> None:
    model = nn.Transformer(8, 2, 2, 2, 16)
    src, tgt = candle.zeros(5, 3, 8), candle.zeros(4, 3, 8)
    told = nn.summary(model, src, tgt)
    assert sum(row.parameters or 0 for row in told.rows) == told.parameters == told.trainable
    assert told.rows[0].shape == "(4, 3, 8)"
    assert nn.summary(model.encoder, src).multiply_adds + nn.summary(model.decoder, tgt, src).multiply_adds == (
        told.multiply_adds
    )


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.BatchNorm1d(4), nn.Dropout(0.5))
    model[2].eval()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    with candle.no_grad():
        told = nn.summary(model, candle.randn(3, 4))
    assert (told.parameters, told.trainable, told.multiply_adds) == (28, 8, 48)
    assert [m.training for m in model] == [True, True, False]
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    assert all((x == before[name]).all() for name, x in model.state_dict().items())
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.modules())
    with pytest.raises(RuntimeError, match="linear"):
        nn.summary(model, candle.randn(3, 5))
    assert [m.training for m in model] == [True, True, False]
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.modules())


def test_summaries_that_overlap() -> None:
    entered, left, inner = Event(), Event(), []

    class Late(nn.Module):
        def forward(self, x: Any) -> Any:
            y = x @ x
            entered.set()
            assert left.wait(10)
            return y @ y

    class Early(nn.Module):
        def forward(self, x: Any) -> Any:
            other.start()
            assert entered.wait(10)
            return x @ x

    x = candle.zeros(4, 4)
    other = Thread(target=lambda: inner.append(nn.summary(Late(), x).multiply_adds))
    before = {op: x._backend.kernels[op] for op in ("matmul", "linear", "conv", "lstm")}
    assert work(Early(), 2, 2) == 2**3
    left.set()
    other.join()
    assert inner == [2 * 4**3]
    assert {op: x._backend.kernels[op] for op in before} == before


def test_summaries_of_one_model_at_once() -> None:
    meet, found = Barrier(2, timeout=10), []

    class Slow(nn.Module):
        def forward(self, x: Any) -> Any:
            meet.wait()
            return x

    model = nn.Sequential(nn.Linear(3, 3), Slow(), nn.Sequential(nn.Linear(3, 2)), Slow())
    model[2].eval()
    x = candle.zeros(4, 3)
    threads = [Thread(target=lambda: found.append(nn.summary(model, x))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[row.name for row in each.rows] for each in found] == [["", "0", "1", "2", "0", "3"]] * 2
    assert [each.multiply_adds for each in found] == [4 * 3 * (3 + 2)] * 2
    assert [module.training for module in model] == [True, True, False, True]


@pytest.mark.parametrize("in_hook", [True, False])
def test_a_layer_that_fails_and_is_caught(in_hook: bool) -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Sequential(nn.Linear(3, 3)), nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            with pytest.raises((RuntimeError, ZeroDivisionError)):
                self.first(x)
            return self.second(x)

    model = Careful()
    if in_hook:
        model.first[0].register_forward_pre_hook(lambda m, args: 1 / 0)
    rows = nn.summary(model, candle.zeros(2, 4)).rows
    failed = [("first", 1, "")] if in_hook else [("first", 1, ""), ("0", 2, "")]
    assert [(r.name, r.depth, r.shape) for r in rows] == [("", 0, "(2, 4)"), *failed, ("second", 1, "(2, 4)")]


def test_the_table() -> None:
    lines = str(nn.summary(nn.LSTM(4, 6), candle.zeros(7, 2, 4))).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert lines[2].split() == ["LSTM", "(7,", "2,", "6),", "(1,", "2,", "6),", "(1,", "2,", "6)", "288", "3,360"]
    assert lines[-1] == "parameters: 288 (288 trainable), multiply-adds: 3,360"
