"""Windows of text: what they hold, and that no more than that is copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import candle
from candle.datasets import CharacterVocabulary, TextWindows

TEXT = "to be, or not to be"


@pytest.mark.parametrize("length", [1, 4, 18])
@pytest.mark.parametrize("stride", [1, 3, 20])
def test_windows_are_the_pieces_of_the_text(length: int, stride: int) -> None:
    windows = TextWindows(TEXT, length, stride)
    starts = [s for s in range(0, len(TEXT), stride) if s + length + 1 <= len(TEXT)]
    assert len(windows) == len(starts)
    for (x, y), start in zip(windows, starts, strict=True):
        assert x.dtype is y.dtype is candle.int64
        assert windows.vocabulary.decode(x) == TEXT[start : start + length]
        assert windows.vocabulary.decode(y) == TEXT[start + 1 : start + length + 1]
    every = [*range(len(windows)), -1]
    xs, ys = windows.__getbatch__(every)
    assert xs.tolist() == [windows[i][0].tolist() for i in every]
    assert ys.tolist() == [windows[i][1].tolist() for i in every]
    for index in (len(windows), -len(windows) - 1):
        with pytest.raises(IndexError):
            windows[index]
        with pytest.raises(IndexError, match=f"out of range for {len(windows)} windows"):
            windows.__getbatch__([0, index])


KINDS: dict[str, Any] = {
    "tensor": candle.arange,
    "int32": lambda n: candle.arange(n, dtype=candle.int32),
    "array": np.arange,
    "uint16": lambda n: np.arange(n, dtype=np.uint16),
    "list": lambda n: list(range(n)),
    "bytes": lambda n: bytes(range(n)),
    "every other": lambda n: np.arange(2 * n)[::2] // 2,
    "big-endian": lambda n: np.arange(n, dtype=">i4"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_of_every_kind(kind: str) -> None:
    windows = TextWindows(KINDS[kind](50), 3, 10)
    assert [(x.tolist(), y.tolist()) for x, y in windows] == [
        (list(range(s, s + 3)), list(range(s + 1, s + 4))) for s in (0, 10, 20, 30, 40)
    ]
    assert windows.vocabulary is None
    xs, ys = windows.__getbatch__([4, 1])
    assert (xs.dtype, ys.dtype) == (candle.int64, candle.int64)
    assert xs.tolist() == [[40, 41, 42], [10, 11, 12]]


def test_a_loader_gives_batches() -> None:
    from candle.utils.data import DataLoader

    ((x, y), *more) = DataLoader(TextWindows(np.arange(100), 8), batch_size=90)
    assert (tuple(x.shape), tuple(y.shape), len(more)) == ((90, 8), (90, 8), 1)
    np.testing.assert_array_equal(y.numpy(), x.numpy() + 1)


def test_no_windows_at_all() -> None:
    x, y = TextWindows("hello", 3).__getbatch__([])
    assert (tuple(x.shape), x.dtype) == (tuple(y.shape), y.dtype) == ((0, 3), candle.int64)


@pytest.mark.parametrize("dtype", [np.int64, np.uint16])
@pytest.mark.parametrize("take", [lambda w: w[0], lambda w: w.__getbatch__([0, 3]), lambda w: w.__getbatch__([0])])
def test_what_is_taken_may_be_changed(dtype: Any, take: Any) -> None:
    """Neither the other half nor the text, which is the user's and not copied, changes with it."""
    tokens = np.arange(10, dtype=dtype)
    windows = TextWindows(tokens, 3)
    tokens[1] = 77
    x, y = take(windows)
    assert x.is_contiguous()
    assert y.is_contiguous()
    x.fill_(-1)
    y.view(-1)[0] += 1
    assert y.flatten()[:3].tolist() == [78, 2, 3]
    assert tokens.tolist() == [0, 77, *range(2, 10)]


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "tokens.bin"
    np.arange(1000, dtype=np.uint16).tofile(path)
    tokens = np.memmap(path, np.uint16, "r")
    windows = TextWindows(tokens, 4)
    assert windows.tokens is tokens
    assert type(windows[0][0].numpy()) is np.ndarray  # of memory, or pickling it would name the file
    assert len(windows) == 996
    assert windows[995][1].tolist() == [996, 997, 998, 999]
    assert windows.__getbatch__([0, 995])[0].tolist() == [[0, 1, 2, 3], [995, 996, 997, 998]]


