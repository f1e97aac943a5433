"""NumPy by hand: every gradient written out, weights and optimizer state updated in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.models import dense, functions, sweeps
from benchmarks.systems.vocabulary import EPSILON
from benchmarks.workload import Adam, Function, Training, Unsupported

Arrays = list[np.ndarray]


def training(case: Training) -> Callable[..., float]:
    """The step of a model that somebody wrote by hand."""
    if case.loss not in STEPS:
        raise Unsupported("not written by hand")
    weights = [value.copy() for value in case.weights()]
    update = (adam if isinstance(case.optimizer, Adam) else momentum)(case.optimizer, weights)
    loss_and_gradients = STEPS[case.loss]

    def step(*batch: np.ndarray) -> float:
        loss, gradients = loss_and_gradients(weights, *batch)
        update(gradients)
        return loss

    return step


def function(case: Function) -> Callable[..., Any]:
    """The function or its gradients, where somebody wrote them by hand."""
    value = getattr(case.value, "func", case.value)  # the function inside a partial
    table = GRADIENTS if case.gradients_by else VALUES
    if value not in table:
        raise Unsupported("not written by hand")
    weights, settings = case.weights(), getattr(case.value, "keywords", {})
    return lambda *inputs: table[value](weights, *inputs, **settings)


# Optimizers.


def momentum(settings: Any, weights: Arrays) -> Callable[[Arrays], None]:
    """Updates the weights in place."""
    speeds = [np.zeros_like(weight) for weight in weights]

    def update(gradients: Arrays) -> None:
        for weight, speed, gradient in zip(weights, speeds, gradients):
            speed *= np.float32(settings.momentum)
            speed += gradient
            weight -= np.float32(settings.rate) * speed

    return update


def adam(settings: Any, weights: Arrays) -> Callable[[Arrays], None]:
    """Updates the weights in place."""
    beta1, beta2 = np.float32(settings.beta1), np.float32(settings.beta2)
    firsts, seconds = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    count = 0

    def update(gradients: Arrays) -> None:
        nonlocal count
        count += 1
        rate = np.float32(settings.rate * (1 - settings.beta2**count) ** 0.5 / (1 - settings.beta1**count))
        for weight, first, second, gradient in zip(weights, firsts, seconds, gradients):
            first *= beta1
            first += (1 - beta1) * gradient
            second *= beta2
            gradient *= gradient
            second += (1 - beta2) * gradient
            root = np.sqrt(second)
            root += np.float32(settings.epsilon)
            weight -= rate * first / root

    return update


# Models.


def forward(weights: Arrays, x: np.ndarray) -> Arrays:
    """What goes into each dense layer, and the last one's scores."""
    values = [x]
    for place in range(0, len(weights), 2):
        if place:
            np.maximum(values[-1], 0, out=values[-1])
        made = values[-1] @ weights[place]
        made += weights[place + 1]
        values.append(made)
    return values


def backward(weights: Arrays, values: Arrays, gradient: np.ndarray) -> Arrays:
    """The gradients by all kernels and biases, from the gradient by the scores."""
    gradients: Arrays = []
    for place in reversed(range(0, len(weights), 2)):
        x = values[place // 2]
        gradients[:0] = [x.T @ gradient, gradient.sum(axis=0)]
        if place:
            gradient = gradient @ weights[place].T
            gradient *= x > 0
    return gradients


def classifier(weights: Arrays, x: np.ndarray, labels: np.ndarray) -> tuple[float, Arrays]:
    """Softmax cross-entropy after dense layers."""
    values = forward(weights, x)
    rows = np.arange(len(labels))
    scores = values[-1]
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[rows, labels]
    gradient = np.exp(scores, out=scores)
    sums = gradient.sum(axis=1, keepdims=True)
    loss = float((np.log(sums[:, 0]) - right).mean())
    # The gradient of the mean loss by the scores: (softmax - one-hot) / rows.
    gradient /= sums
    gradient[rows, labels] -= 1
    gradient /= np.float32(len(labels))
    return loss, backward(weights, values, gradient)


def autoencoder(weights: Arrays, x: np.ndarray) -> tuple[float, Arrays]:
    """Mean squared error after dense layers and a sigmoid."""
    values = forward(weights, x)
    made = 1 / (1 + np.exp(-values[-1]))
    error = made - x
    gradient = np.float32(2 / error.size) * error * made * (1 - made)
    return float(np.square(error).mean()), backward(weights, values, gradient)


def line(weights: Arrays, x: np.float32, y: np.float32) -> tuple[float, Arrays]:
    """(weight x - y)²"""
    error = weights[0] * x - y
    return float(error * error), [2 * error * x]


# Functions.


def softmax(weights: Arrays, x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    made = x - x.max(axis=-1, keepdims=True)
    np.exp(made, out=made)
    made /= made.sum(axis=-1, keepdims=True)
    return made


def softmax_gradient(weights: Arrays, x: np.ndarray, cotangent: np.ndarray) -> Arrays:
    """y (c - sum(y c))"""
    y = softmax(weights, x)
    return [y * (cotangent - (y * cotangent).sum(axis=-1, keepdims=True))]


def layer_norm_gradient(
    weights: Arrays, x: np.ndarray, gain: np.ndarray, bias: np.ndarray, cotangent: np.ndarray
) -> Arrays:
    """With y the normalised rows and d = c gain: (d - mean(d) - y mean(y d)) / deviation; sum(c y); sum(c)"""
    y = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.square(y).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
    y /= deviation
    inner = cotangent * gain
    by_x = inner - inner.mean(axis=-1, keepdims=True)
    by_x -= y * (y * inner).mean(axis=-1, keepdims=True)
    by_x /= deviation
    return [by_x, (cotangent * y).sum(axis=0), cotangent.sum(axis=0)]


def black_scholes(weights: Arrays, spot: np.ndarray, strike: np.ndarray, years: np.ndarray) -> np.ndarray:
    """The price of a call; NumPy has no error function of its own."""
    from scipy.special import ndtr

    spread = functions.VOLATILITY * np.sqrt(years)
    first = np.log(spot / strike)
    first += (functions.RATE + functions.VOLATILITY**2 / 2) * years
    first /= spread
    made = spot * ndtr(first)
    made -= strike * np.exp(-functions.RATE * years) * ndtr(first - spread)
    return made


def multiply(weights: Arrays, a: np.ndarray, b: np.ndarray, transposed: str = "nn") -> np.ndarray:
    """The library's own product (OpenBLAS in the wheels)."""
    return (a.mT if transposed[0] == "t" else a) @ (b.mT if transposed[1] == "t" else b)


STEPS = {dense.classifier: classifier, dense.autoencoder: autoencoder, functions.line: line}
VALUES: dict[Any, Callable[..., Any]] = {
    dense.probabilities: lambda weights, x: softmax([], forward(weights, x)[-1]),
    functions.black_scholes: black_scholes,
    sweeps.multiply: multiply,
}
GRADIENTS: dict[Any, Callable[..., Any]] = {
    functions.softmax: softmax_gradient,
    functions.layer_norm: layer_norm_gradient,
    sweeps.multiply: lambda weights, a, b, cotangent: [cotangent @ b.T, a.T @ cotangent],
}
