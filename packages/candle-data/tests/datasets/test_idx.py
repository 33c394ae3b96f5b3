"""`read_idx`: every dtype, and every way in which a file is not what its header says."""

import contextlib
import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from candle.datasets import read_idx

from . import files


@pytest.mark.parametrize("kind", sorted(files.CODES))
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 3), ()], ids=str)
@pytest.mark.parametrize("zip", [False, True], ids=["plain", "gz"])
def test_every_dtype_and_shape(kind: str, shape: tuple[int, ...], zip: bool, tmp_path: Path) -> None:
    dtype = np.dtype(kind)
    size = int(np.prod(shape))
    values = np.random.default_rng(0).integers(0, 256, size * dtype.itemsize).astype(np.uint8).tobytes()
    array = np.frombuffer(values, dtype).reshape(shape)
    array = np.where(np.isfinite(array), array, 1).astype(dtype)
    path = tmp_path / "some-idx"
    path.write_bytes(gzip.compress(files.idx(array)) if zip else files.idx(array))
    read = read_idx(path)
    assert read.dtype == dtype
    assert read.dtype.isnative
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array, strict=True)


def test_a_str_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(files.idx(np.arange(3, dtype=np.uint8)))
    assert read_idx(str(tmp_path / "a")).tolist() == [0, 1, 2]


WHOLE = files.idx(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
REFUSED = {
    "empty": (b"", "begins with 00 00 and a type"),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(100), "it begins with '89 50 4e 47'"),
    "no such type": (b"\0\0\x0a\x01" + WHOLE[4:], "it begins with '00 00 0a 01'"),
    "too many dimensions": (b"\0\0\x0b\xff" + bytes(2000), "promises 255 dimensions"),
    "ends in the header": (WHOLE[:10], "ends within its header, which promises 3 dimensions"),
    "ends early": (WHOLE[:-1], r"promises 120 bytes of elements, shape \(3, 4, 5\); it holds 119"),
    "goes on": (WHOLE + b"\0", "promises 120 bytes of elements, .* it holds more"),
    "a size that lies": (WHOLE[:4] + b"\xff\xff\xff\xff" + WHOLE[8:], r"shape \(4294967295, 4, 5\); it holds 120"),
    "more than any memory": (WHOLE[:4] + 12 * b"\xff" + WHOLE[16:], "which no memory holds"),
    "a size of 0": (WHOLE[:4] + bytes(4) + WHOLE[8:], "promises 0 bytes .* it holds more"),
    "gz cut": (gzip.compress(WHOLE)[:-20], "gzip stream is damaged"),
    "gz without its checksum": (gzip.compress(WHOLE)[:-8], "gzip stream is damaged"),
    "gz with a wrong checksum": (gzip.compress(WHOLE)[:-8] + bytes(8), "gzip stream is damaged: CRC"),
    "gz of nothing": (b"\x1f\x8b", "gzip stream is damaged"),
    "gz, then rubbish": (gzip.compress(WHOLE) + b"rubbish", "gzip stream is damaged"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_whole_is_refused_by_name(case: str, tmp_path: Path) -> None:
    data, message = REFUSED[case]
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as info:
        read_idx(path)
    assert str(path) in str(info.value)
    assert "replace it" in str(info.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")


def test_headers_altered_at_random_take_no_memory(full: bool, tmp_path: Path) -> None:
    """An array or a ValueError, nothing else; and never more memory than some copies of what is there."""
    rng = np.random.default_rng(1)
    whole = files.idx(rng.integers(0, 255, (7, 11, 13)).astype(np.uint8))
    path, accepted = tmp_path / "altered", 0
    tracemalloc.start()
    try:
        for _ in range(5000 if full else 400):
            data = bytearray(whole)
            for place in rng.integers(0, 16, rng.integers(1, 4)):
                data[place] = rng.choice([0, 1, 2, 8, 9, 0x0E, 0x7F, 0x80, 0xFF, rng.integers(256)])
            path.write_bytes(gzip.compress(data, 1) if rng.random() < 0.3 else data)
            with contextlib.suppress(ValueError):
                accepted += read_idx(path).nbytes == len(data) - 4 - 4 * data[3]
        assert tracemalloc.get_traced_memory()[1] < 1 << 19
    finally:
        tracemalloc.stop()
    assert accepted  # not all is refused: uint8 for int8, say
