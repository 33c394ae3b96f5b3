"""Linear algebra, as in `torch.linalg`: factorizations, spectra, equations, norms.

    >>> import candle
    >>> candle.linalg.det(candle.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor(3.)

Every function takes matrices, or batches of them, in the last two dims. They live in families of `candle.ops`.
"""

from candle.ops._matrices import LinAlgError
from candle.ops.factorizations import cholesky, cholesky_ex, lu, lu_factor, lu_factor_ex, qr
from candle.ops.linalg import matmul
from candle.ops.matrix_functions import (
    cross,
    diagonal,
    householder_product,
    matrix_exp,
    matrix_power,
    multi_dot,
    vander,
    vecdot,
)
from candle.ops.norms import cond, matrix_norm, norm, vector_norm
from candle.ops.pseudoinverse import lstsq, matrix_rank, pinv
from candle.ops.solving import (
    det,
    inv,
    inv_ex,
    lu_solve,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from candle.ops.spectra import eig, eigh, eigvals, eigvalsh, svd, svdvals

__all__ = ["LinAlgError", "matmul"]
__all__ += ["cholesky", "cholesky_ex", "lu", "lu_factor", "lu_factor_ex", "qr"]
__all__ += ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]
__all__ += ["det", "inv", "inv_ex", "lu_solve", "slogdet", "solve", "solve_ex", "solve_triangular"]
__all__ += ["tensorinv", "tensorsolve", "lstsq", "matrix_rank", "pinv"]
__all__ += ["cond", "matrix_norm", "norm", "vector_norm"]
__all__ += ["cross", "diagonal", "householder_product", "matrix_exp", "matrix_power", "multi_dot", "vander", "vecdot"]
