"""TensorFlow 1 programs, which graphc and TensorFlow run by the same lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.systems.vocabulary import EPSILON, Vocabulary
from benchmarks.workload import Adam, Function, Momentum, Training

PLACES = [1, 2]


class Tf1(Vocabulary):
    """The words, in the API of the module ``tf``."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.exp, self.log, self.sqrt, self.tanh, self.erf = tf.exp, tf.log, tf.sqrt, tf.tanh, tf.erf
        self.sigmoid, self.relu, self.square, self.softmax = tf.sigmoid, tf.nn.relu, tf.square, tf.nn.softmax
        self.reshape, self.transpose, self.matmul, self.rows = tf.reshape, tf.transpose, tf.matmul, tf.gather
        self.concat = tf.concat

    def mean(self, x: Any, axes: tuple[int, ...] | None = None) -> Any:
        return self.tf.reduce_mean(x, axes, keepdims=axes is not None)

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        losses = self.tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        return self.tf.reduce_mean(losses)

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        y, more = function(*inputs)
        return tuple(self.tf.gradients(y, inputs)), y, more

    def flatten(self, maps: Any) -> Any:
        return self.tf.reshape(maps, [-1, int(np.prod([int(size) for size in maps.shape[1:]]))])

    def conv2d(self, maps: Any, kernel: Any, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
        # With a stride, SAME may pad one side only.
        edges = [[0, 0], [padding, padding], [padding, padding], [0, 0]] if stride > 1 else "SAME"
        return self.tf.nn.conv2d(maps, kernel, stride, edges if padding else "VALID", dilations=dilation)

    def conv2d_channels_first(self, x: Any, kernel: Any, stride: int, padding: int) -> Any:
        edges = [[0, 0], [0, 0], [padding, padding], [padding, padding]] if stride > 1 else "SAME"
        return self.tf.nn.conv2d(x, kernel, stride, edges if padding else "VALID", data_format="NCHW")

    def conv2d_transpose(self, maps: Any, kernel: Any, stride: int, padding: int, shape: tuple[int, ...]) -> Any:
        return self.tf.nn.conv2d_transpose(maps, kernel, shape, stride, "SAME")

    def depthwise_conv2d(self, maps: Any, kernel: Any, padding: int) -> Any:
        return self.tf.nn.depthwise_conv2d(maps, kernel, [1, 1, 1, 1], "SAME")

    def max_pool(self, maps: Any) -> Any:
        return self.tf.nn.max_pool(maps, 2, 2, "VALID")

    def mean_of_pictures(self, maps: Any) -> Any:
        return self.tf.reduce_mean(maps, PLACES)

    def batch_norm(self, maps: Any, gain: Any, bias: Any) -> Any:
        return self.tf.nn.fused_batch_norm(maps, gain, bias, epsilon=EPSILON, is_training=True)[0]


class Programs:
    """Sessions that run one step a call, by ``session.run`` unless a case wants a prepared call.

    With ``any_batch`` the first size of what is fed stays open.
    """

    def __init__(self, tf: Any, config: Any = None, any_batch: bool = False) -> None:
        self.tf, self.config, self.words, self.any_batch = tf, config, Tf1(tf), any_batch

    def training(self, case: Training) -> Callable[..., float]:
        """``session.run([loss, train], {placeholder: array})``"""
        feeds = self.placeholders(case.batches()[0])
        loss = case.loss(self.words, self.variables(case.weights()), *feeds)
        step = [loss, self.optimizer(case.optimizer).minimize(loss)]
        session = self.session()
        return lambda *batch: session.run(step, dict(zip(feeds, batch)))[0]

    def function(self, case: Function) -> Callable[..., Any]:
        """``session.run(results, {placeholder: array})``"""
        feeds = self.placeholders(case.inputs())
        value = case.value(self.words, self.variables(case.weights()), *feeds)
        if case.gradients_by:
            value = self.tf.gradients(value, [feeds[place] for place in case.gradients_by], feeds[-1])
        session = self.session()
        if case.prepared:
            return session.make_callable(value, feeds)
        return lambda *inputs: session.run(value, dict(zip(feeds, inputs)))

    def placeholders(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """One for each array, of its shape."""
        shapes = [(None, *array.shape[1:]) if self.any_batch else array.shape for array in arrays]
        return [self.tf.placeholder(array.dtype.name, shape) for array, shape in zip(arrays, shapes)]

    def variables(self, weights: list[np.ndarray]) -> list[Any]:
        """One for each array, which is its first value."""
        return [self.tf.Variable(value) for value in weights]

    def optimizer(self, optimizer: Momentum | Adam) -> Any:
        """TensorFlow's own."""
        if isinstance(optimizer, Adam):
            return self.tf.train.AdamOptimizer(*optimizer)
        return self.tf.train.MomentumOptimizer(*optimizer)

    def session(self) -> Any:
        """With first values in the variables."""
        session = self.tf.Session(config=self.config)
        session.run(self.tf.global_variables_initializer())
        return session
