"""The workloads as TensorFlow 1 programs: graphc and TensorFlow run the same lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from problems import CLASSES, CNN_PICTURE, MLP_SIZES, MOMENTUM, RATE

Step = Callable[[np.ndarray, np.ndarray], float]


class Programs:
    """All workloads on the TensorFlow 1 API of the module ``tf``."""

    def __init__(self, tf: Any, config: Any = None) -> None:
        self.tf = tf
        self.config = config

    def mlp(self, weights: list[np.ndarray]) -> Step:
        """Dense, relu, dense."""
        inputs = self.tf.placeholder(self.tf.float32, [None, MLP_SIZES[0]])
        return self.step(inputs, self.dense_layers(inputs, self.variables(weights)))

    def cnn(self, weights: list[np.ndarray]) -> Step:
        """Two times convolution, relu, pool; then dense, relu, dense."""
        tf = self.tf
        inputs = tf.placeholder(tf.float32, [None, CNN_PICTURE, CNN_PICTURE, 1])
        variables = self.variables(weights)
        maps = inputs
        for kernel, bias in (variables[:2], variables[2:4]):
            maps = tf.nn.relu(tf.nn.conv2d(maps, kernel, strides=[1, 1, 1, 1], padding="SAME") + bias)
            maps = tf.nn.max_pool(maps, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
        features = tf.reshape(maps, [-1, int(variables[4].shape[0])])
        return self.step(inputs, self.dense_layers(features, variables[4:]))

    def variables(self, weights: list[np.ndarray]) -> list[Any]:
        """One variable for each array, which is its first value."""
        return [self.tf.Variable(value) for value in weights]

    def dense_layers(self, inputs: Any, variables: list[Any]) -> Any:
        """Scores of the classes."""
        tf = self.tf
        kernel1, bias1, kernel2, bias2 = variables
        hidden = tf.nn.relu(tf.matmul(inputs, kernel1) + bias1)
        return tf.matmul(hidden, kernel2) + bias2

    def step(self, inputs: Any, scores: Any) -> Step:
        """A session that trains on one batch a call."""
        tf = self.tf
        labels = tf.placeholder(tf.int64, [None])
        assert scores.shape[1] == CLASSES
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        loss = tf.reduce_mean(losses)
        train = tf.train.MomentumOptimizer(RATE, MOMENTUM).minimize(loss)
        session = tf.Session(config=self.config)
        session.run(tf.global_variables_initializer())

        def step(batch: np.ndarray, classes: np.ndarray) -> float:
            return float(session.run([loss, train], {inputs: batch, labels: classes})[0])

        return step

    def matmul(self, left: np.ndarray, right: np.ndarray) -> Callable[[], np.ndarray]:
        """The product of two arrays that are handed in with each call."""
        tf = self.tf
        a = tf.placeholder(tf.float32, left.shape)
        b = tf.placeholder(tf.float32, right.shape)
        call = tf.Session(config=self.config).make_callable(tf.matmul(a, b), [a, b])
        return lambda: call(left, right)

    def overhead(self) -> dict[str, Callable[[], Any]]:
        """Through session.run with a feed dictionary, and through make_callable."""
        tf = self.tf
        a = tf.placeholder(tf.float32, [])
        b = tf.placeholder(tf.float32, [])
        result = a * b + 1
        session = tf.Session(config=self.config)
        call = session.make_callable(result, [a, b])
        two, three = np.float32(2), np.float32(3)
        return {"run": lambda: session.run(result, {a: two, b: three}), "callable": lambda: call(two, three)}

    def chain(self, length: int) -> float:
        """Declare, differentiate, compile, run once."""
        tf = self.tf
        c = tf.placeholder(tf.float32, [8])
        x = tf.placeholder(tf.float32, [8])
        h = x
        for _ in range(length):
            h = tf.tanh(h * c + x)
        (gradient,) = tf.gradients(tf.reduce_sum(h), c)
        feeds = {c: np.full(8, 0.9, np.float32), x: np.linspace(0.1, 1, 8).astype(np.float32)}
        with tf.Session(config=self.config) as session:
            return float(session.run(gradient, feeds).sum())
