"""The words in which models are written. Each system says the short ones, and a longer one where it has its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.workload import Unsupported

EPSILON = 1e-5


class Vocabulary:
    """Tensors also know + - * / and indexing. Pictures are fed as [batch, height, width, channels]."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    erf: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    square: Callable[[Any], Any]
    reshape: Callable[[Any, tuple[int, ...]], Any]
    transpose: Callable[[Any, tuple[int, ...]], Any]
    softmax: Callable[[Any], Any]

    def mean(self, x: Any, axes: tuple[int, ...] | None = None) -> Any:
        """Over all axes, or over some, which then stay with size 1."""
        raise NotImplementedError

    def matmul(self, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        """Over the last two axes."""
        raise NotImplementedError

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        """Mean over the rows of log(sum(exp(scores))) - scores[label]."""
        raise NotImplementedError

    def rows(self, table: Any, places: Any) -> Any:
        """Rows of a table."""
        raise NotImplementedError

    def concat(self, parts: Sequence[Any], axis: int) -> Any:
        """One after the other."""
        raise NotImplementedError

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        """Of ``function(*inputs) -> (y, more)``: the gradients of sum(y) by each input, y, and more."""
        raise NotImplementedError

    # Pictures: a system may keep them in another order of axes.

    def pictures(self, x: Any) -> Any:
        """In the system's own order."""
        return x

    def from_pictures(self, maps: Any) -> Any:
        """Back from it."""
        return maps

    def channels(self, bias: Any) -> Any:
        """A number for each channel, to be added to pictures."""
        return bias

    def filter(self, kernel: Any) -> Any:
        """An array [height, width, channels in, channels out] that is handed in; weights need no such call."""
        return kernel

    def flatten(self, maps: Any) -> Any:
        """[batch, height * width * channels]"""
        raise Unsupported("no convolutions")

    def conv2d(self, maps: Any, kernel: Any, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
        """``padding`` cells on each side."""
        raise Unsupported("no convolutions")

    def conv2d_channels_first(self, x: Any, kernel: Any, stride: int, padding: int) -> Any:
        """Pictures are handed in, and come out, as [batch, channels, height, width]."""
        raise Unsupported("no convolutions of [batch, channels, height, width]")

    def conv2d_transpose(self, maps: Any, kernel: Any, stride: int, padding: int, shape: tuple[int, ...]) -> Any:
        """The adjoint of a convolution; the filter is [height, width, channels out, channels in]."""
        raise Unsupported("no transposed convolution")

    def depthwise_conv2d(self, maps: Any, kernel: Any, padding: int) -> Any:
        """Each channel under a filter of its own."""
        raise Unsupported("no depthwise convolution")

    def max_pool(self, maps: Any) -> Any:
        """Of 2 by 2 cells."""
        raise Unsupported("no pooling")

    def mean_of_pictures(self, maps: Any) -> Any:
        """[batch, channels]"""
        raise Unsupported("no convolutions")

    def batch_norm(self, maps: Any, gain: Any, bias: Any) -> Any:
        """By the batch's own mean and variance."""
        raise Unsupported("no batch norm")

    # What can be said with the words above.

    def dense(self, x: Any, kernel: Any, bias: Any) -> Any:
        """x kernel + bias"""
        return self.matmul(x, kernel) + bias

    def gelu(self, x: Any) -> Any:
        """x P(normal <= x), by tanh (Hendrycks and Gimpel, 2016)."""
        return 0.5 * x * (1.0 + self.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def layer_norm(self, x: Any, gain: Any, bias: Any) -> Any:
        """Mean 0 and variance 1 along the last axis, then gain and bias."""
        centred = x - self.mean(x, (-1,))
        variance = self.mean(self.square(centred), (-1,))
        return centred / self.sqrt(variance + EPSILON) * gain + bias

    def causal_attention(self, queries: Any, keys: Any, values: Any, steps: int, width: int) -> Any:
        """softmax(queries keysᵀ / sqrt(width) + mask) values, over [batch, heads, steps, width]"""
        scores = self.matmul(queries, keys, transpose_b=True) * width**-0.5
        return self.matmul(self.softmax(scores + self.causal_mask(steps)), values)

    def causal_mask(self, steps: int) -> Any:
        """0 for the past and present, a very negative number for the future."""
        return np.triu(np.full((steps, steps), -1e9, np.float32), 1)

    def lstm(self, x: Any, kernel: Any, recurrent: Any, bias: Any, steps: int, units: int) -> Any:
        """The last output; the gates are input, forget, candidate, output (Hochreiter and Schmidhuber, 1997)."""
        size = int(x.shape[-1])
        # The products with the inputs need no earlier step, so they are one product.
        projected = self.reshape(self.dense(self.reshape(x, (-1, size)), kernel, bias), (-1, steps, 4 * units))
        cell, output = self.lstm_cell(projected[:, 0], 0.0, units)
        for step in range(1, steps):
            cell, output = self.lstm_cell(projected[:, step] + self.matmul(output, recurrent), cell, units)
        return output

    def lstm_cell(self, gates: Any, cell: Any, units: int) -> tuple[Any, Any]:
        """The next cell and output, from the gates before their activations."""
        enter, forget, candidate, leave = (gates[:, place * units : (place + 1) * units] for place in range(4))
        cell = self.sigmoid(forget) * cell + self.sigmoid(enter) * self.tanh(candidate)
        return cell, self.sigmoid(leave) * self.tanh(cell)
