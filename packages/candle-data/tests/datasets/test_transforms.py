"""The transforms of images: against NumPy, one image and a batch alike, and by their distribution."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

import candle
from candle.datasets import transforms as T

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (5, 3, 8, 10)).astype(np.uint8)
FLOATS = BYTES.astype(np.float32) / 255


def on_both(transform: Any, images: np.ndarray, expected: np.ndarray) -> None:
    """A batch at once, and each image, give exactly what is expected."""
    batch = transform(candle.tensor(images))
    np.testing.assert_array_equal(batch.numpy(), expected, strict=True)
    for image, each in zip(images, expected):
        np.testing.assert_array_equal(transform(candle.tensor(image)).numpy(), each, strict=True)


# --- without chance -------------------------------------------------------------


def test_to_tensor() -> None:
    on_both(T.ToTensor(), BYTES, BYTES.astype(np.float32) / np.float32(255))
    on_both(T.ToTensor(), FLOATS, FLOATS)


def test_to_tensor_takes_numpy_images_as_torchvision_does() -> None:
    heights_widths_channels = BYTES[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(T.ToTensor()(heights_widths_channels).numpy(), FLOATS[0], strict=True)
    np.testing.assert_array_equal(T.ToTensor()(BYTES[0, 0]).numpy(), FLOATS[0, :1], strict=True)
    np.testing.assert_array_equal(T.ToTensor()(np.int32([[1, 2]])).numpy(), np.int32([[[1, 2]]]), strict=True)


@pytest.mark.parametrize("shape", [(0, 5), (4, 0), (0, 5, 3), (4, 5, 0)], ids=str)
def test_to_tensor_of_an_empty_image(shape: tuple[int, ...]) -> None:
    height, width, channels = (*shape, 1)[:3]
    assert T.ToTensor()(np.zeros(shape, np.uint8)).shape == (channels, height, width)


def test_to_tensor_makes_the_default_dtype() -> None:
    before = candle.get_default_dtype()
    candle.set_default_dtype(candle.float64)
    try:
        on_both(T.ToTensor(), BYTES, BYTES / 255)
    finally:
        candle.set_default_dtype(before)


@pytest.mark.parametrize("mean", [0.5, [0.5], (0.1, 0.2, 0.3)], ids=str)
@pytest.mark.parametrize("std", [0.25, (0.25, 0.5, 0.7)], ids=str)
def test_normalize(mean: Any, std: Any) -> None:
    on_channels = [np.float32(each).reshape(-1, 1, 1) for each in (mean, std)]
    on_both(T.Normalize(mean, std), FLOATS, (FLOATS - on_channels[0]) / on_channels[1])


def test_normalize_in_place_and_not() -> None:
    image = candle.tensor(FLOATS[0])
    other = T.Normalize(0.5, 0.5)(image)
    np.testing.assert_array_equal(image.numpy(), FLOATS[0])
    assert T.Normalize(0.5, 0.5, inplace=True)(image) is image
    np.testing.assert_array_equal(image.numpy(), other.numpy())


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [2, [1], (1, 3), (1, 2, 3, 4), 0], ids=str)
def test_pad(mode: str, padding: Any) -> None:
    sides = [padding] if isinstance(padding, int) else list(padding)
    left, top, right, bottom = sides * (4 // len(sides))
    options: Any = {"constant_values": 7} if mode == "constant" else {}
    expected = np.pad(BYTES, ((0, 0), (0, 0), (top, bottom), (left, right)), mode=mode, **options)
    on_both(T.Pad(padding, 7, mode), BYTES, expected)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
@pytest.mark.parametrize("padding", [-1, (-2, 3), (1, -2, -3, 2), (-1, -2, 0, 0)], ids=str)
def test_pad_by_less_than_nothing_cuts_off(mode: str, padding: Any) -> None:
    left, top, right, bottom = [padding] * 4 if isinstance(padding, int) else padding * (4 // len(padding))
    torch_mode = "replicate" if mode == "edge" else mode
    expected = torch.nn.functional.pad(torch.tensor(FLOATS), (left, right, top, bottom), torch_mode)
    on_both(T.Pad(padding, padding_mode=mode), FLOATS, expected.numpy())


def test_pad_symmetrically_after_cutting_off() -> None:
    expected = np.pad(BYTES[..., 2:, :-3], ((0, 0), (0, 0), (0, 1), (2, 0)), mode="symmetric")
    on_both(T.Pad((2, -2, -3, 1), padding_mode="symmetric"), BYTES, expected)


@pytest.mark.parametrize("images", [BYTES, FLOATS], ids=["bytes", "floats"])
def test_pad_with_a_number_for_each_channel(images: np.ndarray) -> None:
    fill, sides = (7, 0, 255), ((0, 0), (1, 2), (3, 0))
    each = [np.pad(images[:, i], sides, constant_values=value) for i, value in enumerate(fill)]
    on_both(T.Pad((3, 1, 0, 2), fill), images, np.stack(each, 1))
    on_both(T.RandomCrop((11, 13), (3, 1, 0, 2), fill=fill), images, np.stack(each, 1))  # all there is
    on_both(T.Pad(1, [9]), images, T.Pad(1, 9)(candle.tensor(images)).numpy())


def test_sizes_may_be_any_whole_numbers() -> None:
    """torchvision, too, takes `numbers.Number`."""
    for three in (np.int64(3), 3.0, np.array([3, 3]), [np.int8(3)]):
        assert T.RandomCrop(three).size == T.CenterCrop(three).size == (3, 3)
        on_both(T.Pad(three), BYTES, np.pad(BYTES, ((0, 0), (0, 0), (3, 3), (3, 3))))
        assert T.RandomCrop(14, padding=three)(candle.tensor(BYTES)).shape == (5, 3, 14, 14)


@pytest.mark.parametrize("size", [4, (3, 4), (8, 10), (5, 7), [1]], ids=str)
def test_center_crop(size: Any) -> None:
    h, w = (size, size) if isinstance(size, int) else (size[0], size[-1])
    top, left = round((8 - h) / 2), round((10 - w) / 2)  # as torchvision says: rounded to even
    on_both(T.CenterCrop(size), BYTES, BYTES[..., top : top + h, left : left + w])


def test_center_crop_fills_what_is_missing() -> None:
    expected = np.pad(BYTES[..., 3:7], ((0, 0), (0, 0), (1, 2), (0, 0)))  # 8 -> 11 rows, 10 -> 4 columns
    on_both(T.CenterCrop((11, 4)), BYTES, expected)


# --- by chance ------------------------------------------------------------------

# An image whose pixels say where they are: row * 100 + column.
PLACES = (100 * np.arange(6)[:, None] + np.arange(7)).astype(np.int64)
MANY = 1000


def crops(transform: Any, batch: bool) -> list[np.ndarray]:
    """Many results for one image."""
    candle.manual_seed(3)
    image = candle.tensor(np.stack([PLACES, PLACES + 10_000]))  # (2, 6, 7)
    if batch:
        return list(transform(image[None].expand(MANY, 2, 6, 7)).numpy())
    return [transform(image).numpy() for _ in range(MANY)]


def assert_uniform(counts: Counter[Any], outcomes: int) -> None:
    """Pearson's chi-squared is within six standard deviations of its mean: else once in about a million runs."""
    assert len(counts) == outcomes
    expected = MANY / outcomes
    chi2 = sum((count - expected) ** 2 / expected for count in counts.values())
    assert abs(chi2 - (outcomes - 1)) < 6 * (2 * (outcomes - 1)) ** 0.5


