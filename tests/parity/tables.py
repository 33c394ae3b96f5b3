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
# precision by more than torch's defaults allow. In double precision, only what torch itself has wrong is loosened.
CONTRACTIONS = """
    matmul mm bmm addmm addbmm baddbmm mv addmv dot vdot inner einsum tensordot kron __rmatmul__
    linalg.multi_dot linalg.vecdot cdist cov corrcoef
    fft.fft fft.fft2 fft.fftn fft.ifft fft.ifft2 fft.ifftn fft.rfft fft.rfft2 fft.rfftn fft.irfft fft.irfft2 fft.irfftn
    fft.hfft fft.hfft2 fft.hfftn fft.ihfft fft.ihfft2 fft.ihfftn stft istft
    nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d
    nn.functional.conv_transpose1d nn.functional.conv_transpose2d nn.functional.conv_transpose3d
    nn.functional.linear nn.functional.bilinear nn.functional.scaled_dot_product_attention
    nn.functional.multi_head_attention_forward
""".split()
TOLERANCES: dict[tuple[str, str], Tolerance] = {
    (op, dtype): Tolerance(rtol=1e-5, atol=1e-4) for op in CONTRACTIONS for dtype in ("float32", "complex64")
}
# Where torch's own is off by so much (numerics/test_values.py of candle-core has the values): left of 0 it takes
# sin(pi x) of x as it is, in single precision; its J, Y and Ai are right to six digits from |x| = 5 on, in double, too.
TOLERANCES |= dict.fromkeys(
    (("polygamma", "float32"), ("special.polygamma", "float32")), Tolerance(rtol=3e-5, atol=1e-5)
)
TOLERANCES |= {
    (f"special.{op}", "float64"): Tolerance(rtol=1e-5, atol=3e-6)
    for op in ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai")
}
# What is left of differences of large numbers, by a recurrence.
TOLERANCES |= {
    (f"special.hermite_polynomial_{kind}", "float32"): Tolerance(rtol=5e-5, atol=1e-4) for kind in ("h", "he")
}
# Samples so ill-conditioned that torch's own answer is off, as double precision, or a second way to compute it, says.
TOLERANCES["linalg.tensorsolve", "float32"] = Tolerance(rtol=1e-3, atol=1e-4)
TOLERANCES["matrix_exp", "float32"] = Tolerance(rtol=1e-4, atol=1e-4)
TOLERANCES["nn.functional.hardsigmoid", "float64"] = Tolerance(rtol=1e-7, atol=1e-9)  # torch's 1/6 is a single one
# The weights of its samples are single ones, and so is their rounding, whichever way they are normalized.
TOLERANCES |= dict.fromkeys((("cov", "float64"), ("cov", "complex128")), Tolerance(rtol=1e-5, atol=1e-4))
TOLERANCES["linalg.householder_product", "complex128"] = Tolerance(rtol=1e-7, atol=1e-7)

# Calls that torch refuses and candle may answer: (op, torch's message, why).
MAY_ANSWER = [
    (r"", r"combination of arguments - got \(int, Tensor\)", "numbers may stand on either side of a binary op"),
    (r"maximum|minimum", r"\(position [12]\) must be Tensor, not int", "numbers may stand on either side"),
    (r"__r.*__", r"'int' object", "Python itself never hands a reflected method a number as self"),
    (r"", r"single memory location|storage that is not resizable", "the result is whole before it is written to `out`"),
    (
        r"",
        r"Expected out tensor to have dtype|for argument 'out'|expects Long tensor out",
        "`out` may be of any dtype that holds the result, whatever the function",
    ),
]

# Checks that do not fit an op: (op, the check's key, why).
UNFIT = [
    (r"__rdiv__", r"promotion", "with two tensors torch's is reciprocal and product; x / y never gets there"),
    (
        r"linalg.eigv?.*h",
        r"promotion",
        "its samples are empty matrices, of which torch looks at no dtype, not even bool",
    ),
    (r"addbmm", r"inplace", "torch gives a tensor that the result does not fit into another shape, which add_ refuses"),
    (r"linalg.solve_triangular", r"promotion", "torch casts B to A's dtype unasked, and so drops imaginary parts"),
    (
        r"nn.functional.local_response_norm",
        r"forward-int64.*|promotion.*",
        "torch cuts the mean of whole numbers to a whole one",
    ),
    (r"nn.functional.binary_cross_entropy_with_logits", r"promotion", "torch computes in the target's dtype, in place"),
    (r"nn.functional.soft_margin_loss", r"promotion", "torch takes complex scores, which have no margin"),
    (r"nn.functional.hinge_embedding_loss", r"promotion", "torch cuts the margin to a whole number for such inputs"),
    (r"as_strided_scatter", r"(gradient|second).*", "torch's own gradcheck fails: overwritten elements get a gradient"),
    (r"masked.logaddexp", r"second.*", "torch's is nan where both are masked out: it subtracts infinities"),
    (r"nn.functional.conv3d", r"promotion", "torch converts a bias of another dtype here, and refuses it elsewhere"),
    (r"nn.functional.adaptive_avg_pool1d", r"promotion", "of a sample without elements torch asks no dtype"),
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
