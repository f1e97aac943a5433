"""NumPy by hand: every gradient written out, every buffer that matters reused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from problems import MOMENTUM, RATE


def mlp(weights: list[np.ndarray]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Dense, relu, dense, softmax cross-entropy; weights and momentum updated in place."""
    weights = [value.copy() for value in weights]
    speeds = [np.zeros_like(value) for value in weights]
    kernel1, bias1, kernel2, bias2 = weights

    def step(inputs: np.ndarray, labels: np.ndarray) -> float:
        rows = np.arange(len(labels))
        hidden = inputs @ kernel1
        hidden += bias1
        np.maximum(hidden, 0, out=hidden)
        scores = hidden @ kernel2
        scores += bias2
        scores -= scores.max(axis=1, keepdims=True)
        exps = np.exp(scores)
        sums = exps.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - scores[rows, labels]).mean())
        # The gradient of the mean loss by the scores: (softmax - one-hot) / rows.
        grad = exps / sums
        grad[rows, labels] -= 1
        grad /= np.float32(len(labels))
        grad_hidden = grad @ kernel2.T
        grad_hidden[hidden <= 0] = 0
        grads = [inputs.T @ grad_hidden, grad_hidden.sum(axis=0), hidden.T @ grad, grad.sum(axis=0)]
        for weight, speed, gradient in zip(weights, speeds, grads, strict=True):
            speed *= np.float32(MOMENTUM)
            speed += gradient
            weight -= np.float32(RATE) * speed
        return loss

    return step


def matmul(left: np.ndarray, right: np.ndarray) -> Callable[[], np.ndarray]:
    """The library's own product (OpenBLAS in the wheels)."""
    return lambda: left @ right
