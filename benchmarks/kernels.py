"""Kernels: what candle-numba brings, and how far it is from PyTorch

float32, both libraries with as many threads as the machine has cores. "And back" is forward and backward together.
AdamW is PyTorch's fastest, `fused=True`; its tensors are those of one block of GPT-2 small, 7.1 million numbers.
"""

from benchmarks.compare import Snippet, header, row

ARRAYS = """
import numpy as np
def normal(*shape):
    return lib.tensor(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))
def back(out):
    x.grad = None
    out.backward(ones)
"""
CANDLE = f"import candle as lib; from candle import gelu, cross_entropy{ARRAYS}"
TORCH = f"import torch as lib; from torch.nn.functional import gelu, cross_entropy{ARRAYS}"

X = "x = normal(2048, 768)"
LEAF = f"{X}.requires_grad_(); ones = lib.ones(2048, 768)"
LOGITS = "x, ones = normal({0}, {1}).requires_grad_(), None; target = lib.arange({0}) % {1}"

CASES = [  # what, statement, setup
    ("gelu, erf form, (2048, 768)", "gelu(x)", X),
    ("gelu, erf form, and back", "back(gelu(x))", LEAF),
    ("gelu, tanh form, (2048, 768)", "gelu(x, approximate='tanh')", X),
    ("gelu, tanh form, and back", "back(gelu(x, approximate='tanh'))", LEAF),
    ("gelu, tanh form, (4, 16)", "gelu(x, approximate='tanh')", "x = normal(4, 16)"),
    ("cross_entropy, (2048, 768), and back", "back(cross_entropy(x, target))", LOGITS.format(2048, 768)),
    ("cross_entropy, (256, 50257), and back", "back(cross_entropy(x, target))", LOGITS.format(256, 50257)),
]

SHAPES = "[(768, 2304), (2304,), (768, 768), (768,), (768, 3072), (3072,), (3072, 768), (768,)] + [(768,)] * 4"
ADAMW = [  # what, shapes
    ("adamw, one tensor (2048, 768)", "[(2048, 768)]"),
    ("adamw, a block of GPT-2", SHAPES),
    ("adamw, 60 tensors (64, 64)", "[(64, 64)] * 60"),
]
LISTS = "\nparams, grads, means, squares = ([normal(*shape) for shape in {}] for _ in range(4))"
OURS = f"{CANDLE}{LISTS}\nsquares = [v * v for v in squares]"
THEIRS = f"{TORCH}{LISTS}\noptimizer = lib.optim.AdamW(params, fused=True)\nfor p, g in zip(params, grads): p.grad = g"
STEP = "lib.adamw_(params, grads, means, squares, 7)"


def main() -> None:
    cases = [(what, Snippet(step, f"{CANDLE}{more}"), Snippet(step, f"{TORCH}{more}")) for what, step, more in CASES]
    for what, shapes in ADAMW:
        ours, theirs = Snippet(STEP, OURS.format(shapes)), Snippet("optimizer.step()", THEIRS.format(shapes))
        cases.append((what, ours, theirs))
    print("Without the kernels:\n")
    header("with", "without")
    for what, ours, _ in cases:
        row(what, ours, Snippet(ours.statement, ours.setup, {"CANDLE_NUMBA": "0"}))
    print("\nPyTorch:\n")
    header()
    for what, ours, theirs in cases:
        row(what, ours, theirs)
