"""MNIST, and the data sets that took its place and kept its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from candle.datasets._idx import elements
from candle.datasets._images import ImageDataset, check_labels

__all__ = ["KMNIST", "MNIST", "FashionMNIST"]


class MNIST(ImageDataset):
    """Handwritten digits (LeCun, Cortes and Burges 1998): 60,000 for training, 10,000 for the test, each 1 x 28 x 28.

    The files are looked for in `root/MNIST/raw`, where a download puts them (torchvision's, too), and in
    `root`, with and without `.gz`. `data` is uint8 (N, 28, 28), `targets` int64 (N,); a sample is
    (`transform` of the uint8 (1, 28, 28), int), without a transform a float32 tensor in [0, 1].

        train = MNIST("data", transform=Compose([ToTensor(), Normalize(0.1307, 0.3081)]), download=True)
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources = {  # each with its MD5
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    classes = "0 - zero,1 - one,2 - two,3 - three,4 - four,5 - five,6 - six,7 - seven,8 - eight,9 - nine".split(",")

    @property
    def raw_folder(self) -> Path:
        """Where a download goes."""
        return self.root / type(self).__name__ / "raw"

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def download(self) -> None:
        """Fetch the files of both parts that are not there yet."""
        from candle.datasets._download import checksum, download

        for name, md5 in self.resources.items():
            path = self._find(name)
            # In `root` itself, files of these names may be another data set's.
            if path is None or (path.parent == self.root and checksum(path) != md5):
                download([mirror + name for mirror in self.mirrors], self.raw_folder / name, md5)

    def _load(self) -> tuple[np.ndarray, np.ndarray]:
        part = "train" if self.train else "t10k"
        files = [self._file(name) for name in self.resources if name.startswith(part)]
        images, labels = elements(files[0], ndim=3), elements(files[1], ndim=1)
        if len(images) != len(labels):
            raise ValueError(
                f"{files[0]} holds {len(images):,} images, and {files[1]} {len(labels):,} labels: "
                "they do not belong together; get both from one place"
            )
        check_labels(labels, len(self.classes), files[1])
        return images, labels

    def _file(self, name: str) -> Path:
        if (path := self._find(name)) is None:
            raise RuntimeError(
                f"{type(self).__name__}: there is no {name}, with or without .gz, in {self.root} or {self.raw_folder}; "
                "put it there, or get it with download=True"
            )
        return path

    def _find(self, name: str) -> Path | None:
        plain = name.removesuffix(".gz")
        places = [folder / each for folder in (self.raw_folder, self.root) for each in (plain, name)]
        return next((path for path in places if path.is_file()), None)


class FashionMNIST(MNIST):
    """Zalando's clothes (Xiao et al. 2017), in MNIST's sizes and files; found likewise."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    classes = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",")


class KMNIST(MNIST):
    """Old Japanese cursive letters (Clanuwat et al. 2018), in MNIST's sizes and files; found likewise."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    }
    classes = "o ki su tsu na ha ma ya re wo".split()
