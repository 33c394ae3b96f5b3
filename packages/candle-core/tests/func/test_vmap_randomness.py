"""Random numbers under vmap: refused, the same for all examples, or different for each."""

from __future__ import annotations

import pytest
import torch

import candle

DRAWS = {
    "rand": lambda lib, r: lib.rand(300),
    "randn": lambda lib, r: lib.randn(300),
    "randint": lambda lib, r: lib.randint(0, 100, (300,)),
    "randperm": lambda lib, r: lib.randperm(300),
    "rand_like": lambda lib, r: lib.rand_like(r),
    "randn_like": lambda lib, r: lib.randn_like(r),
    "randint_like": lambda lib, r: lib.randint_like(r, 100),
    "bernoulli": lambda lib, r: lib.bernoulli(r * 0 + 0.5),
    "normal_": lambda lib, r: r.clone().normal_(),
    "uniform_": lambda lib, r: r.clone().uniform_(),
    "bernoulli_": lambda lib, r: r.clone().bernoulli_(0.5),
    "dropout": lambda lib, r: (lib.nn.functional if lib is torch else lib).dropout(r * 0 + 1, 0.5, True),
    "multinomial": lambda lib, r: r.exp().multinomial(300, replacement=True),
    "attention": lambda lib, r: attention(lib, r.reshape(10, 30)),
}


def attention(lib, x):
    return (lib.nn.functional if lib is torch else lib).scaled_dot_product_attention(x, x, x, dropout_p=0.5)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_by_default_random_numbers_are_refused(draw) -> None:
    for lib in (torch, candle):
        with pytest.raises(RuntimeError, match="random"):
            lib.vmap(lambda r: draw(lib, r))(lib.ones(2, 300))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_same_and_different(draw, randomness: str) -> None:
    """PyTorch, too, is asked: the table must not claim what it does not do."""
    refused = randomness == "same" and draw in (DRAWS["bernoulli"], DRAWS["multinomial"])  # by PyTorch
    for lib in (candle,) if refused else (torch, candle):
        out = lib.vmap(lambda r: draw(lib, r), randomness=randomness)(lib.ones(2, 300))
        assert out.shape[0] == 2
        assert bool((out[0] == out[1]).all()) is (randomness == "same"), lib.__name__


def test_different_in_nested_levels() -> None:
    one = candle.vmap(lambda r: candle.rand(50), randomness="different")
    out = candle.vmap(one, randomness="different")(candle.ones(2, 3, 50))
    assert len({tuple(row) for row in out.reshape(6, 50).tolist()}) == 6


def test_the_inner_level_says_for_itself() -> None:
    one = candle.vmap(lambda r: candle.rand(50), randomness="same")
    out = candle.vmap(one, randomness="different")(candle.ones(2, 3, 50))
    assert len({tuple(row) for row in out.reshape(6, 50).tolist()}) == 2


def test_different_in_chunks() -> None:
    out = candle.vmap(lambda r: candle.rand(50), randomness="different", chunk_size=2)(candle.ones(4, 50))
    assert len({tuple(row) for row in out.tolist()}) == 4


def test_the_same_in_chunks() -> None:
    """Not chunk by chunk: the chunk size must not change the answer."""
    out = candle.vmap(lambda r: candle.rand(50), randomness="same", chunk_size=2)(candle.ones(4, 50))
    expected = torch.vmap(lambda r: torch.rand(50), randomness="same", chunk_size=2)(torch.ones(4, 50))
    assert len({tuple(row) for row in out.tolist()}) == len({tuple(row) for row in expected.tolist()})


def test_drawing_before_is_no_problem() -> None:
    noise = candle.rand(3)
    assert candle.vmap(lambda r: r + noise)(candle.zeros(2, 3)).tolist() == [noise.tolist()] * 2


def test_a_seed_repeats_it() -> None:
    draw = candle.vmap(lambda r: candle.rand(3), randomness="different")
    candle.manual_seed(3)
    first = draw(candle.ones(2, 3)).tolist()
    candle.manual_seed(3)
    assert draw(candle.ones(2, 3)).tolist() == first


def test_the_gradient_of_dropout_is_by_the_example_s_own_mask() -> None:
    x = candle.ones(4, 200)
    loss = lambda r: (candle.dropout(r, 0.5) * 3).sum()  # noqa: E731
    found = candle.vmap(candle.func.grad(loss), randomness="different")(x)
    rows = [tuple(row) for row in found.tolist()]
    assert len(set(rows)) == 4
    assert {value for row in rows for value in row} == {0.0, 6.0}


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_jacfwd_passes_it_on(randomness: str) -> None:
    def program(lib):
        out = lib.func.jacfwd(lambda x: x * lib.rand(30), randomness=randomness)(lib.ones(30))
        return len(set(out.diagonal().tolist() if lib is torch else [out[i, i].item() for i in range(30)]))

    assert program(candle) == program(torch)


def test_jacfwd_refuses_by_default() -> None:
    with pytest.raises(RuntimeError, match="random"):
        candle.func.jacfwd(lambda x: x * candle.rand(3))(candle.ones(3))
