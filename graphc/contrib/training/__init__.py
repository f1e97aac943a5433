"""``tf.contrib.training``: hyperparameters by name, and batches of examples that are alike."""

from graphc.contrib.training.hparam import HParams, parse_values
from graphc.lazily import when_named

_LATER = {
    "StopAfterNEvalsHook": "graphc.contrib.training.evaluation:StopAfterNEvalsHook",
    "SummaryAtEndHook": "graphc.contrib.training.evaluation:SummaryAtEndHook",
    "add_gradients_summaries": "graphc.contrib.layers.summaries:add_gradients_summaries",
    "bucket": "graphc.queues.buckets:bucket",
    "bucket_by_sequence_length": "graphc.queues.buckets:bucket_by_sequence_length",
    "checkpoints_iterator": "graphc.contrib.training.evaluation:checkpoints_iterator",
    "clip_gradient_norms": "graphc.contrib.slim.learning:clip_gradient_norms",
    "clip_gradient_norms_fn": "graphc.contrib.slim.learning:clip_gradient_norms_fn",
    "create_train_op": "graphc.contrib.training.training:create_train_op",
    "evaluate_once": "graphc.contrib.training.evaluation:evaluate_once",
    "evaluate_repeatedly": "graphc.contrib.training.evaluation:evaluate_repeatedly",
    "get_or_create_eval_step": "graphc.contrib.training.evaluation:get_or_create_eval_step",
    "multiply_gradients": "graphc.contrib.slim.learning:multiply_gradients",
    "train": "graphc.contrib.training.training:train",
    "wait_for_new_checkpoint": "graphc.contrib.training.evaluation:wait_for_new_checkpoint",
}

__getattr__ = when_named(__name__, "graphc.contrib.training", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = ["HParams", "parse_values"]
