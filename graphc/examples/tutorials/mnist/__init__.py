"""``tf.examples.tutorials.mnist``: handwritten digits from files in the IDX format."""

from graphc.lazily import when_named

__getattr__ = when_named(
    __name__, "graphc.examples.tutorials.mnist", {"input_data": "graphc.examples.tutorials.mnist.input_data"}
)