def test_a_vocabulary_can_be_given() -> None:
    vocabulary = CharacterVocabulary(TEXT)
    validation = TextWindows("bet", 2, vocabulary=vocabulary)
    assert validation.vocabulary is vocabulary
    assert vocabulary.decode(validation[0][1]) == "et"


@pytest.mark.parametrize("text", [TEXT, "", "a", "äöü ∑ 🕯\n\t\0", "".join(map(chr, range(1, 2000)))])
def test_encoding_there_and_back(text: str) -> None:
    vocabulary = CharacterVocabulary(text)
    tokens = vocabulary.encode(text)
    assert (tokens.dtype, tuple(tokens.shape)) == (candle.int64, (len(text),))
    assert vocabulary.decode(tokens) == vocabulary.decode(tokens.tolist()) == text
    assert len(vocabulary) == len(set(text))
    order = sorted(set(text))
    assert [order[token] for token in tokens.tolist()] == list(text)


def test_decoding_other_iterables() -> None:
    vocabulary = CharacterVocabulary("abc")
    assert vocabulary.decode([]) == ""
    for tokens in (iter([0, 2]), {0: "", 2: ""}, np.uint8([0, 2]), b"\0\2", list(candle.tensor([0, 2]))):
        assert vocabulary.decode(tokens) == "ac"


def test_vocabulary_repr_and_membership() -> None:
    vocabulary = CharacterVocabulary("aba")
    assert repr(vocabulary) == "CharacterVocabulary('ab')"
    assert "a" in vocabulary
    assert "c" not in vocabulary


def test_repr() -> None:
    assert repr(TextWindows(np.arange(100), 8, 4)).splitlines() == [
        "Dataset TextWindows",
        "    Number of datapoints: 23",
        "    Tokens: 100",
        "    Length: 8",
        "    Stride: 4",
    ]


MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "unknown character": (lambda: CharacterVocabulary("ab").encode("abc"), ValueError, "has no 'c'; it has 'ab'"),
    "a negative number": (lambda: CharacterVocabulary("ab").decode([1, -1]), IndexError, "decode: -1 is no number"),
    "a large number": (lambda: CharacterVocabulary("ab").decode([2, 1]), IndexError, "2 is .* vocabulary's 2 characters"),
    "a matrix": (lambda: CharacterVocabulary("ab").decode(candle.tensor([[1]])), TypeError, r"int64 of shape \(1, 1\)"),
    "a scalar": (lambda: CharacterVocabulary("ab").decode(candle.tensor(1)), TypeError, r"decode: .* int64 of shape \(\)"),
    "a slice": (lambda: TextWindows("abc", 1)[0:2], TypeError, r"a slice .* use Subset\(windows, range"),
    "an empty vocabulary": (lambda: TextWindows("ab", 1, vocabulary=CharacterVocabulary("")), ValueError, "has no 'a'"),
    "too short": (lambda: TextWindows("abc", 3), ValueError, "3 tokens are too few for length 3, which needs 4"),
    "no length": (lambda: TextWindows("abc", 0), ValueError, "length 0 and stride 1 must be at least 1"),
    "no stride": (lambda: TextWindows("abc", 1, 0), ValueError, "length 1 and stride 0"),
    "floats": (lambda: TextWindows(np.zeros(9), 2), TypeError, r"expected integers \(T,\), got float64 of shape \(9,\)"),
    "a batch": (lambda: TextWindows(candle.zeros(2, 9).long(), 2), TypeError, r"got int64 of shape \(2, 9\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_named(case: str) -> None:
    call, kind, message = MISTAKES[case]
    with pytest.raises(kind, match=message):
        call()
