"""``tf.examples.tutorials``: the MNIST reader."""

from graphc.lazily import when_named

__getattr__ = when_named(__name__, "graphc.examples.tutorials", {"mnist": "graphc.examples.tutorials.mnist"})
