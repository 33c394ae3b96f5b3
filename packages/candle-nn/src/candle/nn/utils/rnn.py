"""Sequences of different lengths in one tensor: padded, or packed one step after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import candle
from candle import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence(NamedTuple):
    """Sequences, the longest first, as all first steps, then all second steps, and so on, without padding."""

    data: Tensor  # (sum of lengths, *)
    batch_sizes: Tensor  # how many sequences have each step, on the CPU wherever the data is
    sorted_indices: Tensor | None = None  # where each of the sorted sequences stood
    unsorted_indices: Tensor | None = None  # where each sequence stands now

    @property
    def is_cuda(self) -> bool:
        """Whether the values are on a GPU."""
        return self.data.is_cuda

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The values in another dtype or on another device, and the indices on the same."""
        data = self.data.to(*args, **kwargs)
        order, back = (i if i is None else i.to(device=data.device) for i in self[2:])
        return PackedSequence(data, self.batch_sizes, order, back)

    def cpu(self) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = "cuda") -> PackedSequence:
        """On a GPU."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(candle.float32)

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(candle.float64)

    def half(self) -> PackedSequence:
        """In float16."""
        return self.to(candle.float16)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Where each place of a permutation went."""
    return None if permutation is None else candle.argsort(permutation)


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (L_i, *) in one tensor (L, N, *), or (N, L, *) with batch_first, L being the longest.

    >>> import candle
    >>> pad_sequence([candle.ones(2), candle.ones(1)], batch_first=True)
    tensor([[1., 1.],
            [1., 0.]])
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f"pad_sequence: padding_side must be 'left' or 'right', got {padding_side!r}")
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected several tensors, got {type(sequences).__name__}")
    several = list(sequences)
    if not several:
        raise RuntimeError("pad_sequence: expected one sequence at least, got none")
    longest = max(len(s) for s in several)
    rows: list[Tensor] = []
    for s in several:
        filler = s.new_full((longest - len(s), *s.shape[1:]), padding_value)
        rows.append(candle.cat([s, filler] if padding_side == "right" else [filler, s]))
    padded: Tensor = candle.stack(rows, 0 if batch_first else 1)
    return padded


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences again."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """A padded tensor and the lengths, packed; unless enforce_sorted, the sequences are sorted first."""
    lengths = lengths if isinstance(lengths, Tensor) else candle.tensor(lengths)
    steps = input.transpose(0, 1) if batch_first else input
    if lengths.ndim != 1 or len(lengths) != steps.shape[1]:
        raise ValueError(
            f"pack_padded_sequence: {steps.shape[1]} sequences need as many lengths, got {tuple(lengths.shape)}"
        )
    order = None
    if not enforce_sorted:
        order = candle.argsort(lengths, descending=True, stable=True)
        lengths, order = lengths[order], order.to(steps.device)
        steps = steps.index_select(1, order)
    counts = lengths.tolist()
    if any(a < b for a, b in zip(counts, counts[1:])):  # noqa: RUF007
        raise RuntimeError(f"pack_padded_sequence: lengths must fall, got {counts}; pass enforce_sorted=False")
    if counts and counts[0] > len(steps):
        raise RuntimeError(f"pack_padded_sequence: a length of {counts[0]} in an input of {len(steps)} steps")
    if not counts or counts[-1] < 1:
        raise RuntimeError(f"pack_padded_sequence: every sequence needs one step at least, got lengths {counts}")
    there = candle.arange(counts[0]).unsqueeze(1) < lengths  # (L, N)
    data = steps[: counts[0]][there.to(steps.device)]
    return PackedSequence(data, there.sum(1), order, invert_permutation(order))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded tensor again, in the order of before, and the lengths."""
    data, sizes, _, back = sequence
    there = candle.arange(int(sizes[0])) < sizes.unsqueeze(1)
    length = len(sizes) if total_length is None else total_length
    if length < len(sizes):
        raise ValueError(
            f"pad_packed_sequence: total_length {length} is shorter than the longest sequence, {len(sizes)}"
        )
    padded = data.new_full((length, int(sizes[0]), *data.shape[1:]), padding_value)
    places = candle.nonzero(there.to(data.device), as_tuple=True)
    padded = padded.index_put(places, data)
    lengths = there.sum(0)
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back.to(lengths.device)]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of different lengths, packed."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences again."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
