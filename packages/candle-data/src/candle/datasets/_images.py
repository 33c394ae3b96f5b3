"""What the image data sets share: pictures and their labels in memory, a sample or a batch at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import candle
from candle.datasets.transforms import ToTensor, takes_batches
from candle.utils.data import Dataset

Transform = Callable[[Any], Any]


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images in `data`, uint8 as they are stored, and the number of each one's class in `targets`.

    A sample is `transform(image)`, the image being a uint8 tensor (C, H, W), and
    `target_transform(target)`, the target being an int. Without a transform it is `ToTensor()`,
    which makes it float32 in [0, 1].
    """

    data: candle.Tensor  # uint8 (N, C, H, W), or (N, H, W) where there is one channel
    targets: candle.Tensor  # int64 (N,)
    classes: list[str]

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ):
        self.root, self.train = Path(root).expanduser(), train
        self.transform, self.target_transform = transform, target_transform
        if download:
            self.download()
        images, targets = self._load()
        self.data, self.targets = candle.from_numpy(images), candle.from_numpy(targets.astype("int64"))

    def download(self) -> None:
        """Fetch what is not there yet."""
        raise NotImplementedError

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        """The images (uint8), and the targets, of the part asked for."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = int(self.targets[index])
        image = self._images(index).clone()  # a transform that writes must not write into `data`
        return self._transformed(image, target)

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        """What collating these samples would give, made at once, where the transforms take batches."""
        if not (takes_batches(self.transform) and takes_batches(self.target_transform)):
            return NotImplemented
        index = candle.tensor(indices, dtype=None if len(indices) else candle.int64)
        parts = self._transformed(self._images(index), self.targets[index])
        return [part.contiguous() if isinstance(part, candle.Tensor) else part for part in parts]  # crops are views

    def _transformed(self, image: candle.Tensor, target: Any) -> tuple[Any, Any]:
        image = (self.transform or ToTensor())(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def _images(self, index: Any) -> candle.Tensor:
        """The image at an index, (C, H, W), or those at several, (B, C, H, W)."""
        images = self.data[index]
        return images if self.data.ndim == 4 else images.unsqueeze(-3)

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"Number of datapoints: {len(self)}",
            f"Root location: {self.root}",
            f"Split: {'Train' if self.train else 'Test'}",
        ]
        for name in ("transform", "target_transform"):
            if (value := getattr(self, name)) is not None:
                lines += f"{name}: {value}".splitlines()
        return "\n    ".join(lines)


def check_labels(labels: np.ndarray, classes: int, path: Path) -> None:
    """Refuse labels that no class has."""
    if len(labels) and (largest := int(labels.max())) >= classes:
        raise ValueError(
            f"{path}: a label is {largest}, but there are {classes} classes: the file is damaged; replace it"
        )
