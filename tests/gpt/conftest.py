"""The example as a module, and a task for it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import candle

EXAMPLE = Path(__file__).parents[2] / "examples/char_gpt.py"
STEPS, BATCH, CONTEXT, LAYERS, HEADS, WIDTH = 50, 4, 32, 2, 4, 32


@pytest.fixture(scope="session")
def char_gpt() -> ModuleType:
    spec = importlib.util.spec_from_file_location("char_gpt", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def batches() -> np.ndarray:
    """(STEPS, BATCH, CONTEXT + 1) characters of Shakespeare."""
    text = np.frombuffer((EXAMPLE.parent / "data/shakespeare.txt").read_bytes(), dtype=np.uint8)
    starts = np.random.default_rng(0).integers(0, len(text) - CONTEXT, (STEPS, BATCH, 1))
    return text[starts + np.arange(CONTEXT + 1)].astype(np.int64)


@pytest.fixture(scope="session")
def weights(char_gpt: ModuleType) -> dict[str, np.ndarray]:
    """By the example's names, in float64, none of them zero so that each takes part."""
    candle.manual_seed(1)
    random = np.random.default_rng(1)
    params = char_gpt.GPT(128, CONTEXT, LAYERS, HEADS, WIDTH).params
    return {name: p.detach().double().numpy() + 0.02 * random.normal(size=p.shape) for name, p in params.items()}
