"""``tensorflow.contrib.slim.python.slim``: the networks and the training loop."""

from graphc.contrib.slim import learning, model_analyzer
from graphc.contrib.slim.python.slim import nets

__all__ = ["learning", "model_analyzer", "nets"]
