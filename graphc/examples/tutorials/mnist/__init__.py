"""``tf.examples.tutorials.mnist``: handwritten digits from files in the IDX format."""

from graphc.lazily import when_named

__getattr__ = when_named(
    __name__,
    "graphc.examples.tutorials.mnist",
    {name: f"graphc.examples.tutorials.mnist.{name}" for name in ("input_data", "mnist")},
)
