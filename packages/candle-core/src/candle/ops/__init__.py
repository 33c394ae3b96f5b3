"""The operations, a family a file; every public function of theirs is `candle.<name>`."""

from candle.ops import (
    activation,
    arithmetic,
    attention,
    comparison,
    conversion,
    creation,
    exponential,
    extremes,
    indexing,
    interchange,
    joining,
    linalg,
    loss,
    normalization,
    optimization,
    powers,
    random,
    reduction,
    rounding,
    selection,
    shape,
    sorting,
    trigonometry,
)
from candle.ops.activation import *  # noqa: F403
from candle.ops.arithmetic import *  # noqa: F403
from candle.ops.attention import *  # noqa: F403
from candle.ops.comparison import *  # noqa: F403
from candle.ops.conversion import *  # noqa: F403
from candle.ops.creation import *  # noqa: F403
from candle.ops.exponential import *  # noqa: F403
from candle.ops.extremes import *  # noqa: F403
from candle.ops.indexing import *  # noqa: F403
from candle.ops.interchange import *  # noqa: F403
from candle.ops.joining import *  # noqa: F403
from candle.ops.linalg import *  # noqa: F403
from candle.ops.loss import *  # noqa: F403
from candle.ops.normalization import *  # noqa: F403
from candle.ops.optimization import *  # noqa: F403
from candle.ops.powers import *  # noqa: F403
from candle.ops.random import *  # noqa: F403
from candle.ops.reduction import *  # noqa: F403
from candle.ops.rounding import *  # noqa: F403
from candle.ops.selection import *  # noqa: F403
from candle.ops.shape import *  # noqa: F403
from candle.ops.sorting import *  # noqa: F403
from candle.ops.trigonometry import *  # noqa: F403

FAMILIES = (
    creation,
    random,
    conversion,
    arithmetic,
    powers,
    exponential,
    trigonometry,
    rounding,
    comparison,
    extremes,
    reduction,
    shape,
    joining,
    indexing,
    selection,
    sorting,
    linalg,
    activation,
    normalization,
    loss,
    attention,
    optimization,
    interchange,
)

__all__: list[str] = []  # spelled out, since type checkers follow no loop here
__all__ += creation.__all__
__all__ += random.__all__
__all__ += conversion.__all__
__all__ += arithmetic.__all__
__all__ += powers.__all__
__all__ += exponential.__all__
__all__ += trigonometry.__all__
__all__ += rounding.__all__
__all__ += comparison.__all__
__all__ += extremes.__all__
__all__ += reduction.__all__
__all__ += shape.__all__
__all__ += joining.__all__
__all__ += indexing.__all__
__all__ += selection.__all__
__all__ += sorting.__all__
__all__ += linalg.__all__
__all__ += activation.__all__
__all__ += normalization.__all__
__all__ += loss.__all__
__all__ += attention.__all__
__all__ += optimization.__all__
__all__ += interchange.__all__
