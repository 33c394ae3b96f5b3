"""examples/training.py: a nan is explained, memory stays, and a training that was killed goes on bit for bit."""

import gc
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import candle
from candle import nn
from candle.optim import SGD, AdamW
from candle.optim.lr_scheduler import StepLR
from candle.utils.data import DataLoader, TensorDataset

from .conftest import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, as candle itself has it


@pytest.fixture(scope="module")
def training(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("training")


def small(training: ModuleType) -> Any:
    """A training in which everything takes part: momentum, a schedule, dropout, running statistics, an order."""
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    optimizer = AdamW(model.parameters(), lr=1e-2)
    data = TensorDataset(candle.randn(37, 6), candle.randint(3, (37,)))
    loader = DataLoader(data, batch_size=8, shuffle=True)

    def loss_of(model, x, y):
        return nn.functional.cross_entropy(model(x), y)

    return training.Training(model, optimizer, StepLR(optimizer, 20, 0.5), loss_of, loader)


# --- a nan ------------------------------------------------------------------


def of_one_weight(training: ModuleType, loss_of: Callable[[Any, candle.Tensor], candle.Tensor], lr: float = 0.1) -> Any:
    model = nn.Linear(1, 1, bias=False)
    with candle.no_grad():
        model.weight.fill_(2.0)
    optimizer = SGD(model.parameters(), lr=lr)
    return training.Training(model, optimizer, StepLR(optimizer, 1000), loss_of)


WELL, ZERO, BELOW = ((candle.full((3, 1), value),) for value in (1.0, 0.0, -1.0))
TROUBLE = {
    "forward": (lambda model, x: model(x).log().mean(), BELOW, r"loss is nan at step 3: log made the first nan, from "),
    "backward": (lambda model, x: model(x).sum().sqrt(), ZERO, r"gradient not finite at step 3: \w+ made the first nan of this backward"),
    "infinity": (lambda model, x: model(x).mean() ** -2, ZERO, r"loss is inf at step 3: "),
    "batch": (lambda model, x: model(x).mean(), (candle.full((3, 1), np.nan),), "step 3: the batch itself holds a nan"),
    "layer": (lambda model, x: model(x).mean(), (candle.full((3, 1), 3e38),), r"inf at step 3: no operation made a nan; the model \(Linear\) overflowed first"),
}  # fmt: skip


@pytest.mark.parametrize("case", TROUBLE)
def test_a_nan_is_traced_to_its_step_and_operation(case: str, training: ModuleType) -> None:
    loss_of, batch, message = TROUBLE[case]
    subject = of_one_weight(training, loss_of, lr=0.01)
    for _ in range(2):
        subject.learn(WELL)
    before = subject.model.weight.item()
    with pytest.raises(training.Diverged, match=message):
        subject.learn(batch)
    assert subject.model.weight.item() == before
    assert subject.step == len(subject.losses) == 2


def test_an_overflowing_step_is_told_by_its_learning_rate(training: ModuleType) -> None:
    subject = of_one_weight(training, lambda model, x: (model(x) ** 2).mean(), lr=3e38)
    subject.learn(WELL)
    with pytest.raises(training.Diverged, match=r"step 2: weight overflowed in the step before; .* \(it was 3e\+38\)"):
        subject.learn(WELL)


def test_the_second_look_draws_what_the_first_drew(training: ModuleType) -> None:
    """A nan that one random number in ten makes is found again."""
    subject = of_one_weight(training, lambda model, x: (model(x) * (candle.rand(()) - 0.1).log()).mean(), lr=0.0)
    with pytest.raises(training.Diverged, match="log made the first nan"):
        [subject.learn(WELL) for _ in range(1000)]


# --- memory -----------------------------------------------------------------


@pytest.mark.timeout(900)  # tracemalloc makes the 10,000 steps slow
def test_a_step_leaves_nothing_behind(training: ModuleType, full: bool) -> None:
    """Not even to the garbage collector: less than 1 kB a step. What Python keeps of freed tuples is 0.4 MB, once."""
    subject, steps = small(training), 10_000 if full else 1_000
    for _ in range(50):
        subject.learn(subject.next_batch())
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(steps):
            subject.learn(subject.next_batch())
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert (after - before) / steps < 1000


# --- checkpoints ------------------------------------------------------------


def flat(state: Any, name: str = "") -> dict[str, Any]:
    """Everything in nested containers, by its place."""
    if isinstance(state, candle.Tensor):
        return {name: (state.dtype, state.numpy().tobytes())}
    if isinstance(state, dict | list | tuple):
        pairs = state.items() if isinstance(state, dict) else enumerate(state)
        return {place: each for key, value in pairs for place, each in flat(value, f"{name}.{key}").items()}
    return {name: state}


@pytest.mark.parametrize("at", [1, 4, 5, 23])  # 5 batches are an epoch
def test_a_resumed_training_is_the_straight_one(at: int, training: ModuleType, tmp_path: Path) -> None:
    for name, stops in {"straight": [50], "resumed": [at, 50]}.items():
        path = tmp_path / name
        for stop in stops:
            candle.manual_seed(3 if stop == stops[0] else 99)  # the second time all must come from the file
            subject = small(training)
            subject.loader.dataset.tensors[0].copy_(candle.arange(37.0 * 6).reshape(37, 6).cos())
            subject.loader.dataset.tensors[1].copy_(candle.arange(37) % 3)
            if path.exists():
                subject.resume(path)
            assert subject.fit(stop, checkpoint=path, save_every=10)
    straight, resumed = (flat(candle.load(tmp_path / name)) for name in ("straight", "resumed"))
    assert len(straight) > 40
    assert resumed.keys() == straight.keys()
    assert [name for name in straight if resumed[name] != straight[name]] == []


def test_after_kill_9_a_program_goes_on_bit_for_bit(mnist: Path, tmp_path: Path) -> None:
    """Weights, optimizer, schedule, losses, random numbers, order, and what is drawn for dropout and augmentation."""
    program = [sys.executable, str(EXAMPLES / "mnist.py"), "--model", "convnet", "--data", str(mnist)]
    program += ["--steps", "30", "--save-every", "15", "--checkpoint"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*program, "straight"], cwd=tmp_path, check=True, **silent)
    process = subprocess.Popen([*program, "killed"], cwd=tmp_path, **silent)
    deadline = time.monotonic() + 120
    try:
        while not (tmp_path / "killed").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert candle.load(tmp_path / "killed")["step"] == 15
    subprocess.run([*program, "killed", "--resume", "--seed", "7"], cwd=tmp_path, check=True, **silent)
    straight, resumed = (flat(candle.load(tmp_path / name)) for name in ("straight", "killed"))
    assert resumed.keys() == straight.keys()
    assert [name for name in straight if resumed[name] != straight[name]] == []


