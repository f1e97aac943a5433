"""``tf.contrib.slim``: layers, default arguments and a training loop for models in few lines."""

from graphc.contrib import framework, layers
from graphc.lazily import when_named

# Slim is these two with training around them: their names are its own.
_SHARED = {name: f"{room.__name__}:{name}" for room in (framework, layers) for name in room.__all__}
_LATER = _SHARED | {
    "assign_from_checkpoint": "graphc.train.warm_start:assign_from_checkpoint",
    "assign_from_checkpoint_fn": "graphc.train.warm_start:assign_from_checkpoint_fn",
    "data_provider": "graphc.contrib.slim.dataset_data_provider",
    "dataset": "graphc.contrib.slim.dataset",
    "dataset_data_provider": "graphc.contrib.slim.dataset_data_provider",
    "evaluation": "graphc.contrib.slim.evaluation",
    "initializers": "graphc.contrib.layers.initializers",
    "learning": "graphc.contrib.slim.learning",
    "losses": "graphc.contrib.losses",
    "metrics": "graphc.contrib.metrics",
    "model_analyzer": "graphc.contrib.slim.model_analyzer",
    "nets": "graphc.contrib.slim.nets",
    "parallel_reader": "graphc.contrib.slim.parallel_reader",
    "prefetch_queue": "graphc.contrib.slim.prefetch_queue",
    "python": "graphc.contrib.slim.python",
    "queues": "graphc.contrib.slim.queues",
    "regularizers": "graphc.contrib.layers.regularizers",
    "summaries": "graphc.contrib.slim.summaries",
    "tfexample_decoder": "graphc.contrib.slim.tfexample_decoder",
    "utils": "graphc.contrib.layers.utils",
    "variables": "graphc.contrib.framework.variables",
}

__getattr__ = when_named(__name__, "graphc.contrib.slim", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [*_SHARED, "layers"]
