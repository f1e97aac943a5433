"""TensorFlow 2 with XLA: one ``tf.function(jit_compile=True)`` a step, variables updated inside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf2
import tensorflow.compat.v1 as tf

from benchmarks.systems.tf1 import Tf1
from benchmarks.workload import Adam, Function, Momentum, Training

tf2.config.threading.set_intra_op_parallelism_threads(int(os.environ["OMP_NUM_THREADS"]))
tf2.config.threading.set_inter_op_parallelism_threads(1)
words = Tf1(tf)


def training(case: Training) -> Callable[..., float]:
    """Loss, gradients and update in one compiled function."""
    weights = [tf2.Variable(value) for value in case.weights()]
    update = optimizer(case.optimizer, weights)

    @tf2.function(jit_compile=True)
    def step(*batch: Any) -> Any:
        loss = case.loss(words, weights, *batch)
        update(tf.gradients(loss, weights))
        return loss

    return lambda *batch: step(*batch).numpy()


def optimizer(settings: Momentum | Adam, weights: list[Any]) -> Callable[[list[Any]], None]:
    """The update of all weights from their gradients, written out so that it compiles into the step."""
    return (adam if isinstance(settings, Adam) else momentum)(settings, weights)


def momentum(settings: Any, weights: list[Any]) -> Callable[[list[Any]], None]:
    """With a speed for each weight."""
    speeds = [tf2.Variable(tf2.zeros_like(weight)) for weight in weights]

    def update(gradients: list[Any]) -> None:
        for weight, gradient, speed in zip(weights, gradients, speeds):
            weight.assign_sub(settings.rate * speed.assign(settings.momentum * speed + gradient))

    return update


def adam(settings: Any, weights: list[Any]) -> Callable[[list[Any]], None]:
    """With two moments for each weight."""
    _, beta1, beta2, epsilon = settings
    firsts, seconds = ([tf2.Variable(tf2.zeros_like(weight)) for weight in weights] for _ in range(2))
    count = tf2.Variable(0.0)

    def update(gradients: list[Any]) -> None:
        count.assign_add(1.0)
        rate = settings.rate * tf2.sqrt(1 - beta2**count) / (1 - beta1**count)
        for weight, gradient, first, second in zip(weights, map(tf2.convert_to_tensor, gradients), firsts, seconds):
            first.assign(beta1 * first + (1 - beta1) * gradient)
            second.assign(beta2 * second + (1 - beta2) * tf2.square(gradient))
            weight.assign_sub(rate * first / (tf2.sqrt(second) + epsilon))

    return update


def function(case: Function) -> Callable[..., Any]:
    """The value or its gradients in one compiled function."""
    weights = [tf2.Variable(value) for value in case.weights()]

    @tf2.function(jit_compile=True)
    def call(*inputs: Any) -> Any:
        value = case.value(words, weights, *inputs)
        if case.gradients_by:
            return tf.gradients(value, [inputs[place] for place in case.gradients_by], inputs[-1])
        return value

    return lambda *inputs: tf2.nest.map_structure(lambda result: result.numpy(), call(*inputs))
