"""One pass over the data: where it began, and how far the user has come. What a loader's `state_dict` is made of.

A resumed loader does what the first one did when the epoch began, from the same states of all generators, and then
passes over what was seen: the sampler's indices, not the samples (only a stream's items have to be read again).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from candle.random import Generator, default_generator

if TYPE_CHECKING:
    from candle.utils.data.loader import DataLoader

State = dict[str, Any]


def sources(loader: DataLoader[Any]) -> tuple[list[Generator], list[Any]]:
    """What decides the order besides the program's generator: generators, and samplers with a state of their own."""
    owners = [loader, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None), loader.sampler]
    generators = {id(g): g for each in owners if isinstance(g := getattr(each, "generator", None), Generator)}
    generators.pop(id(default_generator), None)
    samplers = {id(s): s for s in owners[1:] if hasattr(s, "state_dict") and hasattr(s, "load_state_dict")}
    return list(generators.values()), list(samplers.values())


def beginning(loader: DataLoader[Any]) -> State:
    """The state before the first batch of an epoch."""
    generators, samplers = sources(loader)
    return {
        "generators": [each.get_state() for each in generators],
        "samplers": [each.state_dict() for each in samplers],
        "default_generator": None,  # set when an epoch has begun
        "batch_size": loader.batch_size,
        "done": 0,
        "ahead": [],
        "of_worker": [],
        "turn": 0,
    }


def restore(loader: DataLoader[Any], state: State) -> None:
    """Put everything that decides the order back to where it was."""
    generators, samplers = sources(loader)
    if len(generators) != len(state["generators"]) or len(samplers) != len(state["samplers"]):
        raise ValueError(
            f"load_state_dict: the state is of a loader with {len(state['generators'])} generators and "
            f"{len(state['samplers'])} samplers that have a state; this one has {len(generators)} and {len(samplers)}"
        )
    if state["done"] and state["batch_size"] != loader.batch_size:
        raise ValueError(
            f"load_state_dict: the state is from within an epoch of batches of {state['batch_size']}; "
            f"this loader's have {loader.batch_size}"
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

    def __init__(self, loader: DataLoader[Any], resumed: State | None):
        here = default_generator.get_state()
        if resumed is not None:
            restore(loader, resumed)
            if resumed["default_generator"] is not None:
                default_generator.set_state(resumed["default_generator"])
        self.start = {**beginning(loader), "default_generator": default_generator.get_state()}
        state = resumed or self.start
        self.done, self.ahead, self.turn = state["done"], set(state["ahead"]), state["turn"]
        self.streams, self.finished = loader.recipe.streams, False
        self.of_worker = list(state["of_worker"]) or [0] * max(loader.num_workers, 1)
        self.base_seed = int((loader.generator or default_generator).numpy.integers(2**63))
        self.batches = self._numbered(loader)
        if resumed is not None and resumed["default_generator"] is not None:
            default_generator.set_state(here)  # only the order was to be drawn again

    def _numbered(self, loader: DataLoader[Any]) -> Iterator[tuple[int, Any]]:
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
        return {**self.start, **seen, "of_worker": list(self.of_worker) if self.streams else []}
