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
from graphc.scopes import set_random_seed

__all__ = [
    "get_seed",
    "normal",
    "random_normal",
    "random_uniform",
    "set_random_seed",
    "truncated_normal",
    "uniform",
]
