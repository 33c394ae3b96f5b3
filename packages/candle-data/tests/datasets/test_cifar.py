"""CIFAR-10 and CIFAR-100, from files written here by the description of their format."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import candle
from candle.datasets import CIFAR10, CIFAR100, _download

from . import files

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)  # height, width, colour
COARSE = [int(i) for i in RNG.integers(0, 20, 12)]
FINE = [int(i) for i in RNG.integers(0, 100, 12)]
TEN = "airplane automobile bird cat deer dog frog horse ship truck".split()
HUNDRED = [f"thing_{i}" for i in range(100)]


def cifar10() -> dict[str, bytes]:
    """Two pictures in each file."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    records = [files.cifar_record([FINE[i] % 10], PIXELS[i]) for i in range(12)]
    contents = {name: records[2 * i] + records[2 * i + 1] for i, name in enumerate(names)}
    contents["batches.meta.txt"] = "\n".join([*TEN, "", ""]).encode()
    return {f"cifar-10-batches-bin/{name}": data for name, data in contents.items()}


def cifar100() -> dict[str, bytes]:
    records = [files.cifar_record([COARSE[i], FINE[i]], PIXELS[i]) for i in range(12)]
    contents = {"train.bin": b"".join(records[:10]), "test.bin": b"".join(records[10:])}
    contents["fine_label_names.txt"] = "\n".join(HUNDRED).encode()
    return {f"cifar-100-binary/{name}": data for name, data in contents.items()}


CONTENTS: dict[Any, dict[str, bytes]] = {CIFAR10: cifar10(), CIFAR100: cifar100()}
ARCHIVE = {CIFAR10: "cifar-10-binary.tar.gz", CIFAR100: "cifar-100-binary.tar.gz"}
both = pytest.mark.parametrize("kind", [CIFAR10, CIFAR100])


