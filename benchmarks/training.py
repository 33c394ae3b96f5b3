"""Training: a whole step of five networks, and of the example's GPT

Forward, backward and the optimizer, in float32; benchmarks/models.py has the networks, one text for both libraries.
With the threads that each takes by itself: `--one-thread` counts the processor time of one.
"""

from benchmarks.compare import Snippet, header, row

NETWORKS = [  # what, its function in benchmarks.models, at most so many times PyTorch's time
    ("784-128-10, Adam, 64 images", "mlp", 1.0),
    ("two convolutions, Adam, 64 images of 28 × 28", "convolutions", 2.4),
    ("ResNet-20, SGD, 64 images of 3 × 32 × 32", "resnet20", 3.0),
    ("GPT of 4 layers × 128, AdamW, 12 × 64 characters", "gpt", 1.5),
    ("LSTM of width 128, Adam, 64 images of 28 rows", "lstm", None),
]
STEP = "from benchmarks import models; import {0}; {0}.manual_seed(0); step = models.{1}({0})"

WEIGHTS = """
import sys
sys.path.insert(0, "examples")
import char_gpt, candle, numpy as np
candle.manual_seed(1)
model = char_gpt.GPT(vocab=65, context=64, layers=4, heads=4, width=128)
batch = np.random.default_rng(0).integers(0, 65, (12, 65))
"""
CANDLE = f"""{WEIGHTS}
params = list(model.params.values())
moments = [(candle.zeros_like(p), candle.zeros_like(p)) for p in params]
data, starts = candle.tensor(batch.ravel()), candle.arange(12) * 65

def step():
    loss = char_gpt.loss_at(model, data, starts)
    loss.backward()
    char_gpt.update(params, moments, 1, 1e-3)
    return loss.item()
"""
TORCH = f"""{WEIGHTS}
import torch
from tests.gpt.reference import Training
training = Training({{name: p.detach().numpy() for name, p in model.params.items()}}, layers=4, heads=4)
batch = torch.tensor(batch)

def step():
    return training.step(batch, 1e-3)
"""


def main() -> None:
    plain = {"CANDLE_NUMBA": "0"}
    header()
    for what, name, target in NETWORKS:
        ours, theirs = (Snippet("step()", STEP.format(library, name)) for library in ("candle", "torch"))
        ours.env = plain
        row(f"{what}, NumPy alone", ours, theirs, target)
    for what, env in [("NumPy alone", plain), ("with the kernels of candle-numba", {})]:
        row(f"the example's GPT, {what}", Snippet("step()", CANDLE, env), Snippet("step()", TORCH))
