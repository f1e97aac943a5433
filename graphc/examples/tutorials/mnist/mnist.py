"""The network of TensorFlow's tutorial "TensorFlow Mechanics 101", which programs import from there."""

from __future__ import annotations

import math
from typing import Any

from graphc import dtypes, losses, nn, summary
from graphc.nodes import Operation, Tensor
from graphc.ops.arrays import zeros
from graphc.ops.contraction import matmul
from graphc.ops.elementwise import cast
from graphc.ops.random import truncated_normal
from graphc.ops.reduction import reduce_sum
from graphc.scopes import name_scope
from graphc.train import GradientDescentOptimizer
from graphc.variables import Variable

__all__ = ["IMAGE_PIXELS", "IMAGE_SIZE", "NUM_CLASSES", "evaluation", "inference", "loss", "training"]

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def inference(images: Any, hidden1_units: int, hidden2_units: int) -> Tensor:
    """Logits [batch, 10] of images [batch, 784]: two layers of ReLUs, then a linear one."""
    first = nn.relu(_linear(images, "hidden1", IMAGE_PIXELS, hidden1_units))
    second = nn.relu(_linear(first, "hidden2", hidden1_units, hidden2_units))
    return _linear(second, "softmax_linear", hidden2_units, NUM_CLASSES)


def _linear(x: Any, scope: str, inputs: int, units: int) -> Tensor:
    with name_scope(scope):
        weights = Variable(truncated_normal([inputs, units], stddev=1 / math.sqrt(inputs)), name="weights")
        biases = Variable(zeros([units]), name="biases")
        return matmul(x, weights) + biases


def loss(logits: Any, labels: Any) -> Tensor:
    """The mean cross entropy of logits [batch, 10] and labels [batch]."""
    return losses.sparse_softmax_cross_entropy(labels=cast(labels, dtypes.int64), logits=logits)


def training(loss: Any, learning_rate: Any) -> Operation:
    """One step of gradient descent, with a summary of the loss and a global step."""
    summary.scalar("loss", loss)
    global_step = Variable(0, name="global_step", trainable=False)
    return GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)


def evaluation(logits: Any, labels: Any) -> Tensor:
    """How many of the batch have their label as the greatest logit: int32."""
    return reduce_sum(cast(nn.in_top_k(logits, labels, 1), dtypes.int32))
