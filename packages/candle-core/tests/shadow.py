"""What a program with views and writes in place means, computed without writing anything in place.

A `Shadow` is one tensor of such a program. Its memory is a flat array of values, shared with its views;
its history is a flat differentiable torch tensor, shared with those views that autograd knows about (not
with what was detached, or was taken under no_grad); and it knows which of those elements it shows. A view
is another choice of elements, a write makes a new flat tensor. So no version is ever stale: where PyTorch
refuses to go backward after a write, the gradient of the shadow is still the one the program has.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

VIEWS = set(
    """
    t transpose permute movedim view reshape unsqueeze squeeze expand narrow select unbind chunk split diagonal
    unflatten swapaxes __getitem__
    """.split()
)


class Shadow:
    """A tensor: which elements of a memory it shows, and where their gradients go."""

    def __init__(self, memory: Any, history: Any, places: torch.Tensor):
        self.memory, self.history, self.places = memory, history, places

    @classmethod
    def new(cls, values: torch.Tensor) -> Shadow:
        places = torch.empty_like(values, dtype=torch.int64)  # the layout matters: reshape may have to copy
        places.copy_(torch.arange(values.numel()).reshape(values.shape))
        flat = values.reshape(-1)
        return cls(SimpleNamespace(flat=flat.detach()), SimpleNamespace(flat=flat), places)

    def read(self) -> torch.Tensor:
        history, values = self.history.flat[self.places], self.memory.flat[self.places]
        return history + (values - history).detach()

    def write(self, values: torch.Tensor) -> None:
        where = (self.places.reshape(-1),)
        flat = values.reshape(-1)
        self.memory.flat = self.memory.flat.index_put(where, flat.detach())
        if torch.is_grad_enabled():
            self.history.flat = self.history.flat.index_put(where, flat)

    def unrelated(self, places: torch.Tensor) -> Shadow:
        """The same memory, a history of its own."""
        return Shadow(self.memory, SimpleNamespace(flat=self.memory.flat), places)

    def new_leaf(self) -> torch.Tensor:
        """From here on a leaf with a gradient of its own, on the same memory; the leaf is flat."""
        leaf = self.memory.flat.clone().requires_grad_()
        self.history = SimpleNamespace(flat=leaf)
        return leaf

    def squeeze_(self) -> Shadow:
        self.places = self.places.squeeze()
        return self

    def unsqueeze_(self, dim: int) -> Shadow:
        self.places = self.places.unsqueeze(dim)
        return self

    def transpose_(self, dim0: int, dim1: int) -> Shadow:
        self.places = self.places.transpose(dim0, dim1)
        return self

    def detach(self) -> Shadow:
        return self.unrelated(self.places)

    @property
    def T(self) -> Shadow:
        return self.permute(*reversed(range(self.places.ndim)))

    def view_by(self, name: str, *args: Any) -> Any:
        places = getattr(self.places, name)(*args)
        if isinstance(places, tuple | list):
            return [self.view_of(each) for each in places]
        return self.view_of(places)

    def view_of(self, places: torch.Tensor) -> Shadow:
        if not torch.is_grad_enabled():
            return self.unrelated(places)
        return Shadow(self.memory, self.history, places)

    def reshape(self, *args: Any) -> Shadow:
        places = self.places.reshape(*args)
        shares = places.data_ptr() == self.places.data_ptr()  # else it is a copy
        return self.view_of(places) if shares else Shadow.new(self.read().reshape(*args))

    def flatten(self) -> Shadow:
        return self if self.places.ndim == 1 else self.reshape(-1)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name in VIEWS:
                return self.view_by(name, *args)
            if name.endswith("_"):
                copy = self.read().clone()
                getattr(copy, name)(*map(plain, args), **kwargs)
                self.write(copy)
                return self
            return Shadow.new(getattr(self.read(), name)(*map(plain, args), **kwargs))

        return call

    def __getitem__(self, key: Any) -> Shadow:
        if basic(key):
            return self.view_by("__getitem__", key)
        return Shadow.new(self.read()[plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        copy = self.read().clone()
        copy[plain(key)] = plain(value)
        self.write(copy)

    def __iadd__(self, other: Any) -> Shadow:
        return self.add_(other)

    def __imul__(self, other: Any) -> Shadow:
        return self.mul_(other)

    def __mul__(self, other: Any) -> Shadow:
        return self.mul(other)

    def __add__(self, other: Any) -> Shadow:
        return self.add(other)


def basic(key: Any) -> bool:
    keys = key if isinstance(key, tuple) else (key,)
    return all(k is None or k is Ellipsis or isinstance(k, int | slice) for k in keys)


def plain(x: Any) -> Any:
    """Shadows read; in tuples, too."""
    if isinstance(x, tuple):
        return tuple(map(plain, x))
    return x.read() if isinstance(x, Shadow) else x


class Library:
    """What stands for `candle` while a program is run by shadows."""

    float64, no_grad = torch.float64, torch.no_grad

    @staticmethod
    def tensor(data: Any, **kwargs: Any) -> Any:
        made = torch.tensor(data, **kwargs)
        return Shadow.new(made) if made.is_floating_point() else made
