"""PyTorch, eager: its fused optimizers, and channels-last pictures, which are its fast way on CPUs."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.systems.vocabulary import EPSILON, Vocabulary
from benchmarks.workload import Adam, Function, Momentum, Training

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


class Words(Vocabulary):
    """torch and torch.nn.functional; pictures are [batch, channels, height, width] with channels last in memory."""

    exp, log, sqrt, tanh, erf = torch.exp, torch.log, torch.sqrt, torch.tanh, torch.erf
    sigmoid, relu, square = torch.sigmoid, torch.relu, torch.square
    reshape, transpose, concat = torch.reshape, torch.permute, torch.cat

    def softmax(self, x: Any) -> Any:
        return torch.softmax(x, -1)

    def gelu(self, x: Any) -> Any:
        return functional.gelu(x, approximate="tanh")

    def mean(self, x: Any, axes: tuple[int, ...] | None = None) -> Any:
        return x.mean() if axes is None else x.mean(axes, keepdim=True)

    def matmul(self, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        return torch.matmul(a.mT if transpose_a else a, b.mT if transpose_b else b)

    def dense(self, x: Any, kernel: Any, bias: Any) -> Any:
        return torch.addmm(bias, x, kernel)

    def cross_entropy(self, scores: Any, labels: Any) -> Any:
        return functional.cross_entropy(scores, labels.long())

    def rows(self, table: Any, places: Any) -> Any:
        return functional.embedding(places, table)

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        for x in inputs:
            if not x.requires_grad:
                x.requires_grad_()
        y, more = function(*inputs)
        return torch.autograd.grad(y.sum(), inputs, create_graph=True), y, more

    def pictures(self, x: Any) -> Any:
        return x.permute(0, 3, 1, 2)

    def from_pictures(self, maps: Any) -> Any:
        return maps.permute(0, 2, 3, 1)

    def channels(self, bias: Any) -> Any:
        return bias[:, None, None]

    def filter(self, kernel: Any) -> Any:
        return kernel.permute(3, 2, 0, 1)

    def flatten(self, maps: Any) -> Any:
        return self.from_pictures(maps).reshape(maps.shape[0], -1)

    def conv2d(self, maps: Any, kernel: Any, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
        return functional.conv2d(maps, kernel, None, stride, padding, dilation)

    def conv2d_channels_first(self, x: Any, kernel: Any, stride: int, padding: int) -> Any:
        return functional.conv2d(x, kernel, None, stride, padding)

    def conv2d_transpose(self, maps: Any, kernel: Any, stride: int, padding: int, shape: tuple[int, ...]) -> Any:
        return functional.conv_transpose2d(maps, kernel, None, stride, padding)

    def depthwise_conv2d(self, maps: Any, kernel: Any, padding: int) -> Any:
        # The filter [height, width, channels, 1] has become [1, channels, height, width].
        return functional.conv2d(maps, kernel.transpose(0, 1), None, 1, padding, 1, kernel.shape[1])

    def max_pool(self, maps: Any) -> Any:
        return functional.max_pool2d(maps, 2)

    def mean_of_pictures(self, maps: Any) -> Any:
        return maps.mean((2, 3))

    def batch_norm(self, maps: Any, gain: Any, bias: Any) -> Any:
        return functional.batch_norm(maps, None, None, gain, bias, training=True, eps=EPSILON)

    def layer_norm(self, x: Any, gain: Any, bias: Any) -> Any:
        return functional.layer_norm(x, x.shape[-1:], gain, bias, EPSILON)

    def causal_attention(self, queries: Any, keys: Any, values: Any, steps: int, width: int) -> Any:
        return functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)

    def lstm(self, x: Any, kernel: Any, recurrent: Any, bias: Any, steps: int, units: int) -> Any:
        zeros = x.new_zeros(1, x.shape[0], units)
        # torch.nn.LSTM's own function: one layer, one direction, batch first, two biases, no dropout.
        weights = [kernel.t(), recurrent.t(), bias, torch.zeros_like(bias)]
        _, output, _ = torch.lstm(x, (zeros, zeros), weights, True, 1, 0.0, True, False, True)
        return output[0]


class Steps:
    """Training steps and functions, with a hook for what compiles them."""

    def __init__(self, words: Words, compiled: Callable[[Any], Any] = lambda function: function) -> None:
        self.words, self.compiled = words, compiled

    def training(self, case: Training) -> Callable[..., float]:
        """Loss, backward, optimizer step."""
        weights = [weight.requires_grad_() for weight in tensors_of_weights(case.weights())]
        optimizer = optimizer_of(case.optimizer, weights)
        loss_of = self.compiled(lambda *batch: case.loss(self.words, weights, *batch))

        def step(*batch: np.ndarray) -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(*tensors(batch))
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def function(self, case: Function) -> Callable[..., Any]:
        """The value, or its gradients."""
        weights = tensors_of_weights(case.weights())
        value_of = self.compiled(lambda *inputs: case.value(self.words, weights, *inputs))

        def value(*inputs: Any) -> np.ndarray:
            with torch.inference_mode():
                return value_of(*tensors(inputs)).numpy()

        def record(*inputs: Any) -> tuple[Any, list[Any], Any]:
            given = tensors(inputs)
            chosen = [given[place].requires_grad_() for place in case.gradients_by]
            return value_of(*given), chosen, given[-1]

        def gradients(*inputs: Any) -> list[np.ndarray]:
            return [found.numpy() for found in torch.autograd.grad(*record(*inputs))]

        recorded = functools.cache(lambda: record(*case.inputs()))

        def backward_alone(*inputs: Any) -> list[np.ndarray]:
            return [found.numpy() for found in torch.autograd.grad(*recorded(), retain_graph=True)]

        if not case.gradients_by:
            return value
        return backward_alone if case.backward_alone else gradients


def tensors(inputs: Sequence[Any]) -> list[Any]:
    """Tensors on the memory of arrays; numbers without axes are copied."""
    return [torch.from_numpy(x) if isinstance(x, np.ndarray) else torch.tensor(x) for x in inputs]


def tensors_of_weights(weights: list[np.ndarray]) -> list[Any]:
    """Copies; filters [height, width, in, out] become [out, in, height, width], channels last in memory."""
    made = [torch.from_numpy(value.copy()) for value in weights]
    last = torch.channels_last
    return [w.permute(3, 2, 0, 1).contiguous(memory_format=last) if w.ndim == 4 else w for w in made]


def optimizer_of(settings: Momentum | Adam, weights: list[Any]) -> Any:
    """PyTorch's own, fused."""
    if isinstance(settings, Adam):
        rate, beta1, beta2, epsilon = settings
        return torch.optim.Adam(weights, rate, (beta1, beta2), epsilon, fused=True)
    return torch.optim.SGD(weights, settings.rate, settings.momentum, fused=True)


_steps = Steps(Words())
training, function = _steps.training, _steps.function
