"""``tensorflow.python.ops.distributions.special_math``: the normal distribution's function and its inverse."""

from graphc.math.normal import ndtr, ndtri

__all__ = ["ndtr", "ndtri"]
