"""The namespace `xp` that every backend offers and every op is written in.

The names are those of the Python array API standard (2024.12). `REQUIRED` is the part that a
backend's library must have, `EXTRA` what the standard lacks and the backend must add itself;
`candle.backends.derived` builds the rest from these, for libraries that do not have it.

Only `reshape`, `permute_dims`, `broadcast_to`, `real`, `imag`, `as_real`, `as_complex`, `take_strided` and basic
indexing may return the memory of their argument, and where a backend's arrays alias, they do; all other results have
memory of their own.
"""

REQUIRED = frozenset(
    """
    asarray arange full
    add subtract multiply divide floor_divide remainder pow negative abs
    exp log sqrt sin cos tanh atan2 floor
    equal less logical_and logical_not
    bitwise_and bitwise_or bitwise_xor bitwise_invert
    where isnan
    sum prod max min argmax any
    matmul reshape permute_dims broadcast_to concat take take_along_axis
    argsort nonzero cumulative_sum astype
    """.split()
)

EXTRA = frozenset("index_put index_add".split())

DERIVED = frozenset(
    """
    zeros ones tril triu stack flip
    positive square reciprocal sign round ceil trunc
    exp2 expm1 log1p log2 log10 tan asin acos atan sinh cosh asinh acosh atanh hypot logaddexp
    not_equal less_equal greater greater_equal logical_or logical_xor isinf isfinite maximum minimum
    conj real imag
    argmin all mean var sort cumulative_prod
    signbit copysign nextafter frexp bitwise_left_shift bitwise_right_shift gcd as_real as_complex
    sigmoid erf lgamma digamma polygamma i0 i0e i1 i1e
    index slice_put index_combine take_strided add_strided topk check
    """.split()
)

NAMES = REQUIRED | EXTRA | DERIVED

# The standard's extensions, as `xp.linalg.qr`; a library without them still makes a backend, whose
# operations that need one raise. `eig`, `geqrf` and `lu_factor` the standard lacks.
EXTENSIONS = {
    "linalg": frozenset("cholesky det eig eigh geqrf inv lu_factor qr slogdet solve svd".split()),
    "fft": frozenset("fftn ifftn rfftn irfftn".split()),
}