KILLED = """
import os, random, signal, sys, time
sys.path.insert(0, sys.argv[1])
import candle, training
from candle import nn, optim
from candle.utils.data import DataLoader, TensorDataset

def fresh():
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = optim.AdamW(model.parameters())
    loader = DataLoader(TensorDataset(candle.randn(64, 64), candle.randint(10, (64,))), batch_size=8, shuffle=True)
    loss_of = lambda model, x, y: nn.functional.cross_entropy(model(x), y)
    return training.Training(model, optimizer, optim.lr_scheduler.StepLR(optimizer, 9), loss_of, loader)

fresh().fit(1, checkpoint="latest", save_every=1)
for _ in range(int(sys.argv[2])):
    before, child = os.stat("latest").st_ino, os.fork()
    if child == 0:
        subject = fresh()
        subject.resume("latest")
        subject.fit(10**9, checkpoint="latest", save_every=1)
    while os.stat("latest").st_ino == before:  # until it has saved once
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    subject = fresh()
    subject.resume("latest")
    print("step", subject.step, flush=True)
"""


def test_kill_9_never_leaves_a_latest_checkpoint_that_does_not_load(tmp_path: Path, full: bool) -> None:
    """Each child goes on from what the one before it had saved when it was killed, somewhere in a save."""
    kills = 200 if full else 10
    command = [sys.executable, "-c", KILLED, str(EXAMPLES), str(kills)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    steps = [int(step) for step in re.findall(r"^step (\d+)$", done.stdout, re.MULTILINE)]
    assert len(steps) == kills
    assert all(first < second for first, second in zip([1, *steps], steps))
