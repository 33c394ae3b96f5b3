"""The files of the data sets, written by code of the tests' own: byte by byte, from the formats' descriptions."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
LETTERS = {"u1": "B", "i1": "b", "i2": "h", "i4": "i", "f4": "f", "f8": "d"}


def idx(array: np.ndarray) -> bytes:
    """http://yann.lecun.com/exdb/mnist/: the magic number, the sizes, the elements, most significant byte first."""
    kind = array.dtype.str[1:]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    return head + struct.pack(f">{array.size}{LETTERS[kind]}", *array.ravel().tolist())


def write_mnist(folder: Path, images: np.ndarray, labels: np.ndarray, part: str = "train", zip: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in [("images-idx3", images), ("labels-idx1", labels)]:
        data, path = idx(array), folder / f"{part}-{name}-ubyte"
        if zip:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
        else:
            path.write_bytes(data)


def cifar_record(labels: list[int], pixels: np.ndarray) -> bytes:
    """https://www.cs.toronto.edu/~kriz/cifar.html: 'the first 1024 bytes are the red channel values, the next 1024
    the green, and the final 1024 the blue. The values are stored in row-major order'; `pixels` are (32, 32, 3)."""
    planes = (pixels[row, column, colour] for colour in range(3) for row in range(32) for column in range(32))
    return bytes(labels) + bytes(int(value) for value in planes)


def write_archive(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
