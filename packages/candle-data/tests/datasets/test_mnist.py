"""MNIST and its relatives: from files written here, and from the real ones."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import candle
from candle.datasets import KMNIST, MNIST, FashionMNIST, _download, transforms

from . import files

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 28, 28)).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)
REAL = Path(__file__).parents[5] / "shared/data/mnist10k"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files.write_mnist(tmp_path, IMAGES, LABELS)
    return tmp_path


@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
@pytest.mark.parametrize("zip", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
def test_found_in_every_layout(folder: str, zip: bool, train: bool, tmp_path: Path) -> None:
    files.write_mnist(tmp_path / folder, IMAGES, LABELS, "train" if train else "t10k", zip)
    data = MNIST(str(tmp_path), train=train)
    assert data.data.dtype is candle.uint8
    assert data.targets.dtype is candle.int64
    np.testing.assert_array_equal(data.data.numpy(), IMAGES)
    np.testing.assert_array_equal(data.targets.numpy(), LABELS)
    with pytest.raises(RuntimeError, match="there is no " + ("t10k" if train else "train") + "-images-idx3-ubyte.gz"):
        MNIST(tmp_path, train=not train)


def test_a_sample(root: Path) -> None:
    image, target = MNIST(root)[2]
    assert (type(target), target) == (int, 4)
    assert image.dtype is candle.float32
    np.testing.assert_array_equal(image.numpy(), IMAGES[2:3].astype(np.float32) / 255, strict=True)
    assert MNIST(root)[-1][1] == 2
    with pytest.raises(IndexError):
        MNIST(root)[7]
    assert len(list(MNIST(root))) == len(MNIST(root)) == 7  # iteration ends by that IndexError


def test_the_transforms_see_bytes_and_an_int(root: Path) -> None:
    seen: list[Any] = []
    data = MNIST(root, transform=lambda x: seen.append(x) or "image", target_transform=lambda y: seen.append(y) or "y")
    assert data[4] == ("image", "y")
    np.testing.assert_array_equal(seen[0].numpy(), IMAGES[4:5], strict=True)
    assert (type(seen[1]), seen[1]) == (int, 5)


def test_a_transform_that_writes_leaves_the_data_alone(root: Path) -> None:
    for batched in (False, True):
        data = MNIST(root, transform=transforms.Lambda(lambda x: x.fill_(7), batched))
        assert (data[0][0] == 7).all()
        assert not batched or (data.__getbatch__([0, 1])[0] == 7).all()
        np.testing.assert_array_equal(data.data.numpy(), IMAGES)


def test_a_root_at_home(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    assert len(MNIST("~")) == 7


def test_a_batch_is_what_its_samples_are(root: Path) -> None:
    for transform in (None, transforms.Compose([transforms.CenterCrop(20), transforms.ToTensor()])):
        data = MNIST(root, transform=transform)
        images, targets = data.__getbatch__([5, 0, -2, 5])
        np.testing.assert_array_equal(
            images.numpy(), np.stack([data[i][0].numpy() for i in (5, 0, -2, 5)]), strict=True
        )
        np.testing.assert_array_equal(targets.numpy(), [9, 3, 9, 9])
        assert targets.dtype is candle.int64
    odd = transforms.Lambda(lambda y: y % 2, batched=True)
    assert MNIST(root, target_transform=odd).__getbatch__([0, 6])[1].tolist() == [1, 0]
    for name in ("transform", "target_transform"):
        assert MNIST(root, **{name: lambda x: x}).__getbatch__([0, 1]) is NotImplemented


def test_an_empty_batch(root: Path) -> None:
    images, targets = MNIST(root).__getbatch__([])
    assert (tuple(images.shape), images.dtype) == ((0, 1, 28, 28), candle.float32)
    assert (tuple(targets.shape), targets.dtype) == ((0,), candle.int64)


@pytest.mark.parametrize("indices", [[0, 1, 2], [0]], ids=str)
@pytest.mark.parametrize("transform", [transforms.CenterCrop(20), transforms.RandomCrop(20)], ids=repr)
def test_batches_lie_in_memory_in_order(transform: Any, indices: list[int], root: Path) -> None:
    """As those that were collated do."""
    last = transforms.Lambda(lambda y: y.expand(2, -1).T, batched=True)
    images, targets = MNIST(root, transform=transform, target_transform=last).__getbatch__(indices)
    assert images.view(-1).shape == (len(indices) * 400,)
    assert targets.view(-1).shape == (len(indices) * 2,)


def test_a_loader_gives_the_batch(root: Path) -> None:
    from candle.utils.data import DataLoader

    augmented = transforms.Compose([transforms.RandomCrop(24, 1), transforms.ToTensor()])
    for transform, size in [(None, 28), (augmented, 24), (lambda x: x[:, :3].float(), 3)]:
        batches = list(DataLoader(MNIST(root, transform=transform), batch_size=4))
        assert [tuple(images.shape) for images, _ in batches] == [
            (n, 1, size, size if size > 3 else 28) for n in (4, 3)
        ]
        assert all(images.dtype is candle.float32 for images, _ in batches)
        assert [targets.tolist() for _, targets in batches] == [[3, 1, 4, 1], [5, 9, 2]]


def test_data_may_be_replaced_by_a_part_of_it(root: Path) -> None:
    data = MNIST(root)
    data.data, data.targets = data.data[:2], data.targets[:2]
    assert len(data) == 2


def test_it_can_be_pickled(root: Path) -> None:
    """As workers that do not fork need it."""
    data = pickle.loads(pickle.dumps(MNIST(root, transform=transforms.ToTensor())))
    assert data[2][1] == 4
    np.testing.assert_array_equal(data.data.numpy(), IMAGES)


def test_repr(root: Path) -> None:
    data = MNIST(root, transform=transforms.Compose([transforms.ToTensor()]))
    assert repr(data).splitlines() == [
        "Dataset MNIST",
        "    Number of datapoints: 7",
        f"    Root location: {root}",
        "    Split: Train",
        "    transform: Compose(",
        "        ToTensor()",
        "    )",
    ]


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
def test_what_is_not_there_is_named(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as info:
        kind(tmp_path)
    message = str(info.value)
    assert message.startswith(f"{kind.__name__}: there is no train-images-idx3-ubyte.gz")
    assert str(tmp_path / kind.__name__ / "raw") in message
    assert "download=True" in message


def test_images_without_their_labels(root: Path) -> None:
    labels = root / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(files.idx(LABELS[:-1])))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz holds 7 images, and .*train-labels.* 6 labels"):
        MNIST(root)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("images-idx3", LABELS, r"expected 3 dimensions of uint8, found the shape \(7,\) of uint8"),
        ("images-idx3", IMAGES.astype(np.int16), r"expected 3 .* found the shape \(7, 28, 28\) of int16"),
        ("labels-idx1", IMAGES, r"expected 1 dimensions"),
        ("labels-idx1", LABELS + np.uint8(1), "a label is 10, but there are 10 classes"),
    ],
)
def test_files_of_something_else_are_refused(root: Path, name: str, array: np.ndarray, message: str) -> None:
    path = root / f"train-{name}-ubyte.gz"
    path.write_bytes(gzip.compress(files.idx(array)))
    with pytest.raises(ValueError, match=message) as info:
        MNIST(root)
    assert str(path) in str(info.value)


def test_a_damaged_file_is_refused_by_name(root: Path) -> None:
    path = root / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz: its gzip stream is damaged"):
        MNIST(root)


# --- downloads: what is asked for; how, is in test_download -----------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], str]]:
    """What `download` was called with; the files come from another folder."""
    there, asked = tmp_path / "elsewhere", []
    files.write_mnist(there, IMAGES, LABELS)
    files.write_mnist(there, IMAGES[:2], LABELS[:2], "t10k")

    def download(urls: list[str], path: Path, md5: str) -> None:
        asked.append((urls, md5))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((there / path.name).read_bytes())

    monkeypatch.setattr(_download, "download", download)
    return asked


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
def test_download_fetches_what_is_missing(kind: Any, asked: list[Any], tmp_path: Path) -> None:
    assert len(kind(tmp_path / "data", train=False, download=True)) == 2
    assert [urls for urls, _ in asked] == [[mirror + name for mirror in kind.mirrors] for name in kind.resources]
    assert [md5 for _, md5 in asked] == list(kind.resources.values())
    assert len(kind(tmp_path / "data", download=True)) == 7
    assert len(asked) == 4  # nothing more
    (tmp_path / "data" / kind.__name__ / "raw/t10k-labels-idx1-ubyte.gz").unlink()
    kind(tmp_path / "data", download=True)
    assert len(asked) == 5


def test_download_does_not_take_one_data_set_for_another(asked: list[Any], root: Path) -> None:
    """Their files have the same names: those in `root` itself count if their checksums do."""
    FashionMNIST(root, download=True)
    assert len(asked) == 4


def test_download_takes_what_is_in_root(asked: list[Any], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_mnist(root, IMAGES[:2], LABELS[:2], "t10k")
    sums = {name: _download.checksum(root / name) for name in MNIST.resources}
    monkeypatch.setattr(MNIST, "resources", sums)
    assert len(MNIST(root, download=True)) == 7
    assert asked == []


# --- the real files -------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="needs MNIST's files in ../shared/data/mnist10k")
@pytest.mark.parametrize("train", [True, False], ids=["train", "test"])
def test_the_real_files(train: bool) -> None:
    """Read independently: past the headers of 16 and 8 bytes lie the bytes themselves."""
    part = "train" if train else "t10k"
    pixels = gzip.decompress((REAL / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((REAL / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    data = MNIST(REAL, train=train)
    assert len(data) == 10_000
    np.testing.assert_array_equal(data.data.numpy().ravel(), np.frombuffer(pixels, np.uint8))
    assert bytes(data.targets.tolist()) == labels
    assert data.targets[:5].tolist() == ([5, 0, 4, 1, 9] if train else [7, 2, 1, 0, 4])  # as LeCun's page shows
    image, target = data[9_999]
    assert (target, image.numpy().tobytes()) == (labels[-1], (data.data[-1].numpy() / np.float32(255)).tobytes())