@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_random_crops_are_pieces_and_each_place_is_as_likely(batch: bool) -> None:
    places: Counter[tuple[int, int]] = Counter()
    for crop in crops(T.RandomCrop((4, 3)), batch):
        top, left = divmod(int(crop[0, 0, 0]), 100)
        np.testing.assert_array_equal(crop[0], PLACES[top : top + 4, left : left + 3])
        np.testing.assert_array_equal(crop[1], crop[0] + 10_000)  # the channels stay together
        places[top, left] += 1
    assert_uniform(places, 3 * 5)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_random_crops_after_padding(batch: bool, mode: str) -> None:
    padded = np.pad(PLACES, 1, mode=mode) if mode != "constant" else np.pad(PLACES, 1, constant_values=9)  # type: ignore[call-overload]
    pieces = {padded[i : i + 6, j : j + 7].tobytes(): (i, j) for i in range(3) for j in range(3)}
    found = crops(T.RandomCrop((6, 7), padding=1, fill=9, padding_mode=mode), batch)
    assert_uniform(Counter(pieces[crop[0].tobytes()] for crop in found), 9)


def test_random_crop_pads_if_needed() -> None:
    """By what is missing on both sides, as torchvision: the image is somewhere in the result."""
    for crop in crops(T.RandomCrop((9, 7), pad_if_needed=True, fill=-1), batch=True)[:50]:
        (rows,) = np.nonzero((crop[0] >= 0).all(1))
        np.testing.assert_array_equal(crop[0][rows], PLACES)
        assert (np.delete(crop[0], rows, 0) == -1).all()


@pytest.mark.parametrize(("flip", "axis"), [(T.RandomHorizontalFlip, 2), (T.RandomVerticalFlip, 1)])
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_random_flips(flip: Any, axis: int, p: float, batch: bool) -> None:
    whole = np.stack([PLACES, PLACES + 10_000])
    flipped = 0
    for image in crops(flip(p), batch):
        same = bool((image == whole).all())
        np.testing.assert_array_equal(image, whole if same else np.flip(whole, axis))
        flipped += not same
    assert abs(flipped - p * MANY) <= 6 * (MANY * p * (1 - p)) ** 0.5


