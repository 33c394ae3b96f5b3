"""One pass over the data: where it began, and how far the user has come. What a loader's `state_dict` is made of.

A resumed loader does what the first one did when the epoch began, from the same states of all generators, and then
passes over what was seen: the sampler's indices, not the samples (only a stream's items have to be read again).
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

import candle
from candle.random import Generator, default_generator
from candle.utils.data._fetch import Recipe

State = dict[str, Any]


class Loader(Protocol):
    """What an epoch knows of its DataLoader."""

    generator: Generator | None
    batch_size: int | None
    num_workers: int
    timeout: float
    prefetch_factor: int | None
    persistent_workers: bool
    in_order: bool
    stream_length: int | None

    @property
    def recipe(self) -> Recipe: ...
    @property
    def index_sampler(self) -> Any: ...


def chain(loader: Loader) -> list[Any]:
    """The samplers, each with the one that it takes its indices from; none for a stream."""
    found: list[Any] = []
    sampler = loader.index_sampler
    while sampler is not None and all(sampler is not each for each in found):
        found.append(sampler)
        sampler = getattr(sampler, "sampler", None)
    return found


def order(loader: Loader) -> list[Any]:
    """The kinds of the samplers, and of how many indices the innermost disposes, if it tells."""
    samplers, length = chain(loader), None
    with contextlib.suppress(Exception):
        length = len(samplers[-1])
    return [*(type(each).__name__ for each in samplers), length]


def sources(loader: Loader) -> tuple[list[Generator], list[Any]]:
    """What decides the order besides the program's generators: generators, and samplers with a state of their own."""
    samplers = chain(loader)
    generators = {
        id(g): g for each in [loader, *samplers] if isinstance(g := getattr(each, "generator", None), Generator)
    }
    generators.pop(id(default_generator), None)
    own = [each for each in samplers if hasattr(each, "state_dict") and hasattr(each, "load_state_dict")]
    return list(generators.values()), own


Program = tuple[Any, ...]  # the state of candle's generator, and perhaps Python's and NumPy's


def program_state(loader: Loader) -> Program:
    """Where the program's generators stand; Python's and NumPy's too where a sampler is not ours."""
    ours = default_generator.get_state()
    if all(type(each).__module__.startswith("candle.utils.data.") for each in chain(loader)):
        return (ours,)
    return ours, random.getstate(), np.random.get_state()


def set_program_state(program: Program) -> None:
    default_generator.set_state(program[0])
    if len(program) > 1:
        random.setstate(program[1])
        np.random.set_state(program[2])


def savable(program: Program) -> list[Any]:
    """As tensors, numbers and strings, which `candle.save` can keep."""
    if len(program) == 1:
        return list(program)
    ours, (version, words, gauss), (kind, keys, *place) = program
    return [ours, [version, candle.tensor(words), gauss], [kind, candle.tensor(keys), *place]]


def unsaved(saved: list[Any]) -> Program:
    if len(saved) == 1:
        return tuple(saved)
    ours, (version, words, gauss), (kind, keys, *place) = saved
    return ours, (version, tuple(words.tolist()), gauss), (kind, keys.numpy(), *place)


def beginning(loader: Loader) -> State:
    """The state before the first batch of an epoch."""
    generators, samplers = sources(loader)
    return {
        "generators": [each.get_state() for each in generators],
        "samplers": [each.state_dict() for each in samplers],
        "program": None,  # set when an epoch has begun
        "order": order(loader),
        "batch_size": loader.batch_size,
        "done": 0,
        "ahead": [],
        "of_worker": [],
        "turn": 0,
    }


def told(samplers: list[Any]) -> str:
    *kinds, length = samplers
    return f"{' of '.join(kinds)} over {length} items" if kinds else "none (it was streamed)"


def restore(loader: Loader, state: State) -> None:
    """Put everything that decides the order back to where it was."""
    generators, samplers = sources(loader)
    if len(generators) != len(state["generators"]) or len(samplers) != len(state["samplers"]):
        raise ValueError(
            f"load_state_dict: the state is of a loader with {len(state['generators'])} generators and "
            f"{len(state['samplers'])} samplers that have a state; this one has {len(generators)} and {len(samplers)}"
        )
    begun = state["done"] or state["ahead"]
    if begun and state["batch_size"] != loader.batch_size:
        raise ValueError(
            f"load_state_dict: the state is from within an epoch of batches of {state['batch_size']}; "
            f"this loader's have {loader.batch_size}"
        )
    if begun and state["order"] != order(loader):
        raise ValueError(
            f"load_state_dict: the state is from within an epoch with the samplers {told(state['order'])}; "
            f"this loader has {told(order(loader))}, which would give another order"
        )
    streams = max(loader.num_workers, 1)
    if state["of_worker"] and len(state["of_worker"]) != streams:
        raise ValueError(
            f"load_state_dict: {len(state['of_worker'])} streams were read (one by each worker), and this loader has "
            f"{streams}: an IterableDataset is resumed with as many workers"
        )
    for generator, saved in zip(generators, state["generators"]):
        generator.set_state(saved)
    for sampler, saved in zip(samplers, state["samplers"]):
        sampler.load_state_dict(saved)


class Epoch:
    """The numbered batches of one pass, and which the user has seen: all below `done`, and those `ahead` of it."""

    def __init__(self, loader: Loader, resumed: State | None):
        here = self.program = program_state(loader)
        if resumed is not None:
            restore(loader, resumed)
            if resumed["program"] is not None:
                self.program = unsaved(resumed["program"])[: len(here)]
                set_program_state(self.program)
        self.start = beginning(loader)
        state = resumed or self.start
        self.done, self.ahead, self.turn = state["done"], set(state["ahead"]), state["turn"]
        self.streams, self.finished = loader.recipe.streams, False
        self.of_worker = list(state["of_worker"]) or [0] * max(loader.num_workers, 1)
        self.base_seed = int((loader.generator or default_generator).numpy.integers(2**63))
        self.batches = self._numbered(loader)
        if self.program is not here:
            set_program_state(here)  # only the order was to be drawn again

    def _numbered(self, loader: Loader) -> Iterator[tuple[int, Any]]:
        """What the sampler says, less what was seen. It has drawn its random numbers when this returns."""
        if self.streams:
            return enumerate(itertools.repeat(None))
        numbered = enumerate(loader.index_sampler)
        for _ in zip(range(self.done), numbered):
            pass
        first, seen = list(itertools.islice(numbered, 1)), frozenset(self.ahead)
        rest = itertools.chain(first, numbered)
        return ((i, index) for i, index in rest if i not in seen) if seen else rest

    def saw(self, number: int, worker: int) -> None:
        """The user gets this batch now."""
        if self.streams:
            self.of_worker[worker] += 1
            self.turn = (worker + 1) % len(self.of_worker)
            self.done += 1
            return
        self.ahead.add(number)
        while self.done in self.ahead:
            self.ahead.remove(self.done)
            self.done += 1

    def state(self) -> State:
        seen = {"done": self.done, "ahead": sorted(self.ahead), "turn": self.turn}
        return {
            **self.start,
            **seen,
            "program": savable(self.program),
            "of_worker": list(self.of_worker) if self.streams else [],
        }
