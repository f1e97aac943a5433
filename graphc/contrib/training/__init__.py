"""``tf.contrib.training``: hyperparameters by name."""

from graphc.contrib.training.hparam import HParams, parse_values

__all__ = ["HParams", "parse_values"]
