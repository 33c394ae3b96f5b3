"""Optimizer: a step of AdamW over the parameters of the same GPT"""

from benchmarks import training
from benchmarks.compare import Snippet, header, row

CANDLE = f"""{training.CANDLE}
grads = [candle.randn(*p.shape) for p in params]
means, squares = zip(*moments)
"""
TORCH = f"""{training.WEIGHTS}
import torch
params = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in model.params.values()]
optimizer = torch.optim.AdamW(params, lr=1e-3, fused={{fused}})
for p in params:
    p.grad = torch.randn_like(p)
"""
STEP = "candle.adamw_(params, grads, means, squares, 1, 1e-3)"


def main() -> None:
    header()
    for kernels, env in [("NumPy alone", {"CANDLE_NUMBA": "0"}), ("with candle-numba", {})]:
        for theirs, fused in [("AdamW(...)", False), ("AdamW(..., fused=True)", True)]:
            torch = Snippet("optimizer.step()", TORCH.format(fused=fused))
            row(f"{kernels}, next to `{theirs}`", Snippet(STEP, CANDLE, env), torch)
