"""`hatch run gpt` as its user meets it: output, wrong input, Ctrl-C."""

import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from .conftest import EXAMPLE

SMALL = "--steps 40 --layers 1 --heads 2 --width 16 --context 16 --batch 8 --lr 1e-2 --sample 60".split()


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(EXAMPLE), *arguments]
    # a shell that runs the tests in the background makes them, and their children, deaf to Ctrl-C
    undeafen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=undeafen)


def run(*arguments: str) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def output() -> tuple[str, str]:
    code, out, err = run(*SMALL)
    assert code == 0, err
    return out, err


def test_the_losses_fall(output) -> None:
    reports = re.findall(r"^step +\d+: loss (\S+), validation (\S+)$", output[0], re.MULTILINE)
    assert len(reports) == 10
    first, last = ([float(loss) for loss in reports[i]] for i in (0, -1))
    assert last[0] < first[0] - 0.3
    assert last[1] < first[1] - 0.3


def test_the_bar_shows_loss_pace_and_time_left(output) -> None:
    assert re.search(r"100%\|█+\| step 40 of 40, loss \d\.\d+, \d+ ms/step, \d\d:\d\d gone, 00:00 to go", output[1])


def test_it_ends_with_a_sample(output) -> None:
    sample = re.split(r"^validation loss .*\n\n", output[0], flags=re.MULTILINE)[-1]
    assert len(sample) == 60 + 1
    assert len(set(sample)) > 5


def test_a_seed_fixes_everything(output) -> None:
    assert run(*SMALL)[1] == output[0]
    assert run(*SMALL, "--seed", "2")[1] != output[0]


def test_one_likeliest_character_is_no_draw() -> None:
    few = [*SMALL, "--steps", "5", "--top-k", "1", "--temperature"]
    samples = [run(*few, each)[1] for each in ("0.1", "5")]
    assert samples[0] == samples[1]


def test_ctrl_c_stops_training_and_still_writes() -> None:
    process = start(*SMALL, "--steps", "1000000")
    try:
        seen = ""
        while not re.search(r"step [1-9]\d* of", seen):
            seen += (more := process.stderr.read(1))
            assert more, seen
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert len(out.partition("stopped")[2]) > 60


def test_ctrl_c_stops_the_writing() -> None:
    process = start(*SMALL, "--steps", "2", "--sample", "10000000")
    try:
        seen = ""
        while not re.search(r"validation loss .*\n\n.", seen, re.DOTALL):
            seen += (more := process.stdout.read(1))
            assert more, seen
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err


WRONG = {
    "--text /no/such/file": "No such file or directory: '/no/such/file'",
    "--text {folder}": "Is a directory",
    "--text {bytes}": "give a text file in UTF-8",
    "--text {short}": "600 characters are too few for --context 64, which needs 650",
    "--width 100 --heads 3": "--width 100: cannot be shared out to --heads 3",
    "--device abacus": "unknown device 'abacus'; there are: cpu",
    "--steps 0": "--steps 0: expected a number above 0",
    "--batch -1": "--batch -1: expected a number above 0",
    "--lr fast": "argument --lr: invalid float value: 'fast'",
    "--temperature 0": "--temperature 0.0: expected a number above 0",
    "--top-k 0": "--top-k 0: expected a number above 0",
    "--lr nan": "--lr nan: expected a number above 0",
    "--lr 1e30": "choose a smaller --lr",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "short").write_text("abcdef" * 100)
    (folder / "bytes").write_bytes(bytes(range(256)) * 10)
    return {"folder": folder, "short": folder / "short", "bytes": folder / "bytes"}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_input_is_told_in_a_line(arguments: str, files: dict[str, Path]) -> None:
    code, _, err = run(*arguments.format(**files).split())
    assert code in (1, 2)
    assert WRONG[arguments] in err.splitlines()[-1]
    assert "Traceback" not in err
