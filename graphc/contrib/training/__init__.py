"""``tf.contrib.training``: hyperparameters by name."""

from graphc.contrib.training.hparam import HParams, parse_values
from graphc.lazily import when_named

__getattr__ = when_named(__name__, "graphc.contrib.training", {})

__all__ = ["HParams", "parse_values"]
