"""Changes to images before a model sees them, with the names of `torchvision.transforms`.

All take one image (C, H, W) or a batch (N, C, H, W), of any dtype but where said. The random ones draw
for each image of a batch anew, from candle's default generator, and work on the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

import candle

__all__ = [
    "Compose", "Lambda", "ToTensor", "Normalize",
    "Pad", "CenterCrop", "RandomCrop", "RandomHorizontalFlip", "RandomVerticalFlip",
]  # fmt: skip


def takes_batches(transform: Callable[[Any], Any] | None) -> bool:
    """Whether a transform says (`batched = True`) that for a batch it does what it does for each image."""
    return transform is None or getattr(transform, "batched", False)


class Compose:
    """One transform after the other.

    >>> Compose([RandomHorizontalFlip(), ToTensor()])
    Compose(
        RandomHorizontalFlip(p=0.5)
        ToTensor()
    )
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = transforms

    @property
    def batched(self) -> bool:
        return all(map(takes_batches, self.transforms))

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        lines = [f"    {line}" for transform in self.transforms for line in repr(transform).splitlines()]
        return "\n".join(["Compose(", *lines, ")"])


class Lambda:
    """A function as a transform; with `batched=True` it is given whole batches where there are any."""

    def __init__(self, lambd: Callable[[Any], Any], batched: bool = False):
        self.lambd, self.batched = lambd, batched

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return "Lambda()"


class ToTensor:
    """Bytes 0..255 become float32 0..1, other dtypes stay; a NumPy image (H, W, C) or (H, W) becomes (C, H, W).

    >>> ToTensor()(candle.tensor([[[0, 51, 255]]], dtype=candle.uint8))
    tensor([[[0.0000, 0.2000, 1.0000]]])
    """

    batched = True

    def __call__(self, image: candle.Tensor | np.ndarray) -> candle.Tensor:
        if not isinstance(image, candle.Tensor):
            image = _planes(image)
        return image.to(candle.get_default_dtype()).div_(255) if image.dtype is candle.uint8 else image

    def __repr__(self) -> str:
        return "ToTensor()"


def _planes(image: Any) -> candle.Tensor:
    """A NumPy image (H, W, C) or (H, W), as its planes (C, H, W)."""
    if getattr(image, "ndim", None) not in (2, 3):
        found = getattr(image, "shape", type(image).__name__)
        raise TypeError(f"ToTensor: expected a tensor, or a NumPy array (H, W, C) or (H, W), got {found}")
    return candle.from_numpy(image if image.ndim == 3 else image[:, :, None]).permute(2, 0, 1).contiguous()  # type: ignore[no-any-return]


class Normalize:
    """(x - mean) / std for each channel: a number for all, or one for each.

    >>> Normalize(0.5, 0.5)(candle.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[-1.,  0.,  1.]]])
    """

    batched = True

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], inplace: bool = False):
        self.mean, self.std, self.inplace = mean, std, inplace
        if not candle.tensor(std).all():
            raise ValueError(f"Normalize: std {std} has a zero, which nothing can be divided by")

    def __call__(self, image: candle.Tensor) -> candle.Tensor:
        image = _checked("Normalize", image)
        if not image.is_floating_point():
            raise TypeError(f"Normalize: expected a floating-point image, got {image.dtype}; put ToTensor() before it")
        mean, std = (_of_channels("Normalize", each, image) for each in (self.mean, self.std))
        return (image.sub_(mean) if self.inplace else image - mean).div_(std)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


def _of_channels(name: str, values: float | Sequence[float], image: candle.Tensor) -> candle.Tensor:
    """A number for all channels, or one for each, as (1, 1, 1) or (C, 1, 1)."""
    result = candle.tensor(values, dtype=image.dtype, device=image.device).reshape(-1, 1, 1)
    if len(result) not in (1, image.shape[-3]):
        raise ValueError(f"{name}: {len(result)} values for the {image.shape[-3]} channels of {tuple(image.shape)}")
    return result  # type: ignore[no-any-return]


class _OfBatch:
    """A transform of pictures, which writes `_batch`, (N, C, H, W) -> (N, C, H', W'), only."""

    batched = True

    def __call__(self, image: candle.Tensor) -> candle.Tensor:
        image = _checked(type(self).__name__, image)
        return self._batch(image) if image.ndim == 4 else self._batch(image[None])[0]

    def _batch(self, images: candle.Tensor) -> candle.Tensor:
        raise NotImplementedError


def _checked(name: str, image: Any) -> candle.Tensor:
    if not isinstance(image, candle.Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(image).__name__}; put ToTensor() before it")
    if image.ndim not in (3, 4):
        raise ValueError(f"{name}: expected an image (C, H, W) or a batch (N, C, H, W), got {tuple(image.shape)}")
    return image


