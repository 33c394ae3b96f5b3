"""CIFAR-10 and CIFAR-100, from their binary version: records of labels, then the red, green and blue plane."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from candle.datasets._images import ImageDataset, check_labels

__all__ = ["CIFAR10", "CIFAR100"]

PLANES = (3, 32, 32)
IMAGE = 3 * 32 * 32


class CIFAR10(ImageDataset):
    """Small photographs of ten kinds of things (Krizhevsky 2009): 50,000 for training, 10,000 for the test.

    The files of the *binary* version are looked for in `root/cifar-10-batches-bin`; where there is
    only the archive `root/cifar-10-binary.tar.gz`, it is unpacked first. `data` is uint8 (N, 3, 32, 32) and
    `targets` int64 (N,), where torchvision has an array (N, 32, 32, 3) and a list; a sample is (`transform` of the
    uint8 (3, 32, 32), int), without a transform a float32 tensor in [0, 1].

        augment = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor()])
        train = CIFAR10("data", transform=augment, download=True)
    """

    url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    tgz_md5 = "c32a1d4ab5d03f1284b67883e8d87530"
    base_folder = "cifar-10-batches-bin"
    train_list = [f"data_batch_{i}.bin" for i in range(1, 6)]
    test_list = ["test_batch.bin"]
    images = {True: 50_000, False: 10_000}  # for training, for the test
    names = "batches.meta.txt"
    python_version = ("cifar-10-batches-py", "cifar-10-python.tar.gz")
    number_of_classes = 10
    labels_per_record = 1  # of which the last counts

    @property
    def archive(self) -> Path:
        """Where a download goes."""
        return self.root / self.url.rpartition("/")[2]

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def download(self) -> None:
        """Fetch the archive, unless its files are there."""
        from candle.datasets._download import download

        if not self.archive.is_file() and self._missing():
            download([self.url], self.archive, self.tgz_md5)

    def _missing(self) -> list[str]:
        folder = self.root / self.base_folder
        return [name for name in (*self.train_list, *self.test_list, self.names) if not (folder / name).is_file()]

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        if missing := self._missing():
            if not self.archive.is_file():
                raise RuntimeError(self._not_found(missing))
            unpack(self.archive, self.base_folder, missing)
        folder = self.root / self.base_folder
        self.classes = self._class_names(folder / self.names)
        parts = [self._records(folder / name) for name in (self.train_list if self.train else self.test_list)]
        images = np.concatenate([part[:, -IMAGE:] for part in parts]).reshape(-1, *PLANES)
        return images, np.concatenate([part[:, -IMAGE - 1] for part in parts])

    def _records(self, path: Path) -> np.ndarray:
        """The records of a file: labels, and the bytes of the planes."""
        size, length = path.stat().st_size, self.labels_per_record + IMAGE
        count = self.images[self.train] // len(self.train_list if self.train else self.test_list)
        if size != count * length:
            raise ValueError(
                f"{path}: it has {size:,} bytes, but {count:,} records of {length} make {count * length:,}: "
                f"it is not whole; delete it, and get {self.url} (download=True)"
            )
        records = np.fromfile(path, np.uint8).reshape(-1, length)
        check_labels(records[:, -IMAGE - 1], len(self.classes), path)
        return records

    def _class_names(self, path: Path) -> list[str]:
        classes = path.read_text().split()
        if len(classes) != self.number_of_classes:
            raise ValueError(
                f"{path}: expected the names of {self.number_of_classes} classes, found {len(classes)}: "
                f"delete it, and get {self.url} (download=True)"
            )
        return classes

    def _not_found(self, missing: list[str]) -> str:
        name, wanted = type(self).__name__, f"get {self.url}, or say download=True"
        for path in map(self.root.joinpath, self.python_version):
            if path.exists():
                return (
                    f"{name}: {path} is the Python version: pickles, which can run any program, are not read; {wanted}"
                )
        return f"{name}: there is no {missing[0]} in {self.root / self.base_folder}, and no {self.archive}; {wanted}"


class CIFAR100(CIFAR10):
    """Small photographs of a hundred kinds of things, in CIFAR-10's sizes and numbers; see there for the rest.

    The targets are the 100 fine classes, not the 20 coarse ones that the files have, too.
    """

    url = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
    tgz_md5 = "03b5dce01913d631647c71ecec9e9cb8"
    base_folder = "cifar-100-binary"
    train_list = ["train.bin"]
    test_list = ["test.bin"]
    names = "fine_label_names.txt"
    python_version = ("cifar-100-python", "cifar-100-python.tar.gz")
    number_of_classes = 100
    labels_per_record = 2  # coarse, fine


def unpack(archive: Path, folder: str, names: list[str]) -> None:
    """Put the files `names` of the archive's `folder` into that folder beside it: all of them, or none."""
    wanted = {f"{folder}/{name}": name for name in names}
    try:
        with tempfile.TemporaryDirectory(dir=archive.parent) as place, gzip.open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    name = wanted.get(member.name.removeprefix("./"))
                    if name and (source := tar.extractfile(member)):
                        with source, Path(place, name).open("wb") as target:
                            shutil.copyfileobj(source, target)
            while stream.read(1 << 20):  # to the end, where gzip's checksum is
                pass
            if absent := [name for name in names if not Path(place, name).is_file()]:
                raise tarfile.TarError(f"it has no {folder}/{absent[0]}")
            (archive.parent / folder).mkdir(exist_ok=True)
            for name in names:
                Path(place, name).replace(archive.parent / folder / name)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise ValueError(f"{archive}: the archive is damaged ({error}): delete it, and get it again") from None
