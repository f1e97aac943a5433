"""``tensorflow.contrib.slim.python.slim``: the networks and the training loop."""

from graphc.contrib.slim import evaluation, learning, model_analyzer, queues, summaries
from graphc.contrib.slim.python.slim import data, nets

__all__ = ["data", "evaluation", "learning", "model_analyzer", "nets", "queues", "summaries"]