def write(root: Path, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files here hold 10 and 2 images, not 50,000 and 10,000."""
    monkeypatch.setattr(CIFAR10, "images", {train: count // 5000 for train, count in CIFAR10.images.items()})


@both
@pytest.mark.parametrize("packed", [False, True], ids=["files", "archive"])
def test_labels_colours_rows_and_columns(kind: Any, packed: bool, tmp_path: Path) -> None:
    if packed:
        files.write_archive(tmp_path / ARCHIVE[kind], CONTENTS[kind])
    else:
        write(tmp_path, CONTENTS[kind])
    train, test = kind(tmp_path), kind(str(tmp_path), train=False)
    assert (len(train), len(test)) == (10, 2)
    assert train.classes == (TEN if kind is CIFAR10 else HUNDRED)
    assert train.class_to_idx[train.classes[7]] == 7
    np.testing.assert_array_equal(train.data.numpy(), PIXELS[:10].transpose(0, 3, 1, 2), strict=True)
    image, target = test[1]
    assert (type(target), target) == (int, FINE[11] % (10 if kind is CIFAR10 else 100))
    assert image.dtype is candle.float32
    red, row, column = image[0], 5, 20
    assert red[row, column].item() == np.float32(PIXELS[11, row, column, 0]) / np.float32(255)
    assert train.targets.dtype is candle.int64
    batch, targets = train.__getbatch__([3, 9])
    np.testing.assert_array_equal(batch.numpy(), np.stack([train[3][0].numpy(), train[9][0].numpy()]))
    assert targets.tolist() == [train[3][1], train[9][1]]


def test_repr(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS[CIFAR10])
    assert repr(CIFAR10(tmp_path, train=False)).splitlines()[0::3] == ["Dataset CIFAR10", "    Split: Test"]


@both
def test_what_is_not_there_is_named(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=f"^{kind.__name__}: there is no .*bin in .*{ARCHIVE[kind]}.*download=True"):
        kind(tmp_path)


@both
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_pickles_are_refused_with_the_reason(kind: Any, packed: bool, tmp_path: Path) -> None:
    number = 10 if kind is CIFAR10 else 100
    folder = "cifar-10-batches-py" if kind is CIFAR10 else "cifar-100-python"
    if packed:
        (tmp_path / f"cifar-{number}-python.tar.gz").write_bytes(b"anything")
    else:
        (tmp_path / folder).mkdir()
    with pytest.raises(RuntimeError, match=f"Python version: pickles, which can run any program.*{ARCHIVE[kind]}"):
        kind(tmp_path)


DAMAGES: dict[str, tuple[str, Any, str]] = {
    "cut": ("data_batch_3.bin", lambda data: data[:-1], "6,145 bytes, but 2 records of 3073 make 6,146"),
    "a record less": ("data_batch_3.bin", lambda data: data[:-3073], "3,073 bytes, but 2 records"),
    "longer": ("data_batch_1.bin", lambda data: data + b"!", "6,147 bytes"),
    "empty": ("data_batch_5.bin", lambda data: b"", "0 bytes"),
    "label": ("data_batch_2.bin", lambda data: b"\x0a" + data[1:], "a label is 10, but there are 10 classes"),
    "names": ("batches.meta.txt", lambda data: b"cat dog", "names of 10 classes, found 2"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_damaged_files_are_refused_by_name(case: str, tmp_path: Path) -> None:
    name, damage, message = DAMAGES[case]
    write(tmp_path, CONTENTS[CIFAR10])
    path = tmp_path / "cifar-10-batches-bin" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as info:
        CIFAR10(tmp_path)
    assert str(path) in str(info.value)


def altered(data: bytes) -> bytes:
    """Whole as an archive, but for the checksum at its end."""
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


ARCHIVE_DAMAGES: dict[str, Any] = {
    "cut": lambda data: data[: len(data) // 2],
    "checksum": altered,
    "no archive": lambda data: b"<html>Not found</html>",
    "gz of no archive": lambda data: gzip.compress(b"<html>Not found</html>" * 100),
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("case", ARCHIVE_DAMAGES)
def test_damaged_archives_are_refused_and_leave_nothing(case: str, tmp_path: Path) -> None:
    path = tmp_path / ARCHIVE[CIFAR10]
    files.write_archive(path, CONTENTS[CIFAR10])
    path.write_bytes(ARCHIVE_DAMAGES[case](path.read_bytes()))
    with pytest.raises(ValueError, match="cifar-10-binary.tar.gz: the archive is damaged .*: delete it"):
        CIFAR10(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_an_archive_without_a_file(tmp_path: Path) -> None:
    contents = {name: data for name, data in CONTENTS[CIFAR10].items() if "data_batch_4" not in name}
    files.write_archive(tmp_path / ARCHIVE[CIFAR10], contents)
    with pytest.raises(
        ValueError, match=r"tar.gz: the archive is damaged \(it has no cifar-10-batches-bin/data_batch_4\.bin\)"
    ):
        CIFAR10(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [ARCHIVE[CIFAR10]]


def test_an_archive_writes_its_own_files_only(tmp_path: Path) -> None:
    """Not what somebody put in beside them, whatever its path."""
    root = tmp_path / "root"
    root.mkdir()
    evil = {
        "../evil": b"1",
        "/tmp/evil-of-cifar": b"2",
        "cifar-10-batches-bin/../../evil": b"3",
        "other/test_batch.bin": b"4",
    }
    files.write_archive(root / ARCHIVE[CIFAR10], {**CONTENTS[CIFAR10], **evil})
    assert len(CIFAR10(root, train=False)) == 2
    assert {each.name for each in tmp_path.iterdir()} == {"root"}
    assert {each.name for each in root.iterdir()} == {ARCHIVE[CIFAR10], "cifar-10-batches-bin"}
    assert len(list((root / "cifar-10-batches-bin").iterdir())) == 7


@both
def test_download(kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(urls: list[str], path: Path, md5: str) -> None:
        asked.append((urls, md5))
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_archive(path, CONTENTS[kind])

    monkeypatch.setattr(_download, "download", download)
    for _ in range(2):  # the second time all is there
        assert len(kind(tmp_path / "new", download=True)) == 10
    assert asked == [([f"https://www.cs.toronto.edu/~kriz/{ARCHIVE[kind]}"], kind.tgz_md5)]
    (tmp_path / "new" / ARCHIVE[kind]).unlink()
    assert len(kind(tmp_path / "new", download=True)) == 10
    assert len(asked) == 1  # the files are enough
