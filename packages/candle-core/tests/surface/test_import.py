"""`import candle` is light: NumPy, and nothing that a first tensor does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("pluggy", "importlib.metadata", "numba", "llvmlite", "torch", "cupy", "ml_dtypes", "scipy", "tqdm", "click"),
    *("pytest", "hypothesis", "array_api_strict", "asyncio", "concurrent", "multiprocessing", "unittest", "logging"),
    *("html", "json", "pickle", "sqlite3", "ssl", "urllib", "xml", "email", "http", "tempfile", "subprocess"),
}
LATER = {  # candle's own, brought by those who ask for it
    *("candle.func", "candle.func.vmap", "candle.testing", "candle._picture", "candle._explanation", "candle.utils"),
    *("candle.autograd.functional", "candle.hooks", "candle.nn", "candle.numba"),
}


def modules_after(code: str) -> set[str]:
    """What a fresh interpreter has loaded after the code and had not after NumPy."""
    program = f"import sys, numpy; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.fixture(scope="module")
def after_import() -> set[str]:
    return modules_after("import candle")


def test_no_heavy_module(after_import: set[str]) -> None:
    tops = after_import | {name.split(".")[0] for name in after_import}
    assert tops & HEAVY == set()


def test_what_candle_does_not_need_yet(after_import: set[str]) -> None:
    assert after_import & LATER == set()


def test_little_of_the_standard_library(after_import: set[str]) -> None:
    """Beyond what NumPy brings, so that a new import is a choice somebody made."""
    others = {name.split(".")[0].strip("_") for name in after_import if name.split(".")[0] != "candle"}
    allowed = {
        "future",
        "heapq",
        "copy",
        "copyreg",
        "dataclasses",
        "importlib",
        "pkgutil",
        "threading",
        "weakref",
        "zipimport",
    }
    assert others <= allowed | {
        "inspect",
        "dis",
        "opcode",
        "ast",
        "keyword",
        "reprlib",
        "collections",
        "types",
        "weakrefset",
    }


def test_plugins_load_with_the_first_device() -> None:
    after = modules_after("import candle; candle.tensor([1.0])")
    assert "pluggy" in after


def test_importing_candle_draws_no_random_numbers_and_sets_no_thread() -> None:
    code = "import numpy as np, threading; s = np.random.get_state()[1].tolist(); n = threading.active_count(); import candle; "
    code += "print(s == np.random.get_state()[1].tolist(), n == threading.active_count())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True"]


def test_importing_candle_says_nothing() -> None:
    code = "import warnings; warnings.simplefilter('error'); import candle; candle.tensor([1.0])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout + found.stderr == ""


@pytest.mark.parametrize(
    "name", ["candle._apply", "candle._graph", "candle.op", "candle.ops.linalg", "candle.func", "candle._views"]
)
def test_any_module_can_be_imported_first(name: str) -> None:
    """No import that works only after another."""
    subprocess.run([sys.executable, "-c", f"import {name}; import candle; candle.ones(2).sum()"], check=True)