def test_the_seed_decides() -> None:
    augment = T.Compose([T.RandomCrop(8, 2), T.RandomHorizontalFlip()])
    results = []
    for seed in (1, 1, 2):
        candle.manual_seed(seed)
        results.append(augment(candle.tensor(BYTES)).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


# --- together, and mistakes -----------------------------------------------------


def test_compose_is_batched_if_all_are() -> None:
    assert T.Compose([T.RandomCrop(8), T.RandomVerticalFlip(), T.ToTensor(), T.Normalize(0, 1), T.Pad(1)]).batched
    assert T.Compose([T.CenterCrop(8), T.Lambda(abs, batched=True)]).batched
    assert not T.Compose([T.CenterCrop(8), T.Lambda(abs)]).batched
    assert not T.Compose([T.CenterCrop(8), T.Compose([abs])]).batched


def test_batches_lie_in_memory_in_order() -> None:
    """What comes after, a convolution say, is slow otherwise."""
    for mode in ("constant", "reflect"):
        augment = T.Compose([T.RandomCrop(8, 2, padding_mode=mode), T.RandomHorizontalFlip(), T.ToTensor()])
        assert augment(candle.tensor(BYTES)).is_contiguous()


def test_compose_goes_in_order() -> None:
    assert T.Compose([lambda x: x + 1, lambda x: 10 * x])(1) == 20


def test_repr() -> None:
    augment = T.Compose([T.RandomCrop(32, 4), T.Compose([T.RandomHorizontalFlip(0.3)]), T.Normalize(0.5, 0.1)])
    assert repr(augment).splitlines() == [
        "Compose(",
        "    RandomCrop(size=(32, 32), padding=4)",
        "    Compose(",
        "        RandomHorizontalFlip(p=0.3)",
        "    )",
        "    Normalize(mean=0.5, std=0.1)",
        ")",
    ]


IMAGE = candle.tensor(BYTES[0])
MISTAKES = {
    "bytes normalized": (lambda: T.Normalize(0, 1)(IMAGE), TypeError, "uint8; put ToTensor\\(\\) before it"),
    "channels": (lambda: T.Normalize([0, 0], 1)(IMAGE.float()), ValueError, "2 values for the 3 channels"),
    "no std": (lambda: T.Normalize(0, [1, 0, 1]), ValueError, "std \\[1, 0, 1\\] has a zero"),
    "an array": (lambda: T.RandomCrop(2)(BYTES[0]), TypeError, "RandomCrop: expected a tensor, got ndarray; put ToTensor"),
    "a matrix": (lambda: T.Pad(2)(IMAGE[0]), ValueError, r"Pad: expected an image \(C, H, W\) .* got \(8, 10\)"),
    "too small": (lambda: T.RandomCrop(9)(IMAGE), ValueError, r"\(9, 9\) is larger than the image, \(8, 10\)"),
    "three sides": (lambda: T.Pad((1, 2, 3)), ValueError, "1, 2 or 4 widths, got \\(1, 2, 3\\)"),
    "half a side": (lambda: T.Pad(1.5), ValueError, "1, 2 or 4 widths, got 1.5"),
    "half a size": (lambda: T.RandomCrop(2.5), ValueError, r"RandomCrop: expected a size .*, got 2.5"),
    "no size": (lambda: T.RandomCrop(None), ValueError, "RandomCrop: expected a size .*, got None"),
    "a negative size": (lambda: T.CenterCrop(-2), ValueError, "CenterCrop: .* each at least 1, got -2"),
    "half a byte": (lambda: T.Pad(1, 0.5)(IMAGE), ValueError, "uint8 images cannot hold fill 0.5; put ToTensor"),
    "more than a byte": (lambda: T.Pad(1, (1, 300, 2))(IMAGE), ValueError, r"cannot hold fill \(1, 300, 2\)"),
    "less than a byte": (lambda: T.RandomCrop(3, 1, fill=-1)(IMAGE), ValueError, "cannot hold fill -1"),
    "two fills": (lambda: T.Pad(1, (1, 2))(IMAGE), ValueError, "Pad: 2 values for the 3 channels"),
    "nothing left": (lambda: T.Pad((0, -9), padding_mode="edge")(IMAGE), ValueError, r"\(0, -9\) leaves nothing of a side of 8"),
    "p above 1": (lambda: T.RandomHorizontalFlip(2), ValueError, "RandomHorizontalFlip: p is a probability, 0 to 1, got 2"),
    "p below 0": (lambda: T.RandomVerticalFlip(-0.1), ValueError, "RandomVerticalFlip: p .* got -0.1"),
    "three sizes": (lambda: T.CenterCrop((1, 2, 3)), ValueError, "CenterCrop: .* got \\(1, 2, 3\\)"),
    "a mode": (lambda: T.RandomCrop(2, 2, padding_mode="wrap"), ValueError, "symmetric, got 'wrap'"),
    "a list": (lambda: T.ToTensor()([1, 2]), TypeError, "ToTensor: .* got list"),
    "a vector": (lambda: T.ToTensor()(BYTES[0, 0, 0]), TypeError, r"ToTensor: .* got \(10,\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_named(case: str) -> None:
    call, kind, message = MISTAKES[case]
    with pytest.raises(kind, match=message):
        call()
