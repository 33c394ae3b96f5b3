"""The operations, a family a file; every public function of theirs is `candle.<name>`."""

from candle.ops import (
    activation,
    arithmetic,
    arranging,
    attention,
    bessel,
    bounds,
    calculus,
    combination,
    comparison,
    complexes,
    conditions,
    conversion,
    copies,
    counting,
    creation,
    cumulative,
    diagonals,
    dims,
    distances,
    division,
    dropping,
    error_functions,
    exponential,
    extremes,
    filling,
    gamma,
    grids,
    indexing,
    integers,
    interchange,
    inverse_trigonometry,
    joining,
    kinds,
    layers,
    linalg,
    logarithms,
    logic,
    loss,
    matrices,
    normalization,
    optimization,
    order_statistics,
    padding,
    powers,
    properties,
    random,
    random_counts,
    reduction,
    replacing,
    representation,
    resizing,
    rounding,
    sampling,
    scattering,
    searching,
    selection,
    shape,
    slicing,
    sorting,
    spacing,
    spectrograms,
    splitting,
    statistics,
    striding,
    trigonometry,
    uniqueness,
    writing,
)
from candle.ops.activation import *  # noqa: F403
from candle.ops.arithmetic import *  # noqa: F403
from candle.ops.arranging import *  # noqa: F403
from candle.ops.attention import *  # noqa: F403
from candle.ops.bessel import *  # noqa: F403
from candle.ops.bounds import *  # noqa: F403
from candle.ops.calculus import *  # noqa: F403
from candle.ops.combination import *  # noqa: F403
from candle.ops.comparison import *  # noqa: F403
from candle.ops.complexes import *  # noqa: F403
from candle.ops.conditions import *  # noqa: F403
from candle.ops.conversion import *  # noqa: F403
from candle.ops.copies import *  # noqa: F403
from candle.ops.counting import *  # noqa: F403
from candle.ops.creation import *  # noqa: F403
from candle.ops.cumulative import *  # noqa: F403
from candle.ops.diagonals import *  # noqa: F403
from candle.ops.dims import *  # noqa: F403
from candle.ops.distances import *  # noqa: F403
from candle.ops.division import *  # noqa: F403
from candle.ops.dropping import *  # noqa: F403
from candle.ops.error_functions import *  # noqa: F403
from candle.ops.exponential import *  # noqa: F403
from candle.ops.extremes import *  # noqa: F403
from candle.ops.filling import *  # noqa: F403
from candle.ops.gamma import *  # noqa: F403
from candle.ops.grids import *  # noqa: F403
from candle.ops.indexing import *  # noqa: F403
from candle.ops.integers import *  # noqa: F403
from candle.ops.interchange import *  # noqa: F403
from candle.ops.inverse_trigonometry import *  # noqa: F403
from candle.ops.joining import *  # noqa: F403
from candle.ops.linalg import *  # noqa: F403
from candle.ops.logarithms import *  # noqa: F403
from candle.ops.logic import *  # noqa: F403
from candle.ops.loss import *  # noqa: F403
from candle.ops.matrices import *  # noqa: F403
from candle.ops.normalization import *  # noqa: F403
from candle.ops.optimization import *  # noqa: F403
from candle.ops.order_statistics import *  # noqa: F403
from candle.ops.padding import *  # noqa: F403
from candle.ops.powers import *  # noqa: F403
from candle.ops.random import *  # noqa: F403
from candle.ops.random_counts import *  # noqa: F403
from candle.ops.reduction import *  # noqa: F403
from candle.ops.representation import *  # noqa: F403
from candle.ops.resizing import *  # noqa: F403
from candle.ops.rounding import *  # noqa: F403
from candle.ops.sampling import *  # noqa: F403
from candle.ops.scattering import *  # noqa: F403
from candle.ops.searching import *  # noqa: F403
from candle.ops.selection import *  # noqa: F403
from candle.ops.shape import *  # noqa: F403
from candle.ops.slicing import *  # noqa: F403
from candle.ops.sorting import *  # noqa: F403
from candle.ops.spacing import *  # noqa: F403
from candle.ops.spectrograms import *  # noqa: F403
from candle.ops.splitting import *  # noqa: F403
from candle.ops.statistics import *  # noqa: F403
from candle.ops.striding import *  # noqa: F403
from candle.ops.trigonometry import *  # noqa: F403
from candle.ops.uniqueness import *  # noqa: F403
from candle.ops.writing import *  # noqa: F403

FAMILIES = (
    creation,
    spacing,
    random,
    dropping,
    sampling,
    random_counts,
    properties,
    kinds,
    conversion,
    filling,
    replacing,
    complexes,
    arithmetic,
    division,
    combination,
    integers,
    powers,
    exponential,
    error_functions,
    logarithms,
    gamma,
    bessel,
    trigonometry,
    inverse_trigonometry,
    rounding,
    representation,
    comparison,
    logic,
    extremes,
    bounds,
    reduction,
    cumulative,
    statistics,
    shape,
    dims,
    slicing,
    striding,
    joining,
    conditions,
    splitting,
    indexing,
    selection,
    scattering,
    writing,
    copies,
    padding,
    resizing,
    diagonals,
    sorting,
    searching,
    uniqueness,
    arranging,
    grids,
    counting,
    order_statistics,
    calculus,
    linalg,
    activation,
    normalization,
    loss,
    attention,
    layers,
    optimization,
    interchange,
)

__all__: list[str] = []  # spelled out, since type checkers follow no loop here
__all__ += creation.__all__
__all__ += spacing.__all__
__all__ += random.__all__
__all__ += random_counts.__all__
__all__ += dropping.__all__
__all__ += sampling.__all__
__all__ += conversion.__all__
__all__ += filling.__all__
__all__ += complexes.__all__
__all__ += arithmetic.__all__
__all__ += division.__all__
__all__ += combination.__all__
__all__ += integers.__all__
__all__ += powers.__all__
__all__ += exponential.__all__
__all__ += error_functions.__all__
__all__ += logarithms.__all__
__all__ += gamma.__all__
__all__ += bessel.__all__
__all__ += trigonometry.__all__
__all__ += inverse_trigonometry.__all__
__all__ += rounding.__all__
__all__ += representation.__all__
__all__ += comparison.__all__
__all__ += logic.__all__
__all__ += extremes.__all__
__all__ += bounds.__all__
__all__ += reduction.__all__
__all__ += cumulative.__all__
__all__ += statistics.__all__
__all__ += shape.__all__
__all__ += dims.__all__
__all__ += slicing.__all__
__all__ += striding.__all__
__all__ += joining.__all__
__all__ += conditions.__all__
__all__ += splitting.__all__
__all__ += indexing.__all__
__all__ += selection.__all__
__all__ += scattering.__all__
__all__ += writing.__all__
__all__ += copies.__all__
__all__ += padding.__all__
__all__ += resizing.__all__
__all__ += diagonals.__all__
__all__ += sorting.__all__
__all__ += searching.__all__
__all__ += uniqueness.__all__
__all__ += arranging.__all__
__all__ += grids.__all__
__all__ += counting.__all__
__all__ += order_statistics.__all__
__all__ += calculus.__all__
__all__ += linalg.__all__
__all__ += activation.__all__
__all__ += normalization.__all__
__all__ += loss.__all__
__all__ += attention.__all__
__all__ += matrices.__all__
__all__ += distances.__all__
__all__ += spectrograms.__all__
__all__ += optimization.__all__
__all__ += interchange.__all__
