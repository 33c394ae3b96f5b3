"""Transforms of functions: vmap, grad, vjp, jvp, Jacobians and Hessians, as in `torch.func`."""

from candle.func.transforms import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp
from candle.func.vmap import vmap

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap"]
