"""A framework under test, reached only through the names it shares with PyTorch.

`Subject(candle)` is what the checks judge and `Subject(torch)` what they believe, so
both sides of every comparison run the same lines.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

FUNCTIONAL = "nn.functional."


class Unconvertible(Exception):
    """A sample uses something that the subject has no counterpart for."""


class Subject:
    """The module `candle` (or `torch`) and the device its tensors live on."""

    def __init__(self, module: Any, device: str = "cpu"):
        self.module, self.device = module, device
        self._is_torch = module.__name__ == "torch"

    # -- names -------------------------------------------------------------------------

    def find(self, dotted: str) -> Any:
        """What stands under a dotted name, or None; `nn.functional` may still be `ops`."""
        found = _walk(self.module, dotted)
        if found is None and dotted.startswith(FUNCTIONAL):
            found = _walk(self.module, "ops." + dotted.removeprefix(FUNCTIONAL))
        return found

    def function(self, dotted: str) -> Any:
        """The function of that name: not a module, a class or a dtype (torch.float)."""
        found = self.find(dotted)
        return found if callable(found) and not isinstance(found, type | types.ModuleType) else None

    def method(self, name: str) -> Any:
        """The unbound method or operator of the tensor class, or None."""
        found = inspect.getattr_static(self.module.Tensor, name, None)
        inherited = inspect.getattr_static(object, name, None)  # object has an __eq__ of its own
        return None if found is inherited else getattr(self.module.Tensor, name)

    # -- tensors -----------------------------------------------------------------------

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.module.Tensor)

    def dtype(self, name: str) -> Any:
        """The dtype object of a name such as "float32"."""
        found = getattr(self.module, name, None)
        if found is None:
            raise Unconvertible(f"no dtype {name}")
        return found

    def tensor(self, array: np.ndarray, requires_grad: bool = False) -> Any:
        """A leaf over `array`: with its strides, except where the device needs a copy."""
        if self._is_torch and array.dtype.name == "bfloat16":
            made = self.module.from_numpy(array.view(np.int16)).view(self.module.bfloat16)
        elif self.device == "cpu":
            made = self.module.from_numpy(array)
        else:
            made = self.module.tensor(array, device=self.device)
        if requires_grad:
            made.requires_grad_()
        return made

    def array(self, tensor: Any) -> np.ndarray:
        """The values of a tensor; what NumPy has no type for comes as the next wider one."""
        tensor = tensor.detach()
        if self.device != "cpu":
            tensor = tensor.cpu()
        return _torch_array(tensor) if self._is_torch else np.asarray(tensor.numpy())

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool = False
    ) -> list[Any]:
        """d outputs · cotangents / d inputs; None where nothing depends."""
        live = [(out, cot) for out, cot in zip(outputs, cotangents) if out is not None and out.requires_grad]
        if not live or not inputs:
            return [None] * len(inputs)
        outs, cots = zip(*live)
        return list(
            self.module.autograd.grad(
                list(outs), list(inputs), grad_outputs=list(cots), create_graph=create_graph, allow_unused=True
            )
        )


def dtype_name(dtype: Any) -> str:
    """`torch.float32` and `candle.float32` are both "float32"."""
    return str(dtype).rpartition(".")[2]


def _torch_array(tensor: Any) -> np.ndarray:
    if dtype_name(tensor.layout) != "strided":
        raise Unconvertible(f"a result with layout {dtype_name(tensor.layout)}")
    wider = {"bfloat16": "float", "complex32": "cfloat"}.get(dtype_name(tensor.dtype))
    if wider:
        tensor = getattr(tensor, wider)()
    return tensor.numpy(force=True)  # force: lazily conjugated, negated and zero tensors too


def _walk(root: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        try:
            root = getattr(root, name)
        except (AttributeError, ImportError):  # ImportError: a sibling that is not installed
            return None
    return root
