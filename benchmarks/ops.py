"""Thirty operations that training loops use, small and large: candle next to torch and to NumPy by hand

Small: 8 × 16 float32 values, so that the way to the arithmetic counts; large: 512 × 1024. Forward only, and
without gradients; NumPy's side is what a careful person writes, in place where that can be.
"""

from benchmarks.compare import Snippet, header, row

SIZES = {"small": (8, 16), "large": (512, 1024)}

NUMPY = """
import numpy as np
rng = np.random.default_rng(0)
n, m = {shape}
x, y = (rng.standard_normal((n, m), dtype=np.float32) for _ in range(2))
w, b, k = rng.standard_normal(m, dtype=np.float32), rng.standard_normal(m, dtype=np.float32), 0.7978845608
v = rng.standard_normal((m, m), dtype=np.float32)
i, c = rng.integers(0, n, n), rng.integers(0, m, n)
mask, rows = x > 0, np.arange(n)
half = np.float32(0.5)

def softmax(x):
    p = x - x.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    return p

def log_softmax(x):
    p = x - x.max(-1, keepdims=True)
    p -= np.log(np.exp(p).sum(-1, keepdims=True))
    return p

def layer_norm(x):
    z = x - x.mean(-1, keepdims=True)
    z /= np.sqrt(np.einsum("ij,ij->i", z, z)[:, None] / np.float32(m) + np.float32(1e-5))
    z *= w
    z += b
    return z

def gelu(x):
    t = x * x
    t *= np.float32(0.044715 * k)
    t += np.float32(k)
    t *= x
    np.tanh(t, out=t)
    t += 1
    t *= x
    t *= half
    return t

def sigmoid(x):
    s = np.exp(-x)
    s += 1
    return np.reciprocal(s, out=s)
"""
TENSORS = """
import {library} as lib
x, y, w, b, v, i, c, mask = (lib.from_numpy(each) for each in (x, y, w, b, v, i, c, mask))
"""
TORCH, CANDLE = "F = lib.nn.functional", "F = lib"

OPERATIONS = [  # of a library, of NumPy
    ("x + y", "x + y"),
    ("x * y", "x * y"),
    ("x - b", "x - b"),
    ("x / y", "x / y"),
    ("x * 0.5", "x * half"),
    ("x ** 2", "x * x"),
    ("-x", "-x"),
    ("lib.exp(x)", "np.exp(x)"),
    ("lib.tanh(x)", "np.tanh(x)"),
    ("lib.sqrt(lib.abs(x))", "np.sqrt(z := np.abs(x), out=z)"),
    ("lib.sigmoid(x)", "sigmoid(x)"),
    ("lib.relu(x)", "np.maximum(x, 0)"),
    ("F.gelu(x, approximate='tanh')", "gelu(x)"),
    ("lib.where(mask, x, y)", "np.where(mask, x, y)"),
    ("x > y", "x > y"),
    ("x.sum()", "np.add.reduce(x, None)"),
    ("x.sum(0)", "np.add.reduce(x, 0)"),
    ("x.mean(-1)", "x.mean(-1)"),
    ("x.var(-1)", "x.var(-1, ddof=1)"),
    ("x.amax(-1)", "np.maximum.reduce(x, -1)"),
    ("x.argmax(-1)", "x.argmax(-1)"),
    ("x @ v", "x @ v"),
    ("x.T", "x.T"),
    ("x.reshape(-1, 4)", "x.reshape(-1, 4)"),
    ("x.T.contiguous()", "np.ascontiguousarray(x.T)"),
    ("lib.cat([x, y], 1)", "np.concatenate([x, y], 1)"),
    ("x[i]", "x[i]"),
    ("x.softmax(-1)", "softmax(x)"),
    ("F.layer_norm(x, (m,), w, b)", "layer_norm(x)"),
    ("F.cross_entropy(x, c)", "-log_softmax(x)[rows, c].mean()"),
]


def main() -> None:
    for size, shape in SIZES.items():
        arrays = NUMPY.replace("{shape}", str(shape))
        candle, torch = (arrays + TENSORS.format(library=each) for each in ("candle", "torch"))
        for other in ("torch", "NumPy"):
            print(f"\n{size.capitalize()}, next to {other}:\n")
            header("candle", other)
            for call, by_hand in OPERATIONS:
                theirs = Snippet(by_hand, arrays) if other == "NumPy" else Snippet(call, f"{torch}\n{TORCH}")
                ours = Snippet(call, f"{candle}\n{CANDLE}", {"CANDLE_NUMBA": "0"})
                row(f"`{call}`", ours, theirs, 1.10 if other == "NumPy" and size == "large" else None)
