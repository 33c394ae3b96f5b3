"""Powers and exponentials of matrices, chains of products, and matrices of a given form."""

from __future__ import annotations

import math
from collections import namedtuple
from itertools import pairwise
from typing import Any

from candle import _dtypes
from candle._tensor import Tensor
from candle.op import Op
from candle.ops import creation
from candle.ops._common import one_dim
from candle.ops._matrices import attempt, diagonal_matrix, eye, matrices, mH, square
from candle.ops.joining import cat
from candle.ops.solving import inv, solve

__all__ = [
    "cross",
    "diagonal",
    "geqrf",
    "householder_product",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "ormqr",
    "vander",
    "vecdot",
]


vectors_and_factors = namedtuple("vectors_and_factors", "a tau")


class Geqrf(Op):
    """R and, below it, the Householder vectors of Q, with their factors, as LAPACK has them;  no gradient"""

    name, extension, no_grad_outputs = "geqrf", "linalg", (0, 1)

    def forward(xp, x):
        return xp.linalg.geqrf(x)


# What users call


def matrix_power(input: Tensor, n: int) -> Tensor:
    """input @ input @ ..., n times; of the inverse for negative n.

    >>> import candle
    >>> candle.linalg.matrix_power(candle.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    if input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        raise RuntimeError(f"matrix_power: expected square matrices, got shape {tuple(input.shape)}")
    if n < 0:
        return matrix_power(inv(input), -n)
    power = None
    while n:
        if n & 1:
            power = input if power is None else power @ input
        input = input @ input if n > 1 else input
        n >>= 1
    return eye(*input.shape[-2:], like=input).expand(input.shape).clone() if power is None else power.clone()


# Numerator of the Padé approximant of degree 13, and the norm up to which it is exact in double precision:
# Higham, "The scaling and squaring method for the matrix exponential revisited" (2005), equation 2.2 and table 2.3.
PADE = [math.factorial(26 - j) * math.comb(13, j) // math.factorial(13) for j in range(14)]
WITHIN = 5.371920351148152


def matrix_exp(input: Tensor) -> Tensor:
    """The sum of input^k / k!, by a rational approximation of exp(input / 2^s), squared s times.

    >>> import candle
    >>> candle.linalg.matrix_exp(candle.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    square("matrix_exp", input)
    if not input.numel():
        return input.clone()
    one = eye(*input.shape[-2:], like=input)
    size = input.detach().abs().sum(-2).amax(-1)[..., None, None]
    squarings = (size / WITHIN).log2().ceil().clamp(0, 1100).masked_fill(~size.isfinite(), 0.0)
    input = input * (2.0**-squarings).to(input.dtype)
    A2 = input @ input
    A4 = A2 @ A2
    A6 = A4 @ A2
    b = [each / PADE[0] for each in PADE]
    odd = input @ (A6 @ (b[13] * A6 + b[11] * A4 + b[9] * A2) + b[7] * A6 + b[5] * A4 + b[3] * A2 + b[1] * one)
    even = A6 @ (b[12] * A6 + b[10] * A4 + b[8] * A2) + b[6] * A6 + b[4] * A4 + b[2] * A2 + one
    X = solve(even - odd, even + odd)
    for i in range(_largest(squarings)):
        more = squarings > i
        Y = X.masked_fill(~more, 0.0)  # what is done must not overflow
        X = (Y @ Y).where(more, X)
    return X


def _largest(t: Tensor) -> int:
    while t._backend.level:  # under vmap: of all examples
        t = t.current().value
    return int(t.amax().item()) if t.numel() else 0


def multi_dot(tensors: Any) -> Tensor:
    """The product of a chain of matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors. Cormen et al., Introduction to Algorithms, section 15.2.
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise RuntimeError(f"multi_dot: expected at least 2 tensors, got {len(chain)}")
    row, column = chain[0].ndim == 1, chain[-1].ndim == 1
    chain[0] = chain[0][None] if row else chain[0]
    chain[-1] = chain[-1][:, None] if column else chain[-1]
    if any(t.ndim != 2 for t in chain):
        raise RuntimeError(f"multi_dot: expected matrices, got shapes {[tuple(t.shape) for t in chain]}")
    for a, b in pairwise(chain):
        if a.shape[1] != b.shape[0]:
            raise RuntimeError(f"multi_dot: {tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied")
    out = _in_order(chain, _cheapest([t.shape[0] for t in chain] + [chain[-1].shape[1]]), 0, len(chain) - 1)
    out = out.squeeze(-1) if column else out
    return out.squeeze(0) if row else out


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split the product of matrices i to j."""
    n = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[split[i, j]]
    return split


def _in_order(chain: list[Tensor], split: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return chain[i]
    k = split[i, j]
    return _in_order(chain, split, i, k) @ _in_order(chain, split, k + 1, j)


def _reflectors(name: str, A: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """V and T with the product of the reflections 1 - tau v v^H being 1 - V T V^H.

    Schreiber and Van Loan, "A storage-efficient WY representation" (1989); T^-1 = diag(1/tau) + triu(V^H V, 1).
    """
    from candle._namespace import namespace_of

    matrices(name, A)
    k = tau.shape[-1] if tau.ndim else 0
    if tau.ndim != A.ndim - 1 or tau.shape[:-1] != A.shape[:-2] or not k <= A.shape[-1] <= max(A.shape[-2:]):
        raise RuntimeError(f"{name}: the shapes {tuple(A.shape)} and tau {tuple(tau.shape)} do not fit")
    if tau.dtype is not A.dtype:
        raise RuntimeError(f"{name}: expected one dtype, got {A.dtype} and tau {tau.dtype}")
    V = A[..., :k].tril(-1) + eye(A.shape[-2], k, like=A)
    mixed = (mH(V) @ V).triu(1)
    scale = diagonal_matrix(namespace_of(tau._backend), tau)
    return V, solve(eye(k, k, like=A) + tau[..., None] * mixed, scale)


def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of Q, the product of the reflections whose vectors stand below the diagonal of input."""
    V, T = _reflectors("householder_product", input, tau)
    m, n = input.shape[-2:]
    if m < n:
        raise RuntimeError(f"householder_product: expected at least as many rows as columns, got {tuple(input.shape)}")
    return eye(m, n, like=input) - V @ (T @ mH(V[..., :n, :]))


def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """Q @ other (other @ Q if not `left`) for the square Q of `geqrf`; Q^H with `transpose`."""
    V, T = _reflectors("ormqr", input, tau)
    matrices("ormqr", input, other)
    if other.shape[-2 if left else -1] != input.shape[-2]:
        raise RuntimeError(f"ormqr: the shapes {tuple(input.shape)} and {tuple(other.shape)} do not fit")
    T = mH(T) if transpose else T
    return other - (V @ (T @ (mH(V) @ other)) if left else ((other @ V) @ T) @ mH(V))


def geqrf(input: Tensor) -> Any:
    """R and, below it, the vectors of the reflections that make Q, with their factors tau: for `ormqr`."""
    matrices("geqrf", input)
    return vectors_and_factors(*attempt(Geqrf, input))


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Rows 1, x, x^2, ... up to N columns."""
    x = x if x.ndim else x.reshape(1)
    N = x.shape[-1] if N is None else N
    if N <= 1 or x.dtype is _dtypes.bool_:
        raise RuntimeError(f"vander: expected numbers and N above 1, got {x.dtype} and N={N}")
    first = creation.ones_like(x)[..., None]
    return cat([first, x[..., None].expand(*x.shape, N - 1).cumprod(-1)], -1)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of conj(x) y over a dim."""
    from candle.ops._matrices import floating, one_dtype

    floating("vecdot", x)
    one_dtype("vecdot", x, y)
    return (x.conj() * y).sum(dim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of vectors of three elements along a dim.

    >>> import candle
    >>> candle.linalg.cross(candle.tensor([1.0, 0.0, 0.0]), candle.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if input.ndim != other.ndim:
        raise RuntimeError(f"cross: dims differ: {tuple(input.shape)} and {tuple(other.shape)}")
    dim = one_dim(dim, input.ndim)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(f"cross: dim {dim} must be of size 3, got {tuple(input.shape)} and {tuple(other.shape)}")
    after = creation.tensor([1, 2, 0], device=input.device)
    before = creation.tensor([2, 0, 1], device=input.device)
    x, y = input, other
    return x.index_select(dim, after) * y.index_select(dim, before) - x.index_select(dim, before) * y.index_select(
        dim, after
    )


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as the last dim."""
    return A.diagonal(offset, dim1, dim2)
