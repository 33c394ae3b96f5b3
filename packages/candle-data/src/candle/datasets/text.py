"""Text as numbers: a vocabulary of characters, and the windows that a language model learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

import candle
from candle.utils.data import Dataset

__all__ = ["CharacterVocabulary", "TextWindows"]


class CharacterVocabulary:
    """The characters of a text in order, numbered.

    >>> vocabulary = CharacterVocabulary("hello")
    >>> vocabulary.characters, len(vocabulary)
    ('ehlo', 4)
    >>> vocabulary.encode("hole")
    tensor([1, 3, 2, 0])
    >>> vocabulary.decode([1, 3, 2, 0])
    'hole'
    """

    def __init__(self, text: str):
        self.characters = "".join(sorted(set(text)))
        self._number = {character: i for i, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self._number

    def encode(self, text: str) -> candle.Tensor:
        """The numbers of the characters, int64 (T,)."""
        try:
            return candle.from_numpy(np.fromiter(map(self._number.__getitem__, text), np.int64, len(text)))  # type: ignore[no-any-return]
        except KeyError as error:
            raise ValueError(f"encode: the vocabulary has no {error.args[0]!r}; it has {self.characters!r}") from None

    def decode(self, tokens: candle.Tensor | Iterable[int]) -> str:
        """The text of such numbers."""
        known = isinstance(tokens, candle.Tensor | np.ndarray)
        numbers = _integers("decode", tokens if known else list(tokens)).tolist()
        if numbers and (wrong := {min(numbers), max(numbers)}.difference(range(len(self)))):
            raise IndexError(f"decode: {wrong.pop()} is no number of the vocabulary's {len(self)} characters")
        return "".join(map(self.characters.__getitem__, numbers))

    def __repr__(self) -> str:
        return f"CharacterVocabulary({self.characters!r})"


class TextWindows(Dataset[tuple[candle.Tensor, candle.Tensor]]):
    """Pieces of a text, and what comes next at each of their places: x = t[s:s+length], y = t[s+1:s+length+1].

    The windows begin at s = 0, stride, 2 stride, ... The text is a string (its characters are numbered by
    `vocabulary`, or one of its own), or integers already: bytes, a tensor, a NumPy array, or an np.memmap, which
    stays on the disk. It is not copied, but what is taken from it: x and y, int64 (length,), may be written to.

    >>> windows = TextWindows("hello", length=3)
    >>> len(windows), windows[0]
    (2, (tensor([1, 0, 2]), tensor([0, 2, 2])))
    >>> windows.vocabulary.decode(windows[1][1])
    'llo'
    """

    def __init__(
        self,
        text_or_tokens: str | bytes | candle.Tensor | np.ndarray | Sequence[int],
        length: int,
        stride: int = 1,
        vocabulary: CharacterVocabulary | None = None,
    ):
        if isinstance(text_or_tokens, str):
            vocabulary = CharacterVocabulary(text_or_tokens) if vocabulary is None else vocabulary
            text_or_tokens = vocabulary.encode(text_or_tokens)
        self.tokens, self.vocabulary = _integers("TextWindows", text_or_tokens), vocabulary
        self.length, self.stride = length, stride
        if length < 1 or stride < 1:
            raise ValueError(f"TextWindows: length {length} and stride {stride} must be at least 1")
        if len(self.tokens) <= length:
            raise ValueError(
                f"TextWindows: {len(self.tokens)} tokens are too few for length {length}, which needs {length + 1}"
            )

    def __len__(self) -> int:
        return (len(self.tokens) - self.length - 1) // self.stride + 1

    def __getitem__(self, index: Any) -> tuple[candle.Tensor, candle.Tensor]:
        if isinstance(index, slice):
            raise TypeError("TextWindows: a slice is no number of a window; use Subset(windows, range(...))")
        start = range(len(self))[index] * self.stride
        piece = self.tokens[start : start + self.length + 1]
        return _copied(piece[:-1]), _copied(piece[1:])

    def __getbatch__(self, indices: Sequence[int]) -> list[candle.Tensor]:
        """x and y of several windows, (B, T) each."""
        numbers, n = np.asarray(indices, None if len(indices) else np.int64), len(self)
        if len(numbers) and not -n <= numbers.min() <= numbers.max() < n:
            raise IndexError(f"TextWindows: an index of {indices} is out of range for {n} windows")
        (step,) = self.tokens.strides
        every = as_strided(self.tokens, (n, self.length + 1), (self.stride * step, step), writeable=False)
        pieces = every[numbers]  # takes half the time of gathering token by token
        return [_copied(pieces[:, :-1]), _copied(pieces[:, 1:])]

    def __repr__(self) -> str:
        return (
            f"Dataset TextWindows\n    Number of datapoints: {len(self)}\n    Tokens: {len(self.tokens)}\n"
            f"    Length: {self.length}\n    Stride: {self.stride}"
        )


def _integers(name: str, tokens: Any) -> np.ndarray:
    """As a NumPy array (T,), which shares the memory."""
    if isinstance(tokens, bytes):
        tokens = memoryview(tokens)  # for NumPy, too, a sequence of integers
    array = tokens.cpu().numpy() if isinstance(tokens, candle.Tensor) else np.asanyarray(tokens)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"{name}: expected integers (T,), got {array.dtype} of shape {array.shape}")
    return array


def _copied(tokens: np.ndarray) -> candle.Tensor:
    """As an int64 tensor with memory of its own, in order."""
    return candle.from_numpy(np.array(tokens, np.int64))  # type: ignore[no-any-return]
