"""``tf.contrib.training``: hyperparameters by name, and batches of examples that are alike."""

from graphc.contrib.training.hparam import HParams, parse_values
from graphc.lazily import when_named

_LATER = {
    "bucket": "graphc.queues.buckets:bucket",
    "bucket_by_sequence_length": "graphc.queues.buckets:bucket_by_sequence_length",
}

__getattr__ = when_named(__name__, "graphc.contrib.training", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = ["HParams", "parse_values"]
