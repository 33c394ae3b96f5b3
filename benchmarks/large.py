"""Large operations: candle next to NumPy by hand

Each line against the NumPy expression that a careful person writes for it, which works in place where
it can; 1024 × 1024 float32 values, no gradients.
"""

from benchmarks.compare import Snippet, header, row

NUMPY = """
import numpy as np
rng = np.random.default_rng(0)
x, y = (rng.standard_normal((1024, 1024), dtype=np.float32) for _ in range(2))
w, b = (rng.standard_normal(1024, dtype=np.float32) for _ in range(2))

def softmax(x):
    p = x - x.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    return p

def layer_norm(x, w, b, eps=1e-5):
    n = x - x.mean(-1, keepdims=True)
    n /= np.sqrt((n * n).mean(-1, keepdims=True) + np.float32(eps))
    n *= w
    n += b
    return n
"""
CANDLE = f"{NUMPY}\nimport candle\nx, y, w, b = (candle.from_numpy(each) for each in (x, y, w, b))"

EXPRESSIONS = [  # candle's, NumPy's
    ("x + y", "x + y"),
    ("x * y", "x * y"),
    ("candle.exp(x)", "np.exp(x)"),
    ("candle.tanh(x)", "np.tanh(x)"),
    ("x.sum()", "x.sum()"),
    ("x.sum(0)", "x.sum(0)"),
    ("x.mean(-1)", "x.mean(-1)"),
    ("x.amax(-1)", "x.max(-1)"),
    ("x @ y", "x @ y"),
    ("x.softmax(-1)", "softmax(x)"),
    ("candle.layer_norm(x, (1024,), w, b)", "layer_norm(x, w, b)"),
]


def main() -> None:
    header("candle", "NumPy")
    for ours, theirs in EXPRESSIONS:
        row(f"`{ours}`", Snippet(ours, CANDLE, {"CANDLE_NUMBA": "0"}), Snippet(theirs, NUMPY), 1.05)
