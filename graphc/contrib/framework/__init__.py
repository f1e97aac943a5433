"""``tf.contrib.framework``: default arguments for a block, variables of models, and the global step."""

from graphc import nest
from graphc.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)

__all__ = [
    "assert_global_step",
    "create_global_step",
    "get_global_step",
    "get_or_create_global_step",
    "nest",
]
