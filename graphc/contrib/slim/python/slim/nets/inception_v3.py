"""``tensorflow.contrib.slim.python.slim.nets.inception_v3``."""

from graphc.contrib.slim.nets.inception_v3 import inception_v3_arg_scope

__all__ = ["inception_v3_arg_scope"]
