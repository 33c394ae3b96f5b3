"""The programs as their user meets them: what they print and draw, wrong input, Ctrl-C."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.image import imread

import candle

from .conftest import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, as candle itself has it

PROGRAMS = {
    "digits --steps 30": r"13,130 parameters\ntest accuracy \d+\.\d\d%\ndrawn: digits.png",
    "digits --steps 5 --model mlp-sgd --checkpoint new/kept": "drawn: digits.png",
    "digits --steps 3 --model resnet14 --picture sub/ten.png": "11,066 parameters(.|\n)*drawn: sub/ten.png",
    "mnist --steps 3 --model mlp --data {mnist}": "200 images to learn from, 200 to test with\n238,314 parameters",
    "mnist --steps 3 --model convnet --data {mnist}": "drawn: mnist.png",
    "mnist --steps 2 --data {mnist}": "drawn: mnist.png",
    "cifar --steps 2 --data {cifar}": "273,066 parameters(.|\n)*drawn: cifar.png",
    "names --steps 20 --width 32": r"2,000 names of 26 letters\n.*\nvalidation loss \d\.\d{3}\n(\w*\*?  ){10}",
    "names --steps 3 --cell gru --data {words}": "27 names of 3 letters",
    "initialization --depths 1 8 --widths 16 32": r"Kaiming +10\^",
    "side_by_side digits-mlp names-gru --steps 3": r"\| digits-mlp \| (\d+\.\d\d%) \| \1 \|(.|\n)*\| names-gru \| (\d\.\d{3}) \| \3 \|",
}


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, mnist: Path, cifar: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "words").write_text("\n".join(a + b + c + "\n" for a in "abc" for b in ["a", "ab", "c"] for c in "abca"))
    (folder / "few").write_text("anna\notto\n")
    (folder / "bytes").write_bytes(bytes(range(256)))
    candle.save({"something": 1}, folder / "other")
    candle.save({"model": {"1.weight": candle.ones(64, 64)}}, folder / "of_mlp")
    return {
        "mnist": mnist,
        "cifar": cifar,
        "folder": folder,
        **{each: folder / each for each in ("words", "few", "bytes", "other", "of_mlp")},
    }


@pytest.mark.parametrize("command", PROGRAMS)
def test_programs_run(command: str, run: Callable[..., None], files: dict[str, Path], tmp_path: Path, capsys) -> None:
    run(*command.format(**files).split())
    printed = capsys.readouterr().out
    assert re.search(PROGRAMS[command], printed), printed
    picture = imread(tmp_path / re.findall("drawn: (.*)", printed)[0])
    assert min(picture.shape[:2]) > 250
    assert picture[..., :3].std() > 0.02


def test_the_digits_are_learned(run: Callable[..., None], capsys) -> None:
    """In a quarter of the steps, to more than 80 %."""
    run("digits", "--steps", 300)
    assert float(re.findall(r"test accuracy (.*)%", capsys.readouterr().out)[-1]) > 80


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("model", "accuracy"), {"mlp": 93.77, "mlp-sgd": 93.21, "resnet14": 96.22}.items())
def test_the_digits_are_learned_as_well_as_the_peer_says(model: str, accuracy: float, run, capsys) -> None:
    """On average; the peer tells of one run."""
    for seed in (1, 2, 3):
        run("digits", "--model", model, "--seed", seed)
    found = re.findall(r"test accuracy (.*)%", capsys.readouterr().out)
    assert len(found) == 3
    assert sum(map(float, found)) / 3 >= accuracy


def test_only_kaiming_keeps_the_gradient(run: Callable[..., None], capsys) -> None:
    """A layer multiplies its norm by sqrt(width / 2) σ: 1 for Kaiming, 1 / sqrt(2) for Xavier, 0.16 for σ = 0.02."""
    run("initialization", "--depths", 1, 11, "--widths", 128)
    powers = {
        name.strip(): float(power) for name, power in re.findall(r"^(.*?) +10\^(\S+)$", capsys.readouterr().out, re.M)
    }
    expected = {"Kaiming": 0.0, "Xavier": -1.505, "normal, σ = 0.02": -7.959, "normal, σ = 0.1": -0.969}
    assert powers == pytest.approx(expected, abs=0.35)


WRONG = {
    "digits --steps 0": "--steps 0: expected a number above 0",
    "digits --picture digits.jpg": "--picture digits.jpg: expected a name that ends in .png",
    "digits --picture {words}/digits.png": "--picture {words}/digits.png: cannot be written: ",
    "digits --checkpoint {words}/kept": "--checkpoint {words}/kept: cannot be written: ",
    "digits --checkpoint {folder}": "--checkpoint {folder}: cannot be written: it is a folder",
    "digits --model alexnet": "invalid choice: 'alexnet'",
    "digits --resume": "--resume: from which file? name it with --checkpoint FILE",
    "digits --resume --checkpoint {folder}/none": "--resume: there is no file {folder}/none",
    "digits --resume --checkpoint {other}": "--resume {other}: there is no 'trainer' in it; it is of another program or model",
    "digits --resume --checkpoint {of_mlp} --model resnet14": "it is of another program or model",
    "digits --resume --checkpoint {bytes}": "{bytes} is not a whole checkpoint",
    "mnist --data {folder}": "there is no train-images-idx3-ubyte.gz",
    "cifar --data {folder}": "there is no data_batch_1.bin",
    "names --data {folder}/none": "No such file or directory: '{folder}/none'; give a text file in UTF-8",
    "names --data {bytes}": "give a text file in UTF-8",
    "names --data {few}": "2 names are too few to learn from; give 20 or more, one to a line",
    "names --lr nan": "--lr nan: expected a number above 0",
    "names --lr 1e38": "choose a smaller learning rate",
    "side_by_side --steps -1": "--steps -1: expected a number above 0",
    "side_by_side chess": "no such subject: chess; there are: digits-mlp, ",
    "initialization --depths 3 -1": "--depths -1: expected a number above 0",
}


@pytest.mark.parametrize("command", WRONG)
def test_wrong_input_is_told_in_a_line(command: str, run: Callable[..., None], files: dict[str, Path], capsys) -> None:
    with pytest.raises(SystemExit) as end:
        run(*command.format(**files).split())
    told = end.value.code if isinstance(end.value.code, str) else capsys.readouterr().err.splitlines()[-1]
    assert WRONG[command].format(**files) in told
    assert "\n" not in told


def test_what_a_checkpoint_is_resumed_by(run: Callable[..., None], capsys) -> None:
    run("digits", "--steps", 3, "--checkpoint", "kept")
    again = ("digits", "--checkpoint", "kept", "--resume", "--steps", 2)
    run(*again)  # all done, and more
    told = capsys.readouterr()
    assert "going on after step 3" in told.out
    assert "step 3 of 3" in told.err
    with pytest.raises(SystemExit, match="--resume kept: it was trained by AdamW, not by SGD"):
        run(*again, "--model", "mlp-sgd")


def test_ctrl_c_ends_the_training_and_keeps_everything(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "digits.py"), "--steps", "10000000", "--checkpoint", "kept"]
    # a shell that runs the tests in the background makes them, and their children, deaf to Ctrl-C
    undeafen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, preexec_fn=undeafen)
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
    (stopped,) = re.findall(r"^stopped after step (\d+)\ntest accuracy .*\ndrawn: digits.png$", out, re.MULTILINE)
    assert candle.load(tmp_path / "kept")["step"] == int(stopped)


def test_ctrl_c_at_another_time_leaves_no_traceback(example: Callable[[str], ModuleType]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit, match="stopped"):
        example("programs").start(interrupted)


def test_what_ended_before_the_first_score_is_drawn(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """Ctrl-C may come that early."""
    names, pictures = example("names"), example("pictures")
    training = names.training_of("gru", 27, 3, 0.1, steps=10)
    names.draw(training, "gru", [], tmp_path / "names.png")
    figure, (axes,) = pictures.sheet(4, 3, 1, "nothing yet")
    pictures.draw_losses(axes, [])
    pictures.draw_scores(axes, [])
    pictures.keep(figure, tmp_path / "scores.png")
    assert all(imread(tmp_path / name).std() > 0 for name in ("names.png", "scores.png"))
