"""Random tensors: the names of ``tf.random``."""

from graphc.ops.random import (
    get_seed,
    random_normal,
    random_uniform,
    truncated_normal,
)
from graphc.ops.random import (
    random_normal as normal,
)
from graphc.ops.random import (
    random_uniform as uniform,
)
from graphc.ops.sampling import categorical, multinomial
from graphc.ops.sampling import random_crop as crop
from graphc.ops.sampling import random_shuffle as shuffle
from graphc.scopes import set_random_seed

__all__ = [
    "categorical",
    "crop",
    "get_seed",
    "multinomial",
    "normal",
    "random_normal",
    "random_uniform",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