class Pad(_OfBatch):
    """A border: of `fill`, or, by `padding_mode`, of the image's own edge, reflect or symmetric (the edge twice).

    `padding` is one width for all four sides, (left and right, top and bottom), or (left, top, right, bottom);
    negative ones cut off. `fill` is a number for all channels, or one for each.

    >>> Pad((1, 0), padding_mode="reflect")(candle.tensor([[[1, 2, 3]]]))
    tensor([[[2, 1, 2, 3, 2]]])
    """

    def __init__(self, padding: int | Sequence[int], fill: float | Sequence[float] = 0, padding_mode: str = "constant"):
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError(f"padding_mode: expected constant, edge, reflect or symmetric, got {padding_mode!r}")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode
        sides = _whole(padding)
        if len(sides) not in (1, 2, 4):
            raise ValueError(f"padding: expected 1, 2 or 4 widths, got {padding}")
        self._sides = sides * (4 // len(sides))  # left, top, right, bottom

    def _batch(self, images: candle.Tensor) -> candle.Tensor:
        left, top, right, bottom = self._sides
        if self.padding_mode == "constant":
            return self._filled(images, (left, right, top, bottom))
        rows = self._sources(images.shape[2], top, bottom)
        columns = self._sources(images.shape[3], left, right)
        pixels = (rows[:, None] * images.shape[3] + columns).flatten().to(images.device)
        return images.flatten(2).index_select(2, pixels).contiguous().unflatten(2, (len(rows), len(columns)))

    def _filled(self, images: candle.Tensor, widths: tuple[int, ...]) -> candle.Tensor:
        fill = np.asarray(self.fill)
        if not images.is_floating_point() and (fill.astype(images.dtype.name) != fill).any():
            raise ValueError(f"Pad: {images.dtype} images cannot hold fill {self.fill}; put ToTensor() before it")
        if fill.size == 1:
            return candle.pad(images, widths, value=fill.item())  # type: ignore[no-any-return]
        inside = candle.pad(candle.ones(images.shape[2:], dtype=candle.bool, device=images.device), widths)
        return candle.where(inside, candle.pad(images, widths), _of_channels("Pad", self.fill, images))  # type: ignore[no-any-return]

    def _sources(self, size: int, before: int, after: int) -> candle.Tensor:
        """Which row each row of the result is taken from; or column."""
        kept = np.arange(size)[max(0, -before) : max(0, size + min(0, after))]
        if not len(kept):
            raise ValueError(f"Pad: padding {self.padding} leaves nothing of a side of {size} to repeat")
        return candle.from_numpy(np.pad(kept, (max(0, before), max(0, after)), mode=self.padding_mode))  # type: ignore[call-overload, no-any-return]

    def __repr__(self) -> str:
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


def _whole(given: Any) -> list[int]:
    """A whole number, or several; none where there is anything else."""
    numbers = list(given) if isinstance(given, Iterable) else [given]
    return [int(n) for n in numbers] if all(isinstance(n, Real) and n % 1 == 0 for n in numbers) else []


def _height_width(name: str, size: int | Sequence[int]) -> tuple[int, int]:
    sizes = _whole(size)
    if len(sizes) not in (1, 2) or min(sizes) < 1:
        raise ValueError(f"{name}: expected a size or (height, width), each at least 1, got {size}")
    return sizes[0], sizes[-1]


class CenterCrop(_OfBatch):
    """The middle of an image; what is missing to `size`, (height, width) or one for both, is filled with 0."""

    def __init__(self, size: int | Sequence[int]):
        self.size = _height_width("CenterCrop", size)

    def _batch(self, images: candle.Tensor) -> candle.Tensor:
        (h, w), (height, width) = self.size, images.shape[2:]
        more_h, more_w = max(0, h - height), max(0, w - width)
        if more_h or more_w:
            images = Pad((more_w // 2, more_h // 2, (more_w + 1) // 2, (more_h + 1) // 2))(images)
        top, left = round((images.shape[2] - h) / 2), round((images.shape[3] - w) / 2)
        return images[:, :, top : top + h, left : left + w]

    def __repr__(self) -> str:
        return f"CenterCrop(size={self.size})"


class RandomCrop(_OfBatch):
    """A piece of `size`, (height, width) or one for both, at a random place of the image after padding (as `Pad`).

    `pad_if_needed` pads an image that is too small on both sides by what is missing.

    >>> RandomCrop(32, padding=4)(candle.rand(128, 3, 32, 32)).shape
    candle.Size([128, 3, 32, 32])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ):
        self.size, self.padding, self.pad_if_needed = _height_width("RandomCrop", size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode
        self._pad = Pad(0 if padding is None else padding, fill, padding_mode)

    def _batch(self, images: candle.Tensor) -> candle.Tensor:
        images = self._padded(images)
        (h, w), (n, _, height, width), device = self.size, images.shape, images.device
        top = candle.randint(0, height - h + 1, (n,), device=device)
        left = candle.randint(0, width - w + 1, (n,), device=device)
        if n == 1:
            return images[:, :, top : top + h, left : left + w]
        windows = images.unfold(2, h, 1).unfold(3, w, 1)  # (N, C, H', W', h, w): a view, a window for each place
        return windows[candle.arange(n, device=device), :, top, left]  # (N, C, h, w)

    def _padded(self, images: candle.Tensor) -> candle.Tensor:
        if self.padding is not None:
            images = self._pad(images)
        (h, w), (height, width) = self.size, images.shape[2:]
        if self.pad_if_needed and (h > height or w > width):
            missing = (max(0, w - width), max(0, h - height))
            images = Pad(missing, self.fill, self.padding_mode)(images)
        elif h > height or w > width:
            raise ValueError(f"RandomCrop: {self.size} is larger than the image, {(height, width)}; use padding")
        return images

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip(_OfBatch):
    """Left and right change places, with probability `p`."""

    dim = -1

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability, 0 to 1, got {p}")
        self.p = p

    def _batch(self, images: candle.Tensor) -> candle.Tensor:
        chosen = candle.rand(len(images), device=images.device) < self.p
        flipped = images.clone()
        flipped[chosen] = images[chosen].flip(self.dim)
        return flipped

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom change places, with probability `p`."""

    dim = -2
