"""Random numbers: seeds and states repeat them, generators keep them apart, and they are distributed as promised."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import candle

from .oracle import name_of

DRAWS = {
    "rand": lambda g: candle.rand(5, generator=g),
    "randn": lambda g: candle.randn(5, generator=g),
    "randint": lambda g: candle.randint(0, 100, (5,), generator=g),
    "randperm": lambda g: candle.randperm(20, generator=g),
    "normal": lambda g: candle.normal(0.0, 2.0, (5,), generator=g),
    "bernoulli": lambda g: candle.bernoulli(candle.full((30,), 0.5), generator=g),
    "multinomial": lambda g: candle.multinomial(candle.ones(50), 5, generator=g),
    "multinomial with replacement": lambda g: candle.multinomial(candle.ones(50), 5, True, generator=g),
    "uniform_": lambda g: candle.empty(5).uniform_(generator=g),
    "normal_": lambda g: candle.empty(5).normal_(generator=g),
    "bernoulli_": lambda g: candle.empty(30).bernoulli_(generator=g),
    "complex": lambda g: candle.randn(5, dtype=candle.complex64, generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_repeats_and_another_differs(draw) -> None:
    candle.manual_seed(1)
    first, second = draw(None).tolist(), draw(None).tolist()
    candle.manual_seed(1)
    assert draw(None).tolist() == first
    assert first != second
    candle.manual_seed(2)
    assert draw(None).tolist() != first


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_generator_of_its_own_leaves_the_programs_alone(draw) -> None:
    state = candle.get_rng_state().tolist()
    first = draw(candle.Generator().manual_seed(5)).tolist()
    assert draw(candle.Generator().manual_seed(5)).tolist() == first
    assert candle.get_rng_state().tolist() == state


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_state_brings_back_the_same_numbers(draw) -> None:
    draw(None)
    state = candle.get_rng_state()
    first = draw(None).tolist()
    draw(None)
    candle.set_rng_state(state)
    assert draw(None).tolist() == first


def test_the_state_is_a_tensor_of_bytes() -> None:
    state = candle.get_rng_state()
    assert name_of(state.dtype) == name_of(torch.get_rng_state().dtype) == "uint8"
    kept = candle.tensor(state.tolist(), dtype=candle.uint8)  # through a file, say
    first = candle.rand(3).tolist()
    candle.set_rng_state(kept)
    assert candle.rand(3).tolist() == first


def test_generators_are_separate() -> None:
    a, b = candle.Generator().manual_seed(1), candle.Generator().manual_seed(1)
    first = [candle.rand(3, generator=a).tolist() for _ in range(3)]
    assert [candle.rand(3, generator=b).tolist() for _ in range(3)] == first
    b.set_state(a.get_state())
    assert candle.rand(3, generator=a).tolist() == candle.rand(3, generator=b).tolist()


def test_seeds_are_reported() -> None:
    assert candle.manual_seed(12).initial_seed() == 12
    assert candle.initial_seed() == 12
    fresh = candle.seed()
    assert candle.initial_seed() == fresh != 12
    assert candle.Generator().manual_seed(7).initial_seed() == 7
    candle.manual_seed(-1)
    first = candle.rand(2).tolist()
    candle.manual_seed(-1)
    assert candle.rand(2).tolist() == first


def test_without_a_seed_two_generators_differ() -> None:
    a, b = (candle.rand(8, generator=candle.Generator()).tolist() for _ in "ab")
    assert a != b


def test_the_numbers_do_not_depend_on_how_they_are_asked_for() -> None:
    """One stream: five numbers are five numbers."""
    candle.manual_seed(3)
    together = candle.rand(6, dtype=candle.float64).tolist()
    candle.manual_seed(3)
    apart = candle.rand(2, dtype=candle.float64).tolist() + candle.rand(2, 2, dtype=candle.float64).flatten().tolist()
    assert apart == together


# --- distributions ---------------------------------------------------------------------------------

N = 40_000


def close(value: float, expected: float, deviation: float) -> bool:
    """Within five standard errors: a fixed seed makes it certain, the law makes it likely for every seed."""
    return abs(value - expected) < 5 * deviation / math.sqrt(N)


@pytest.fixture(autouse=True)
def seeded() -> None:
    candle.manual_seed(1234)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_rand_is_uniform_below_one(dtype: str) -> None:
    x = candle.rand(N, dtype=getattr(candle, dtype))
    assert name_of(x.dtype) == dtype
    assert x.min().item() >= 0
    assert x.max().item() < 1
    values = x.double()
    assert close(values.mean().item(), 0.5, 0.29) or dtype == "bfloat16"
    assert close((values < 0.25).double().mean().item(), 0.25, 0.44) or dtype == "bfloat16"


def test_randn_is_normal() -> None:
    x = candle.randn(N, dtype=candle.float64)
    assert close(x.mean().item(), 0, 1)
    assert close(x.var().item(), 1, math.sqrt(2))
    assert close((x < 1).double().mean().item(), 0.8413, 0.37)
    z = candle.randn(N, dtype=candle.complex128)
    assert close((z.real**2).mean().item(), 0.5, 0.75)
    assert close((z.real * z.imag).mean().item(), 0, 0.5)


def test_normal_takes_means_and_deviations() -> None:
    mean, std = candle.tensor([[-10.0], [10.0]]).expand(2, N), candle.tensor([[1.0], [3.0]]).expand(2, N)
    x = candle.normal(mean, std)
    assert [close(m, e, s) for m, e, s in zip(x.mean(1).tolist(), (-10, 10), (1, 3), strict=True)] == [True, True]
    assert candle.normal(2.0, candle.zeros(3)).tolist() == [2.0] * 3
    assert candle.normal(5.0, 0.0, (2,)).tolist() == [5.0, 5.0]
    with pytest.raises(RuntimeError, match=r"normal.*negative.*-1"):
        candle.normal(0.0, -1.0, (2,))


def test_randint_covers_its_range() -> None:
    x = candle.randint(-2, 3, (N,))
    assert name_of(x.dtype) == "int64"
    counts = np.bincount(x.numpy() + 2, minlength=5) / N
    assert all(close(share, 0.2, 0.4) for share in counts)
    assert candle.randint(5, (3,)).shape == (3,)
    assert candle.randint(0, 2**40, (100,)).max().item() > 2**32
    with pytest.raises(RuntimeError, match=r"randint.*3.*3"):
        candle.randint(3, 3, (2,))


def test_randperm_is_a_permutation() -> None:
    assert sorted(candle.randperm(100).tolist()) == list(range(100))
    first = [candle.randperm(4)[0].item() for _ in range(2000)]
    assert all(420 < first.count(i) < 580 for i in range(4))
    assert candle.randperm(0).shape == (0,)


def test_bernoulli_keeps_its_promise() -> None:
    p = candle.tensor([0.0, 0.3, 1.0])
    x = candle.bernoulli(p.expand(N, 3))
    low, middle, high = x.mean(0).tolist()
    assert (low, high) == (0.0, 1.0)
    assert close(middle, 0.3, 0.46)
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        candle.bernoulli(candle.tensor([1.5]))


def test_multinomial_draws_in_proportion() -> None:
    weights = candle.tensor([1.0, 0.0, 3.0, 6.0])
    x = candle.multinomial(weights, N, replacement=True)
    counts = np.bincount(x.numpy(), minlength=4) / N
    assert counts[1] == 0
    assert all(close(share, expected, 0.5) for share, expected in zip(counts, (0.1, 0, 0.3, 0.6), strict=True))
    few = candle.multinomial(weights.expand(N, 4), 3)
    assert (few.sort(1)[0] == candle.tensor([0, 2, 3])).all().item()  # without replacement: each once
    first = np.bincount(few[:, 0].numpy(), minlength=4) / N
    assert all(close(share, expected, 0.5) for share, expected in zip(first, (0.1, 0, 0.3, 0.6), strict=True))


def test_multinomial_says_nothing_of_zeros() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert candle.multinomial(candle.tensor([0.0, 1.0]), 1).tolist() == [1]


@pytest.mark.parametrize(
    ("weights", "samples", "says"),
    [
        ([1.0, 1.0], 3, "3"),
        ([1.0, -1.0], 1, "negative"),
        ([0.0, 0.0], 1, "positive"),
        ([1.0, 0.0], 2, "positive"),
        ([1.0], 0, "0"),
    ],
)
def test_multinomial_refuses(weights: list[float], samples: int, says: str) -> None:
    with pytest.raises(RuntimeError, match=f"multinomial.*{says}"):
        candle.multinomial(candle.tensor(weights), samples)


def test_dropout_scales_what_it_keeps() -> None:
    x = candle.ones(N, requires_grad=True)
    y = candle.dropout(x, 0.25, True)
    kept = (y != 0).double().mean().item()
    assert close(kept, 0.75, 0.44)
    assert sorted({round(v, 6) for v in y.tolist()}) == [0.0, round(1 / 0.75, 6)]
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()
    assert candle.dropout(x, 0.5, False) is x
    assert candle.dropout(x, 1.0, True).sum().item() == 0
    with pytest.raises(ValueError, match=r"dropout.*1\.5"):
        candle.dropout(x, 1.5, True)


def test_like_takes_shape_and_dtype() -> None:
    x = candle.zeros(2, 3, dtype=candle.float64)
    for make in (candle.rand_like, candle.randn_like, lambda t: candle.randint_like(t, 5)):
        assert make(x).shape == (2, 3)
        assert make(x).dtype is candle.float64
    assert candle.rand(2, 3, requires_grad=True).requires_grad


def test_a_state_remembers_its_seed() -> None:
    generator = candle.Generator().manual_seed(7)
    state = generator.get_state()
    other = candle.Generator().set_state(state)
    assert (
        other.initial_seed() == torch.Generator().set_state(torch.Generator().manual_seed(7).get_state()).initial_seed()
    )
    assert candle.equal(candle.rand(3, generator=generator), candle.rand(3, generator=other))


@pytest.mark.parametrize("draw", ["rand", "randn"])
def test_only_floats_are_drawn(draw: str) -> None:
    for lib in (candle, torch):
        with pytest.raises(RuntimeError):
            getattr(lib, draw)(2, dtype=lib.int64)
        with pytest.raises(RuntimeError):
            getattr(lib, f"{draw}_like")(lib.ones(2, dtype=lib.int64))


def test_permutations_fit_their_dtype() -> None:
    for lib in (candle, torch):
        assert sorted(lib.randperm(256, dtype=lib.uint8).tolist()) == list(range(256))
        with pytest.raises(RuntimeError, match="overflow"):
            lib.randperm(300, dtype=lib.uint8)


def test_integers_are_drawn_by_keyword() -> None:
    for lib in (candle, torch):
        draws = lib.randint(high=5, size=(2, 3), generator=lib.Generator().manual_seed(0))
        again = lib.randint_like(draws, 5, generator=lib.Generator().manual_seed(0))
        assert draws.tolist() == again.tolist()
        with pytest.raises(TypeError):
            lib.randint(5)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda lib: lib.rand(2, generator=5), TypeError, "Generator.* 5"),
        (lambda lib: lib.rand(2, -1), RuntimeError, r"sizes must not be negative: \(2, -1\)"),
        (lambda lib: lib.randint(3, (-1,)), RuntimeError, r"sizes must not be negative: \(-1,\)"),
        (lambda lib: lib.Generator("cuda:7"), RuntimeError, "cuda"),
        (lambda lib: lib.set_rng_state(lib.zeros(3, dtype=lib.uint8)), RuntimeError, "get_state"),
    ],
)
def test_what_no_numbers_come_from(call: Any, error: type[Exception], says: str) -> None:
    before = candle.get_rng_state()
    with pytest.raises(error):
        call(torch)
    with pytest.raises(error, match=says):
        call(candle)
    assert candle.equal(candle.get_rng_state(), before)


def test_no_permutation_of_fewer_than_nothing() -> None:
    with pytest.raises(RuntimeError, match="randperm: n must not be negative, got -1"):
        candle.randperm(-1)
