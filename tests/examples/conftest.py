"""The programs of examples/ as modules, and small data for them."""

import gzip
import importlib.util
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import candle
from candle.datasets import CIFAR10

EXAMPLES = Path(__file__).parents[2] / "examples"


def _side_by_side() -> ModuleType:
    spec = importlib.util.spec_from_file_location("side_by_side", EXAMPLES / "side_by_side.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def side_by_side() -> ModuleType:
    return _side_by_side()


@pytest.fixture(scope="session")
def example(side_by_side: ModuleType) -> Callable[[str], ModuleType]:
    return side_by_side.load


@pytest.fixture
def run(example: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """`run("digits", "--steps", 3)` is `python digits.py --steps 3` in an empty folder, in this process."""

    def main(name: str, *arguments: object) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, arguments)])
        example(name).main()

    return main


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    state = candle.get_rng_state()
    candle.manual_seed(0)
    yield
    candle.set_rng_state(state)


def blobs(count: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Images of ten kinds that can be told apart, and their labels."""
    random = np.random.default_rng(5)
    kinds, labels = random.integers(0, 200, (10, *shape)), random.integers(0, 10, count)
    return (kinds[labels] + random.integers(0, 56, (count, *shape))).astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 200 images in MNIST's files, the same for the test."""
    folder = tmp_path_factory.mktemp("mnist")
    images, labels = blobs(200, (28, 28))
    for part in ("train", "t10k"):
        files = {"images-idx3": struct.pack(">4i", 2051, 200, 28, 28) + images.tobytes()}
        files["labels-idx1"] = struct.pack(">2i", 2049, 200) + labels.tobytes()
        for name, content in files.items():
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture(scope="session")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 40 images in CIFAR-10's files, and 8 for the test."""
    root = tmp_path_factory.mktemp("cifar")
    folder = root / "cifar-10-batches-bin"
    folder.mkdir()
    images, labels = blobs(48, (3, 32, 32))
    records = np.concatenate([labels[:, None], images.reshape(48, -1)], axis=1)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    for name, part in zip(names, np.split(records, 6)):
        (folder / name).write_bytes(part.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(f"kind{i}" for i in range(10)))
    return root


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-10 is content with these, not 50,000 and 10,000; only while a test of this folder runs."""
    monkeypatch.setattr(CIFAR10, "images", {True: 40, False: 8})
