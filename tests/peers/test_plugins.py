"""What users of others ask for: plugins that cost nothing at start, and that cannot take the program down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, candle
print("a_broken_plugin" in sys.modules)
print((candle.ones(2) + 1).tolist())
print(candle.devices())
"""


def test_a_broken_plugin_is_loaded_late_and_does_not_kill_the_program(tmp_path: Path) -> None:
    """Not at `import candle`; then it raises, is named with its cause, and the program goes on."""
    (tmp_path / "a_broken_plugin.py").write_text("raise OSError('no driver')")
    info = tmp_path / "broken-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text("[candle]\nbroken = a_broken_plugin\n")
    environment = {name: value for name, value in os.environ.items() if name != "CANDLE_PLUGINS"}
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment | {"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    early, sums, *devices = done.stdout.splitlines()
    assert (early, sums) == ("False", "[2.0, 2.0]")
    assert "broken (broken 2.1): FAILED: OSError: no driver" in devices
