"""What the programs here share: learning step by step, with a bar, checkpoints, and first aid when a nan turns up."""

import math
import signal
import time
from contextlib import contextmanager

from tqdm import tqdm

import candle
from candle import nn

BAR = "{percentage:3.0f}%|{bar:20}| step {n_fmt} of {total_fmt}{postfix}, {elapsed} gone, {remaining} to go"


class Diverged(SystemExit):
    """Ends the program with its message."""


class Training:
    """A model and all that changes while it learns, to be saved and taken up again together.

    `loss_of(model, *batch)` is made small over the batches of `loader`, again and again, each of them changed by
    `augment(*batch)` first. `clip` cuts the norm of the whole gradient.
    """

    def __init__(self, model, optimizer, scheduler, loss_of, loader=(), augment=None, clip=None):
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.loss_of, self.loader, self.augment, self.clip = loss_of, loader, augment, clip
        self.step = 0
        self.losses, self.scores, self.seconds = [], [], []  # of each step; (step, score); of this process's steps
        self._batches = self._epochs()

    def _epochs(self):
        """The batches of one epoch after the other."""
        while len(self.loader):
            yield from self.loader
        raise ValueError("the loader has no batches to learn from")

    def next_batch(self):
        batch = next(self._batches)
        return self.augment(*batch) if self.augment else batch

    def learn(self, batch):
        """Take one step. Weights that a nan would spoil are left as they are."""
        random = candle.get_rng_state()
        loss, norm = self._backward(batch)
        if not math.isfinite(loss) or not math.isfinite(norm):
            candle.set_rng_state(random)
            raise Diverged(self._explanation(batch, loss))
        self.optimizer.step()
        self.scheduler.step()
        self.step += 1
        self.losses.append(loss)

    def _backward(self, batch):
        """The loss, and the norm of its gradient."""
        self.model.train()
        self.optimizer.zero_grad()
        loss = self.loss_of(self.model, *batch)
        loss.backward()
        params = [p for p in self.model.parameters() if p.grad is not None]
        if self.clip:
            return loss.item(), nn.utils.clip_grad_norm_(params, self.clip).item()
        return loss.item(), nn.utils.get_total_norm([p.grad for p in params]).item()

    def _explanation(self, batch, loss):
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the loss is {loss:.4g}, its gradient not finite"
        return f"{what} at step {self.step + 1}: {self._cause(batch)}"

    def _cause(self, batch):
        """What made the first nan, found by doing the step once more while every operation is watched."""
        if not all(map(is_finite, batch)):
            return "the batch itself holds a nan or an infinity"
        for name, parameter in self.model.named_parameters():
            if not is_finite(parameter):
                rate = self.optimizer.param_groups[0]["lr"]
                return f"{name} overflowed in the step before; choose a smaller learning rate (it was {rate:.3g})"
        try:
            with candle.autograd.detect_anomaly(), first_infinity(self.model) as infinite:
                self._backward(batch)
        except RuntimeError as error:
            return str(error)
        return f"no operation made a nan; {infinite[0] if infinite else 'the loss or its gradient'} overflowed first"

    def fit(self, steps, evaluate=None, told="{}", checkpoint=None, save_every=100):
        """Learn until `steps` are done or Ctrl-C is pressed; whether all were done.

        Ten times, `evaluate(model)` is noted in `scores`. Every so often, all of it is saved in `checkpoint`.
        """
        with tqdm(total=max(steps, self.step), initial=self.step, bar_format=BAR) as bar, patience() as interrupted:
            while self.step < steps and not interrupted:
                batch, began = self.next_batch(), time.perf_counter()
                self.learn(batch)
                self.seconds.append(time.perf_counter() - began)
                if evaluate and (self.step % max(1, steps // 10) == 0 or self.step == steps):
                    self.scores.append((self.step, evaluate(self.model)))
                if checkpoint and self.step % save_every == 0:
                    self.save(checkpoint)
                score = f", {told.format(self.scores[-1][1])}" if self.scores else ""
                pace = f"{1000 * self.seconds[-1]:.1f} ms/step"
                bar.set_postfix_str(f"loss {self.losses[-1]:.3f}{score}, {pace}", refresh=False)
                bar.update()
        if checkpoint:
            self.save(checkpoint)
        return not interrupted

    def save(self, path):
        """All of it, in one file, which is the old one or the new one whenever the program dies."""
        state = {name: getattr(self, name).state_dict() for name in ("model", "optimizer", "scheduler", "loader")}
        losses, trainer = candle.tensor(self.losses, dtype=candle.float64), type(self.optimizer).__name__
        state.update(trainer=trainer, step=self.step, losses=losses, scores=self.scores, random=candle.get_rng_state())
        candle.save(state, path)

    def resume(self, path):
        """Go on as if the program that saved had never ended."""
        state, trainer = candle.load(path), type(self.optimizer).__name__
        if state["trainer"] != trainer:
            raise ValueError(f"it was trained by {state['trainer']}, not by {trainer}")
        for name in ("model", "optimizer", "scheduler", "loader"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.losses, self.scores = state["step"], state["losses"].tolist(), state["scores"]
        self._batches = self._epochs()
        candle.set_rng_state(state["random"])


def is_finite(tensor):
    return bool(candle.isfinite(tensor).all())


@contextmanager
def patience():
    """Collects Ctrl-C in a list, so that a step that has begun is finished. A second one ends the program at once."""
    pressed = []

    def note(number, frame):
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def first_infinity(model):
    """Collects the names of layers that answer with an infinity, in their order."""
    found, handles = [], []
    for name, module in model.named_modules():

        def look(module, inputs, output, name=name):
            if isinstance(output, candle.Tensor) and not is_finite(output):
                found.append(f"{name or 'the model'} ({type(module).__name__})")

        handles.append(module.register_forward_hook(look))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
