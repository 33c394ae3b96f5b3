"""The template of a backend, brought in from its folder: its device and its own tests."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import candle
from candle.plugins import registry

FOLDER = Path(__file__).parents[2] / "templates/candle-backend"


def its_tests() -> ModuleType:
    """tests/test_torch.py, with the device `torch` registered as its entry point would."""
    if "torch" not in candle.devices():
        sys.path.append(str(FOLDER / "src"))
        from candle_backend_template import make_backend

        registry.add("torch", make_backend, "templates/candle-backend")
    spec = spec_from_file_location("candle_backend_template_tests", FOLDER / "tests/test_torch.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
