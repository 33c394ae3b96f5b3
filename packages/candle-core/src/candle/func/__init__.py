"""Transforms of functions: vmap, grad, vjp, jvp, Jacobians and Hessians, as in `torch.func`."""

from candle.func.functional_call import functional_call
from candle.func.gradient import grad, grad_and_value
from candle.func.jacobians import hessian, jacfwd, jacrev
from candle.func.products import jvp, vjp
from candle.func.stacking import stack_module_state
from candle.func.vmap import vmap

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp"]
__all__ += ["stack_module_state", "vjp", "vmap"]
