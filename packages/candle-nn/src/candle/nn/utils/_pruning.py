"""The ways to prune, and how a module holds what is pruned.

`weight` becomes `weight_orig` (a parameter) times `weight_mask` (a buffer), anew before every forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import candle
from candle import Tensor
from candle.nn.modules.module import Module
from candle.ops._common import one_dim


class BasePruningMethod:
    """One way to choose what is pruned: subclasses have a `compute_mask` and say what it looks at.

    PRUNING_TYPE is "unstructured" (elements, of which it is shown those that are left), "structured" (slices along
    `self.dim`, the same) or "global" (it is shown all).
    """

    PRUNING_TYPE = "unstructured"
    _tensor_name: str = ""

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """1 where an element stays and 0 elsewhere, of the shape of t, which says how important each one is."""
        raise NotImplementedError(f"{type(self).__name__} needs a compute_mask(t, default_mask)")

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor of a module."""
        orig: Tensor = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(orig.dtype) * orig  # type: ignore[no-any-return]

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A tensor, pruned."""
        mask = candle.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(worth_of(t, importance_scores), mask)

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> Any:
        """Prune a parameter of a module from now on; what was pruned before stays so."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        tensor, handle = getattr(module, name), handle_of(module, name)
        mask = candle.ones_like(tensor) if handle is None else getattr(module, f"{name}_mask").clone()
        if handle is not None:
            before = module._forward_pre_hooks[handle][0]
            method = PruningContainer(*(before if isinstance(before, PruningContainer) else [before]), method)
        with candle.no_grad():  # it may fail: nothing is changed before
            mask = method.compute_mask(worth_of(tensor, importance_scores), mask)
        if handle is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", tensor)
        else:
            handle.remove()
        module.register_buffer(f"{name}_mask", mask)
        method(module, ())
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Make the tensor a parameter again, with the pruned values."""
        name, pruned = self._tensor_name, self.apply_mask(module)
        orig = module._parameters.pop(f"{name}_orig")
        delattr(module, name)
        delattr(module, f"{name}_mask")
        orig.data = pruned.detach()  # type: ignore[union-attr]
        setattr(module, name, orig)


class PruningContainer(BasePruningMethod):
    """Methods that were applied to one tensor after the other; each chooses among what those before it left."""

    def __init__(self, *methods: BasePruningMethod):
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in methods:
            self._tensor_name = self._tensor_name or method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one that prunes the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"add_pruning_method: expected a BasePruningMethod, got {type(method).__name__}")
        if method._tensor_name != self._tensor_name:
            raise ValueError(f"add_pruning_method: it prunes {method._tensor_name!r}, the others {self._tensor_name!r}")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, i: Any) -> Any:
        return self._pruning_methods[i]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype).clone()
        left: Any = ...
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = one_dim(method.dim, t.ndim, type(method).__name__)  # type: ignore[attr-defined]
            rows = mask.movedim(dim, 0).flatten(1).any(1)
            left = (*[slice(None)] * dim, rows)
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"{type(method).__name__}: {method.PRUNING_TYPE!r} is not a PRUNING_TYPE")
        mask[left] = method.compute_mask(t[left], mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Some(BasePruningMethod):
    """Those that prune so many (an int) or such a part (a float)."""

    def __init__(self, amount: float):
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise TypeError(f"{type(self).__name__}: amount must be a number, got {amount!r}")
        if amount < 0 or (isinstance(amount, float) and amount > 1):
            raise ValueError(f"{type(self).__name__}: amount must be an int from 0 or a float 0 to 1, got {amount}")
        self.amount = amount

    def count(self, size: int) -> int:
        """How many of `size` are pruned."""
        if isinstance(self.amount, int) and self.amount > size:
            raise ValueError(f"{type(self).__name__}: amount={self.amount} is more than there are, {size}")
        return self.amount if isinstance(self.amount, int) else round(self.amount * size)


class RandomUnstructured(_Some):
    """Prunes elements at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return without_least(candle.rand_like(t), default_mask, self.count(t.numel()))


class L1Unstructured(_Some):
    """Prunes the elements nearest to zero."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return without_least(t.abs(), default_mask, self.count(t.numel()))


class RandomStructured(_Some):
    """Prunes slices along a dim at random."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1):
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim < 2:
            raise ValueError(
                f"{type(self).__name__}: a tensor of shape {tuple(t.shape)} has no slices; use unstructured"
            )
        dim = one_dim(self.dim, t.ndim, type(self).__name__)
        kept = without_least(self.worth(t, dim), t.new_ones(t.shape[dim]), self.count(t.shape[dim]))
        return kept.reshape([-1 if d == dim else 1 for d in range(t.ndim)]) * default_mask.to(t.dtype)

    def worth(self, t: Tensor, dim: int) -> Tensor:
        """How important each slice is."""
        return candle.rand(t.shape[dim], device=t.device)  # type: ignore[no-any-return]


class LnStructured(RandomStructured):
    """Prunes the slices along a dim with the smallest n-norms."""

    def __init__(self, amount: float, n: Any, dim: int = -1):
        super().__init__(amount, dim)
        self.n = n

    def worth(self, t: Tensor, dim: int) -> Tensor:
        return t.norm(self.n, [d for d in range(t.ndim) if d != dim])


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor):
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if self.mask.shape != default_mask.shape:
            told = f"{tuple(self.mask.shape)}, the tensor {tuple(default_mask.shape)}"
            raise ValueError(f"CustomFromMask: the mask has shape {told}")
        return default_mask * self.mask.to(default_mask.dtype)


def handle_of(module: Module, name: str) -> Any:
    """That of the hook that prunes a parameter, or None."""
    for handle, (hook, _) in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return handle
    return None


def worth_of(tensor: Tensor, scores: Tensor | None) -> Tensor:
    if scores is not None and scores.shape != tensor.shape:
        raise ValueError(f"importance_scores have shape {tuple(scores.shape)}, the tensor {tuple(tensor.shape)}")
    return tensor if scores is None else scores


def without_least(worth: Tensor, mask: Tensor, count: int) -> Tensor:
    """The mask with 0 at the `count` places of least worth."""
    flat = mask.flatten().clone()
    flat[worth.flatten().argsort(stable=True)[:count]] = 0
    return flat.reshape(mask.shape)
