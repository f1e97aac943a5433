"""Products and convolutions alone, of many shapes, each with the gradients that training needs."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from benchmarks.data import uniform
from benchmarks.systems.vocabulary import Vocabulary
from benchmarks.workload import Case, Function, Workload

SQUARE = (32, 64, 128, 256, 512, 1024)
# Rows, inner size, columns: layers at small and large batches.
LAYERS = ((1, 784, 128), (8, 784, 128), (32, 784, 128), (64, 128, 10), (128, 256, 256), (512, 784, 1024))
TRANSPOSED = (256, 192, 320)
BATCHED = (64, 64, 32, 64)  # heads of attention


def multiply(v: Vocabulary, weights: list[Any], a: Any, b: Any, *rest: Any, transposed: str = "nn") -> Any:
    """a b, with either of them transposed."""
    return v.matmul(a, b, transposed[0] == "t", transposed[1] == "t")


def matmul_cases() -> dict[str, Case]:
    """Squares, layers with both gradients, transposes, batches, float64."""
    cases: dict[str, Case] = {}
    for size in SQUARE:
        cases[f"{size}x{size}x{size}"] = forward((size, size), (size, size))
    for rows, inner, columns in LAYERS:
        name = f"{rows}x{inner}x{columns}"
        shapes = (rows, inner), (inner, columns), (rows, columns)
        cases[name] = forward(*shapes[:2])
        cases[f"{name} both gradients"] = Function(
            multiply, partial(uniform, *shapes), gradients_by=(0, 1), backward_alone=True
        )
    rows, inner, columns = TRANSPOSED
    for first, second in product("nt", repeat=2):
        left = (rows, inner) if first == "n" else (inner, rows)
        right = (inner, columns) if second == "n" else (columns, inner)
        cases["x".join(map(str, TRANSPOSED)) + f" {first}{second}"] = forward(left, right, transposed=first + second)
    batch, rows, inner, columns = BATCHED
    cases["x".join(map(str, BATCHED))] = forward((batch, rows, inner), (batch, inner, columns))
    cases["512x512x512 float64"] = forward((512, 512), (512, 512), dtype=np.float64)
    return cases


def forward(*shapes: tuple[int, ...], transposed: str = "nn", dtype: type = np.float32) -> Function:
    """A product alone."""
    return Function(partial(multiply, transposed=transposed), partial(uniform, *shapes, dtype=dtype))


class Convolution(NamedTuple):
    """One shape of the sweep."""

    name: str
    batch: int
    size: int
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    depthwise: bool = False
    transposed: bool = False
    channels_first: bool = False

    @property
    def padding(self) -> int:
        """That keeps the size, where the stride is 1."""
        return 1 if self.transposed else self.dilation * (self.kernel - 1) // 2

    @property
    def output_size(self) -> int:
        """Height and width of what comes out."""
        return self.size * self.stride if self.transposed else (self.size - 1) // self.stride + 1

    def multiply_adds(self) -> int:
        """As many as the definition has, forward and in either gradient, those at the edges included."""
        places = self.size if self.transposed else self.output_size
        inputs = 1 if self.depthwise else self.inputs
        return self.batch * places**2 * self.kernel**2 * inputs * self.outputs

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the pictures, the filter and the cotangent."""
        if self.depthwise:
            channels = (self.inputs, 1)
        else:
            channels = (self.outputs, self.inputs) if self.transposed else (self.inputs, self.outputs)
        return self.pictures(self.size, self.inputs), (self.kernel, self.kernel, *channels), self.result()

    def pictures(self, size: int, channels: int) -> tuple[int, ...]:
        """A shape of pictures."""
        if self.channels_first:
            return self.batch, channels, size, size
        return self.batch, size, size, channels

    def result(self) -> tuple[int, ...]:
        """The shape of what comes out."""
        return self.pictures(self.output_size, self.outputs)


CONVOLUTIONS = (
    Convolution("3x3 32x32x3 to 16", 32, 32, 3, 16),
    Convolution("3x3 32x32x16 to 16", 32, 32, 16, 16),
    Convolution("3x3 16x16x32 to 32", 32, 16, 32, 32),
    Convolution("3x3 8x8x64 to 64", 32, 8, 64, 64),
    Convolution("5x5 28x28x1 to 6", 64, 28, 1, 6, kernel=5),
    Convolution("5x5 14x14x16 to 32", 64, 14, 16, 32, kernel=5),
    Convolution("1x1 16x16x64 to 128", 32, 16, 64, 128, kernel=1),
    Convolution("3x3 strided 32x32x16 to 32", 32, 32, 16, 32, stride=2),
    Convolution("3x3 dilated 32x32x16 to 16", 32, 32, 16, 16, dilation=2),
    Convolution("3x3 depthwise 32x32x32", 32, 32, 32, 32, depthwise=True),
    Convolution("4x4 transposed 16x16x32 to 16", 32, 16, 32, 16, kernel=4, stride=2, transposed=True),
    Convolution("3x3 NCHW 16x32x32 to 16", 32, 32, 16, 16, channels_first=True),
    # Layers of ResNet-50 and MobileNet.
    Convolution("7x7 strided 224x224x3 to 64", 8, 224, 3, 64, kernel=7, stride=2),
    Convolution("7x7 strided NCHW 3x224x224 to 64", 8, 224, 3, 64, kernel=7, stride=2, channels_first=True),
    Convolution("1x1 56x56x256 to 64", 8, 56, 256, 64, kernel=1),
    Convolution("1x1 NCHW 1024x14x14 to 256", 8, 14, 1024, 256, kernel=1, channels_first=True),
    Convolution("3x3 depthwise 56x56x128", 8, 56, 128, 128, depthwise=True),
)


def convolve(v: Vocabulary, weights: list[Any], x: Any, kernel: Any, *cotangent: Any, shape: Convolution) -> Any:
    """Pictures under a filter, both handed in."""
    if shape.channels_first:
        return v.conv2d_channels_first(x, v.filter(kernel), shape.stride, shape.padding)
    maps = v.pictures(x)
    if shape.transposed:
        made = v.conv2d_transpose(maps, v.filter(kernel), shape.stride, shape.padding, shape.result())
    elif shape.depthwise:
        made = v.depthwise_conv2d(maps, v.filter(kernel), padding=shape.padding)
    else:
        made = v.conv2d(maps, v.filter(kernel), shape.stride, shape.padding, shape.dilation)
    return v.from_pictures(made)


def convolution_cases() -> dict[str, Case]:
    """Each shape forward, and each of its two gradients alone."""
    cases: dict[str, Case] = {}
    for shape in CONVOLUTIONS:
        value = partial(convolve, shape=shape)
        pictures, kernel, result = shape.shapes()
        cases[shape.name] = Function(value, partial(uniform, pictures, kernel))
        for place, of in enumerate(("input", "filter")):
            inputs = partial(uniform, pictures, kernel, result)
            cases[f"{shape.name}, {of} gradient"] = Function(value, inputs, gradients_by=(place,), backward_alone=True)
    return cases


SKIPPED = {"torch_compile": "one library call, the same as PyTorch's without compilation"}
WORKLOADS = (
    Workload("matmul", "products, rows x inner x columns", matmul_cases(), SKIPPED),
    Workload("convolution", "convolutions, pictures height x width x channels", convolution_cases(), SKIPPED),
)
