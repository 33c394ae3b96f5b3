"""Whole programs with workers: how they end, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
HERE = Path(__file__).parent / "importable"

LOADER = """
import sys, time
sys.path.append({here!r})
import for_workers as make
from candle.utils.data import DataLoader

def main():
    for i, batch in enumerate(DataLoader(make.Numbers(1000, make.many_kinds), num_workers=2, batch_size=4)):
        if i >= 2:  # both workers have answered, and so do their work by now
            {then}
"""
GUARDED = LOADER + "\nif __name__ == '__main__':\n    main()\n"
READY = "print('ready', flush=True); time.sleep(60)"


def session_of(leader: int) -> list[int]:
    """The processes, zombies aside, of a session; the fork server and its workers stay in their program's."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(session) == leader and state != "Z":
            found.append(int(entry.name))
    return found


def started(tmp_path: Path, source: str) -> subprocess.Popen[str]:
    script = tmp_path / "program.py"
    script.write_text(source)

    def heed() -> None:  # Ctrl-C, which shells have what they run in the background ignore
        signal.signal(signal.SIGINT, signal.default_int_handler)

    pipe, command = subprocess.PIPE, [sys.executable, script]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=heed)


def orphans() -> set[str]:
    """What lies in /dev/shm and no process uses: only that was left behind."""
    names = set(os.listdir("/dev/shm")) if Path("/dev/shm").exists() else set()
    for maps in Path("/proc").glob("[0-9]*/maps") if names else ():
        try:
            names -= {line.rpartition("/")[2] for line in maps.read_text().splitlines() if "/dev/shm/" in line}
        except OSError:
            continue
    return names


def finished(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it said on stderr; nothing of its session lives on, and nothing is left in /dev/shm."""
    orphans_before = orphans()
    _, errors = program.communicate(timeout=60)
    patience = time.monotonic() + 10
    while (left := session_of(program.pid)) and time.monotonic() < patience:
        time.sleep(0.02)
    for each in left:
        os.kill(each, signal.SIGKILL)
    assert left == []
    assert orphans() <= orphans_before
    return program.returncode, errors


def interrupted(program: subprocess.Popen[str], how: signal.Signals, whole_group: bool) -> tuple[int, str]:
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    assert len(session_of(program.pid)) >= 4  # the program, the fork server, two workers
    (os.killpg if whole_group else os.kill)(program.pid, how)
    return finished(program)


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    program = started(tmp_path, GUARDED.format(here=str(HERE), then=READY))
    code, errors = interrupted(program, signal.SIGINT, whole_group=True)
    assert code == -signal.SIGINT
    assert errors.count("Traceback") == 1  # the program's own
    assert "KeyboardInterrupt" in errors


BEGINS_AGAIN = """
import sys
sys.path.append({here!r})
import for_workers as make
from candle.utils.data import DataLoader

def main():
    print("ready", flush=True)
    while True:
        for i, batch in enumerate(DataLoader(make.Numbers(1000, make.many_kinds), num_workers=2, batch_size=4)):
            if i == 5:
                break

if __name__ == "__main__":
    main()
"""


@pytest.mark.full
@pytest.mark.parametrize("tenths", range(2, 22, 2))
def test_ctrl_c_at_any_moment(tmp_path: Path, tenths: int) -> None:
    """While workers are started, asked and ended, of which a program that breaks off epochs does much."""
    program = started(tmp_path, BEGINS_AGAIN.format(here=str(HERE)))
    assert program.stdout is not None
    program.stdout.readline()
    time.sleep(tenths / 10)
    os.killpg(program.pid, signal.SIGINT)
    code, errors = finished(program)
    assert code == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert "KeyboardInterrupt" in errors


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
def test_workers_do_not_outlive_their_program(tmp_path: Path, how: signal.Signals) -> None:
    program = started(tmp_path, GUARDED.format(here=str(HERE), then=READY))
    code, errors = interrupted(program, how, whole_group=False)
    assert code == -how
    assert errors == ""


OWN = """
class Mine(make.Numbers):
    pass

class Refusal(Exception):
    pass

def refuse(i):
    if i > 15:
        raise Refusal("enough")
    return make.many_kinds(i)
"""


def test_what_the_program_defines_goes_to_workers_and_back(tmp_path: Path) -> None:
    """Its dataset, its function and its exception; and it ends with batches in hand."""
    source = GUARDED.replace("def main", OWN + "\ndef main").replace(
        "make.Numbers(1000, make.many_kinds)", "Mine(99, refuse)"
    )
    code, errors = finished(
        started(tmp_path, source.format(here=str(HERE), then="globals().setdefault('all', []).append(batch)"))
    )
    assert code == 1
    assert (
        "\nRefusal: Caught Refusal in DataLoader worker process 0.\n" in errors
        or "\n__main__.Refusal: Caught" in errors
    )
    assert "resource_tracker" not in errors
    assert errors.count("Traceback") == 2  # the program's, and in its message the worker's


@pytest.mark.full
@pytest.mark.parametrize("then", ["sys.exit(0)", "kept = globals().setdefault('all', []).append(batch)"])
def test_an_end_with_batches_in_hand_is_quiet(tmp_path: Path, then: str) -> None:
    source = GUARDED.replace("Numbers(1000", "Numbers(20").format(here=str(HERE), then=then)
    assert finished(started(tmp_path, source)) == (0, "")


def test_a_program_without_a_guard_is_told(tmp_path: Path) -> None:
    code, errors = finished(started(tmp_path, LOADER.format(here=str(HERE), then="pass") + "\nmain()\n"))
    assert code == 1
    last = errors[errors.rindex("RuntimeError: DataLoader worker") :]
    assert "ended before it had begun" in last
    assert 'if __name__ == "__main__":' in last


def test_a_program_from_standard_input_is_told() -> None:
    source = GUARDED.format(here=str(HERE), then="pass")
    ran = subprocess.run([sys.executable], input=source, capture_output=True, text=True)
    assert "again, and '<stdin>' is no file: put the program into one" in ran.stderr


def test_importing_the_package_imports_little() -> None:
    code = "import sys, candle.utils.data; print([n for n in ('tqdm', 'numba', 'candle.numba', 'ssl', 'pluggy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
