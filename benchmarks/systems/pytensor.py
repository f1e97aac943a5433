"""PyTensor, compiled by Numba: weights and optimizer state are shared variables that the function updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import softmax

from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Adam, Function, Training

MODE = "NUMBA"
pytensor.config.floatX = "float32"


class Words(Vocabulary):
    """pytensor.tensor; it has no convolution of several channels."""

    def __init__(self) -> None:
        self.exp, self.log, self.sqrt, self.tanh, self.erf = pt.exp, pt.log, pt.sqrt, pt.tanh, pt.erf
        self.sigmoid, self.square, self.reshape = pt.sigmoid, pt.sqr, pt.reshape

    def relu(self, x: Any) -> Any:
        return pt.maximum(x, np.float32(0))

    def softmax(self, x: Any) -> Any:
        return softmax(x, axis=-1)

    def transpose(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(*axes)

    def mean(self, x: Any, axes: tuple[int, ...] | None = None) -> Any:
        return pt.mean(x, axes, keepdims=axes is not None)

    def matmul(self, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        multiply = pt.dot if a.ndim == 2 else pt.matmul
        return multiply(a.mT if transpose_a else a, b.mT if transpose_b else b)

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        right = scores[pt.arange(labels.shape[0]), labels]
        return pt.mean(pt.logsumexp(scores, axis=-1) - right)

    def rows(self, table: Any, places: Any) -> Any:
        return table[places]

    def concat(self, parts: Sequence[Any], axis: int) -> Any:
        return pt.concatenate(parts, axis)

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        y, more = function(*inputs)
        return tuple(pt.grad(y.sum(), list(inputs))), y, more

    def lstm(self, x: Any, kernel: Any, recurrent: Any, bias: Any, steps: int, units: int) -> Any:
        projected = (x.reshape((-1, x.shape[-1])) @ kernel + bias).reshape((-1, steps, 4 * units))

        def step(gates: Any, cell: Any, output: Any) -> tuple[Any, Any]:
            return self.lstm_cell(gates + output @ recurrent, cell, units)

        zeros = pt.zeros((x.shape[0], units), dtype="float32")
        _, outputs = pytensor.scan(
            step, sequences=[projected.swapaxes(0, 1)], outputs_info=[zeros, zeros], return_updates=False
        )
        return outputs[-1]


words = Words()


def training(case: Training) -> Callable[..., float]:
    """Loss, gradients and update in one compiled function."""
    weights = [pytensor.shared(value) for value in case.weights()]
    batch = placeholders(case.batches()[0])
    loss = case.loss(words, weights, *batch)
    update = adam if isinstance(case.optimizer, Adam) else momentum
    updates = update(case.optimizer, weights, pt.grad(loss, weights))
    # The types of arrays are those of the placeholders; a float64 that crept in must not change a weight's type.
    updates = [(old, pt.cast(new, old.dtype)) for old, new in updates]
    step = pytensor.function(batch, loss, updates=updates, mode=MODE)
    return lambda *arrays: float(step(*arrays))


def momentum(settings: Any, weights: list[Any], gradients: list[Any]) -> list[tuple[Any, Any]]:
    """The next weights and speeds."""
    updates = []
    for weight, gradient in zip(weights, gradients):
        speed = pytensor.shared(np.zeros_like(weight.get_value()))
        following = np.float32(settings.momentum) * speed + gradient
        updates += [(speed, following), (weight, weight - np.float32(settings.rate) * following)]
    return updates


def adam(settings: Any, weights: list[Any], gradients: list[Any]) -> list[tuple[Any, Any]]:
    """The next weights and moments."""
    rate, beta1, beta2, epsilon = map(np.float32, settings)
    count = pytensor.shared(np.float32(0))
    following = count + np.float32(1)
    rate = rate * pt.sqrt(1 - beta2**following) / (1 - beta1**following)
    updates = [(count, following)]
    for weight, gradient in zip(weights, gradients):
        first, second = (pytensor.shared(np.zeros_like(weight.get_value())) for _ in range(2))
        next_first = beta1 * first + (np.float32(1) - beta1) * gradient
        next_second = beta2 * second + (np.float32(1) - beta2) * pt.sqr(gradient)
        step = rate * next_first / (pt.sqrt(next_second) + epsilon)
        updates += [(first, next_first), (second, next_second), (weight, weight - step)]
    return updates


def function(case: Function) -> Callable[..., Any]:
    """The value or its gradients in one compiled function."""
    weights = [pytensor.shared(value) for value in case.weights()]
    inputs = placeholders(case.inputs())
    value = case.value(words, weights, *inputs)
    if case.gradients_by:
        value = pt.grad((value * inputs[-1]).sum(), [inputs[place] for place in case.gradients_by])
    return pytensor.function(inputs, value, mode=MODE)


def placeholders(arrays: Sequence[np.ndarray]) -> list[Any]:
    """One for each array, of its type and shape."""
    return [pt.tensor(dtype=array.dtype.name, shape=array.shape) for array in arrays]
