"""``tf.examples``: what TensorFlow's tutorials read their data with."""

from graphc.lazily import when_named

__getattr__ = when_named(__name__, "graphc.examples", {"tutorials": "graphc.examples.tutorials"})
