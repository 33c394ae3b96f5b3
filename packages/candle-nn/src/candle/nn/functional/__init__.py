"""The functions that layers are made of, a family a file, as in `torch.nn.functional`."""

from candle.nn.functional.activation import *  # noqa: F403
from candle.nn.functional.adaptive import *  # noqa: F403
from candle.nn.functional.attention import *  # noqa: F403
from candle.nn.functional.averages import *  # noqa: F403
from candle.nn.functional.block_sparse import *  # noqa: F403
from candle.nn.functional.classification import *  # noqa: F403
from candle.nn.functional.convolution import *  # noqa: F403
from candle.nn.functional.ctc import *  # noqa: F403
from candle.nn.functional.distance import *  # noqa: F403
from candle.nn.functional.dropout import *  # noqa: F403
from candle.nn.functional.embedding import *  # noqa: F403
from candle.nn.functional.folding import *  # noqa: F403
from candle.nn.functional.interpolation import *  # noqa: F403
from candle.nn.functional.linear import *  # noqa: F403
from candle.nn.functional.margins import *  # noqa: F403
from candle.nn.functional.normalization import *  # noqa: F403
from candle.nn.functional.pooling import *  # noqa: F403
from candle.nn.functional.rectifiers import *  # noqa: F403
from candle.nn.functional.regression import *  # noqa: F403
from candle.nn.functional.sampling import *  # noqa: F403
from candle.nn.functional.unpooling import *  # noqa: F403
from candle.nn.functional.vision import *  # noqa: F403
