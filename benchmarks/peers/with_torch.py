"""PyTorch, eager; its fused optimizer step and channels-last pictures, which are its fast way on CPUs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from problems import MOMENTUM, RATE

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
Step = Callable[[np.ndarray, np.ndarray], float]


def mlp(weights: list[np.ndarray]) -> Step:
    """Dense, relu, dense."""
    return trainer([torch.from_numpy(value.copy()) for value in weights], dense_layers)


def cnn(weights: list[np.ndarray]) -> Step:
    """Two times convolution, relu, pool; then dense, relu, dense."""
    tensors = [torch.from_numpy(value.copy()) for value in weights]
    # Kernels [height, width, inputs, outputs] become [outputs, inputs, height, width].
    for place in (0, 2):
        kernel = tensors[place].permute(3, 2, 0, 1)
        tensors[place] = kernel.contiguous(memory_format=torch.channels_last)
    return trainer(tensors, convolutional)


def dense_layers(weights: list[Any], inputs: Any) -> Any:
    """Scores of the classes."""
    kernel1, bias1, kernel2, bias2 = weights
    hidden = torch.relu(torch.addmm(bias1, inputs, kernel1))
    return torch.addmm(bias2, hidden, kernel2)


def convolutional(weights: list[Any], inputs: Any) -> Any:
    """Scores of the classes."""
    maps = inputs.permute(0, 3, 1, 2)
    for kernel, bias in (weights[:2], weights[2:4]):
        maps = functional.max_pool2d(torch.relu(functional.conv2d(maps, kernel, bias, padding=1)), 2)
    return dense_layers(weights[4:], maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1))


def trainer(weights: list[Any], model: Callable[[list[Any], Any], Any]) -> Step:
    """The training step of a model."""
    for weight in weights:
        weight.requires_grad_()
    optimizer = torch.optim.SGD(weights, RATE, MOMENTUM, fused=True)

    def step(inputs: np.ndarray, labels: np.ndarray) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(weights, torch.from_numpy(inputs)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def matmul(left: np.ndarray, right: np.ndarray) -> Callable[[], np.ndarray]:
    """The product of two arrays that are handed in with each call."""
    return lambda: (torch.from_numpy(left) @ torch.from_numpy(right)).numpy()


def overhead() -> dict[str, Callable[[], Any]]:
    """Two eager operations on tensors made from Python numbers."""
    return {"callable": lambda: (torch.tensor(2.0) * torch.tensor(3.0) + 1).item()}


def chain(length: int) -> float:
    """Run forward and backward once; eager, so nothing is compiled."""
    c = torch.full([8], 0.9, requires_grad=True)
    x = torch.linspace(0.1, 1, 8)
    h = x
    for _ in range(length):
        h = torch.tanh(h * c + x)
    h.sum().backward()
    assert c.grad is not None
    return float(c.grad.sum())
