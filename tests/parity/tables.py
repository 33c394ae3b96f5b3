"""The exceptions: everything that is judged more leniently, and why."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch.testing._internal.opinfo.core import OpInfo, SampleInput

from .compare import Tolerance


def _always(sample: SampleInput) -> bool:
    return True


# Values that no two frameworks share: drawn at random, or memory nobody wrote to. Such
# samples are judged by shape and dtype alone. Op names are without the variant.
RANDOM = """
    bernoulli cauchy exponential geometric log_normal multinomial normal uniform
    rand_like randint randint_like randn randn_like
    nn.functional.alpha_dropout nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d
    nn.functional.feature_alpha_dropout nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    pca_lowrank svd_lowrank
""".split()
UNINITIALIZED = "empty empty_like empty_permuted empty_strided new_empty new_empty_strided resize_ resize_as_".split()
UNPREDICTABLE: dict[str, Callable[[SampleInput], bool]] = {
    **dict.fromkeys(RANDOM + UNINITIALIZED, _always),
    "nn.functional.rrelu": lambda sample: bool(sample.kwargs.get("training")),
    "nn.functional.scaled_dot_product_attention": lambda sample: bool(sample.kwargs.get("dropout_p")),
    "nn.functional.multi_head_attention_forward": lambda sample: sample.args[9] > 0,  # dropout_p
}

# Looser than compare.TOLERANCES. A sum of products in another order differs in single
# precision by more than torch's defaults allow; in double precision nothing is loosened.
CONTRACTIONS = """
    matmul mm bmm addmm addbmm baddbmm mv addmv dot vdot inner einsum tensordot kron __rmatmul__
    linalg.multi_dot linalg.vecdot cdist cov corrcoef
    nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d
    nn.functional.conv_transpose1d nn.functional.conv_transpose2d nn.functional.conv_transpose3d
    nn.functional.linear nn.functional.bilinear nn.functional.scaled_dot_product_attention
""".split()
TOLERANCES: dict[tuple[str, str], Tolerance] = {
    (op, dtype): Tolerance(rtol=1e-5, atol=1e-4) for op in CONTRACTIONS for dtype in ("float32", "complex64")
}

# Calls that torch refuses and candle may answer: (op, torch's message, why).
MAY_ANSWER = [
    (r"", r"combination of arguments - got \(int, Tensor\)", "numbers may stand on either side of a binary op"),
    (r"maximum|minimum", r"\(position [12]\) must be Tensor, not int", "numbers may stand on either side"),
    (r"__r.*__", r"'int' object", "Python itself never hands a reflected method a number as self"),
]

# Checks that do not fit an op: (op, the check's key, why).
UNFIT = [
    (r"__rdiv__", r"promotion", "with two tensors torch's is reciprocal and product; x / y never gets there"),
    (r"bfloat16|half", r".*-strict", "the array API standard, and so the strict device, has no such type"),
]


def is_unpredictable(op: OpInfo, sample: SampleInput) -> bool:
    return UNPREDICTABLE.get(op.name, lambda _: False)(sample)


def never_predictable(op: OpInfo) -> bool:
    """Whether all of an op's samples are judged by shape and dtype alone."""
    return UNPREDICTABLE.get(op.name) is _always


def tolerance(op: OpInfo, dtype: str) -> Tolerance | None:
    return TOLERANCES.get((op.name, dtype))


def may_answer(op: OpInfo, message: str) -> bool:
    return any(re.match(name, op.name) and re.search(pattern, message) for name, pattern, _ in MAY_ANSWER)


def fits(op: OpInfo, key: str) -> bool:
    return not any(re.fullmatch(name, op.name) and re.match(pattern, key) for name, pattern, _ in UNFIT)
