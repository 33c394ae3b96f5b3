"""Samples of the ops that index: out of order, repeated, negative."""

import numpy as np

from candle.op import OPS
from candle.testing.samples import ALL, at, floats, rough, sample, transposed, truths

sample("index", floats(3, 2), at(2, 0, -1, 0))
sample("index", transposed(3, 2), at([2, 0], [1, 1]))
sample("index", floats(3, 2, 2), at([2], [0]), at(1, 0, -2))
sample("index", floats(3), at(1).reshape(()))
sample("index", floats(3, 2), at())
sample("index_put", floats(4, 2), floats(2, 2, low=3, high=4), at(2, -1))
sample("index_put", floats(3, 2), floats(2, low=3, high=4), at(2, 0), at(-1, 0))
sample("index_put", floats(3, 2), floats(), at(1, 0))
sample("index_add", floats(3, 2), floats(4, 2, low=3, high=4), at(2, 0, 2, -1))
sample("index_add", floats(3, 2), floats(3, low=3, high=4), at(2, 2, -1), at(1, 1, 0))
sample("index_add", floats(3), floats(4, low=3, high=4), at(0, 0, 2, 0))
sample("index_add", floats(3, 2), floats(0, 2), at())
sample("index_prod", floats(3, 2), floats(4, 2, low=3, high=4), at(2, 0, 2, -1))
sample("index_prod", floats(3), np.array([0.0, 2.0, 3.0, 0.0]), at(0, 0, 2, 1))
for _how in ("max", "min"):
    sample("index_extreme", floats(3, 2), floats(4, 2, low=-3, high=4), at(2, 0, 2, -1), how=_how)
    sample("index_extreme", floats(3, 2), floats(3, low=-3, high=4), at(2, 2, -1), at(1, 1, 0), how=_how)
    rough("index_extreme", np.array([2.0, 1, 2]), np.array([2.0, 2, 5, 1]), at(0, 0, 1, 1), how=_how)
sample("take_along_dim", floats(2, 3), at([2, 0, -1, 1], [0, 0, 1, 2]), dim=1)
sample("take_along_dim", transposed(3, 2), at([2, 0], [0, 0]), dim=0)
sample("nonzero", truths(2, 3))
sample("argsort", transposed(2, 5), dim=1, descending=False)
sample("argsort", floats(3, 2), dim=0, descending=True)
rough("argsort", np.array([2.0, 1, 2, 1, 3, 2]), dim=0, descending=False)
rough("argsort", np.array([2.0, 1, 2, 1, 3, 2]), dim=0, descending=True)
sample("topk_indices", transposed(2, 5), k=3, dim=1, largest=True)
sample("topk_indices", floats(5, 2), k=2, dim=0, largest=False)
sample("view_write", floats(2, 3), floats(2, low=3, high=4), chain=((OPS["slice"], (("key", (ALL, 1)),)),))
sample(
    "view_write",
    floats(2, 3),
    floats(2, low=3, high=4),
    chain=((OPS["permute"], (("dims", (1, 0)),)), (OPS["slice"], (("key", (2,)),))),
)
