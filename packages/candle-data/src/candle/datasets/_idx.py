"""The IDX format of MNIST and its relatives: an array of any number of dimensions in a file.

    0, 0, type, d      four bytes; d dimensions of elements of a type in TYPES
    sizes              d unsigned 32-bit numbers
    elements           in order, the last dimension fastest; big-endian like the sizes

The file may be compressed by gzip, whatever its name.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

__all__ = ["read_idx"]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 32  # of a NumPy array, in every version of NumPy
CHUNK = 1 << 16


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, in the byte order of this machine.

    A file that is not what its header says (truncated, longer, altered) is refused, having taken no
    more memory than its real contents do.

    >>> import struct, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "two-by-three")
    ...     size = path.write_bytes(bytes([0, 0, 8, 2]) + struct.pack(">II", 2, 3) + bytes(range(6)))
    ...     read_idx(path)
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            dtype, shape = _header(file, path)
            size = math.prod(shape) * int(dtype[-1])
            data = _at_most(file, size + 1)  # one more: it shows a longer file, and reaches gzip's checksum
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"its gzip stream is damaged: {error}") from None
    if len(data) != size:
        found = f"{len(data):,}" if len(data) < size else "more"
        raise _damaged(path, f"its header promises {size:,} bytes of elements, shape {shape}; it holds {found}")
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.replace(">", "="), copy=False)


def _opened(path: Path) -> BinaryIO:
    """The file's contents as a stream, uncompressed."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")


def _header(file: BinaryIO, path: Path) -> tuple[str, tuple[int, ...]]:
    """The elements' dtype, and how many there are along each dimension."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        types = ", ".join(f"{code:02x}" for code in TYPES)
        raise _damaged(path, f"an IDX file begins with 00 00 and a type ({types}); it begins with {magic.hex(' ')!r}")
    if magic[3] > MOST_DIMENSIONS:
        raise _damaged(path, f"its header promises {magic[3]} dimensions; at most {MOST_DIMENSIONS} are possible")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise _damaged(path, f"it ends within its header, which promises {magic[3]} dimensions")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    if math.prod(filter(None, shape)) >= 2**60:
        raise _damaged(path, f"its header promises the shape {shape}, which no memory holds")
    return TYPES[magic[2]], shape


def _at_most(file: BinaryIO, size: int) -> bytearray:
    """Up to `size` bytes: the memory grows with what is there, not with what a header promises."""
    data = bytearray()
    while len(data) < size and (chunk := file.read(min(CHUNK, size - len(data)))):
        data += chunk
    return data


def _damaged(path: Path, what: str) -> ValueError:
    return ValueError(f"{path}: {what}. The file is not whole, or not of the IDX format: replace it")


def elements(path: Path, ndim: int) -> Any:
    """The array of bytes in an IDX file that must have so many dimensions."""
    array = read_idx(path)
    if array.ndim != ndim or array.dtype != "uint8":
        raise ValueError(
            f"{path}: expected {ndim} dimensions of uint8, found the shape {array.shape} of {array.dtype}: "
            "another file has this name; replace it"
        )
    return array
