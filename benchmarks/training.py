"""Training: a step of the example's GPT

4 layers of 4 heads, width 128, 65 characters, batches of 12 × 64: forward, backward, clipping, AdamW.
PyTorch's is the model that tests/gpt holds candle's losses to.
"""

from benchmarks.compare import Snippet, compare, header, row

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
    header()
    for what, env in [("NumPy alone", {"CANDLE_NUMBA": "0"}), ("with the kernels of candle-numba", {})]:
        row(what, compare(Snippet("step()", CANDLE, env), Snippet("step()", TORCH)))
