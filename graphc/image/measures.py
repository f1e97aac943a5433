"""Numbers and gradients that say how images vary, and how two of them differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.image.checks import images_of
from graphc.image.colors import convert_image_dtype
from graphc.mistakes import telling_line
from graphc.nn.convolution import depthwise_conv2d
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, stack, zeros_like
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.padding import pad
from graphc.ops.pooling import avg_pool
from graphc.ops.reduction import reduce_mean, reduce_prod, reduce_sum
from graphc.ops.reshaping import reshape, shape

SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli and Bovik (2003)


@telling_line
def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the differences of neighbouring pixels, of each image."""
    x = images_of(images, "total_variation")
    with graph_of([x]).name_scope(name or "total_variation") as scope:
        down = e.abs(x[..., 1:, :, :] - x[..., :-1, :, :])
        right = e.abs(x[..., :, 1:, :] - x[..., :, :-1, :])
        axes = [-3, -2, -1]
        return e.add(reduce_sum(down, axes), reduce_sum(right, axes), name=scope)


@telling_line
def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """The differences to the pixel below and to the pixel on the right; zero in the last row and column."""
    x = convert_to_tensor(image)
    if x.type.rank != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {x.shape}.")
    down = x[:, 1:] - x[:, :-1]
    right = x[:, :, 1:] - x[:, :, :-1]
    return concat([down, zeros_like(x[:, :1])], 1), concat([right, zeros_like(x[:, :, :1])], 2)


@telling_line
def sobel_edges(image: Any) -> Tensor:
    """Sobel's edges: ``[batch, height, width, channels, 2]`` of the differences along rows and columns."""
    x = convert_to_tensor(image)
    depth = x.type.shape[-1] if x.type.rank == 4 else None  # type: ignore[index]
    if not isinstance(depth, int):
        raise ValueError(f"sobel_edges needs images of 4 axes with a known number of channels, not {x.type}")
    along = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    kernels = np.stack([along, along.T], axis=-1)[:, :, None, :]
    filters = constant(np.tile(kernels, [1, 1, depth, 1]), x.dtype)
    padded = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv2d(padded, filters, [1, 1, 1, 1], "VALID")
    sizes = shape(x)
    found = reshape(edges, concat([sizes, constant([2])], 0))
    found.set_shape([*x.shape.as_list(), 2])
    return found


def psnr(a: Any, b: Any, max_val: float, name: str | None = None) -> Tensor:
    """The peak signal to noise ratio of two images in decibels: ``20 log10(max_val) - 10 log10(mean((a - b)^2))``."""
    with graph_of([]).name_scope(name or "PSNR") as scope:
        x, y, most = _comparable(a, b, max_val)
        error = reduce_mean(e.squared_difference(x, y), [-3, -2, -1])
        ten = math.log(10)
        return e.subtract(20.0 * e.log(most) / ten, (10.0 / ten) * e.log(error), name=scope)


def _comparable(a: Any, b: Any, max_val: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Both images and the greatest value as floats."""
    x, y = convert_to_tensor(a), convert_to_tensor(b)
    if x.dtype is not y.dtype:
        raise TypeError(f"the images have different dtypes: {x.type} and {y.type}")
    for value in (x, y):
        if value.type.rank is not None and value.type.rank < 3:
            raise ValueError(f"images must have at least 3 axes, not {value.type}")
    if x.dtype.is_floating:
        return x, y, e.cast(convert_to_tensor(max_val), x.dtype)
    most = constant(float(max_val) / x.dtype.max, dtypes.float32)
    return convert_image_dtype(x, dtypes.float32), convert_image_dtype(y, dtypes.float32), most


def ssim(
    img1: Any, img2: Any, max_val: float, filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """The structural similarity of two images (Wang, Bovik, Sheikh and Simoncelli, 2004), the mean over channels."""
    with graph_of([]).name_scope("SSIM") as scope:
        x, y, most = _comparable(img1, img2, max_val)
        return reduce_mean(_ssim_per_channel(x, y, most, filter_size, filter_sigma, k1, k2)[0], -1, name=scope)


def _ssim_per_channel(
    x: Tensor, y: Tensor, most: Tensor, size: int, sigma: float, k1: float, k2: float
) -> tuple[Tensor, Tensor]:
    """The similarity, and the part of it that is contrast and structure, for each channel."""
    sides: Any = x.type.shape[-3:-1]  # type: ignore[index]
    if any(isinstance(side, int) and side < size for side in sides):
        raise ValueError(f"ssim needs images of at least {size} pixels along both sides, not {x.type}")
    if x.type.rank != 4:
        tail = shape(x)[-3:]
        flat_x, flat_y = (reshape(value, concat([constant([-1]), tail], 0)) for value in (x, y))
        for value in (flat_x, flat_y):
            value.set_shape([None, *x.shape.as_list()[-3:]])
        found = _ssim_per_channel(flat_x, flat_y, most, size, sigma, k1, k2)
        batch = concat([shape(x)[:-3], shape(x)[-1:]], 0)
        return reshape(found[0], batch), reshape(found[1], batch)
    c1, c2 = e.square(k1 * most), e.square(k2 * most)
    depth: Any = x.shape.as_list()[-1]
    kernel = constant(np.tile(_gauss(size, sigma), [1, 1, depth, 1]), x.dtype)

    def smooth(value: Tensor) -> Tensor:
        return depthwise_conv2d(value, kernel, [1, 1, 1, 1], "VALID")

    mean_x, mean_y = smooth(x), smooth(y)
    product, squares = mean_x * mean_y * 2.0, e.square(mean_x) + e.square(mean_y)
    brightness = (product + c1) / (squares + c1)
    both, own = smooth(x * y) * 2.0, smooth(e.square(x) + e.square(y))
    structure = (both - product + c2) / (own - squares + c2)
    axes = [-3, -2]
    return reduce_mean(brightness * structure, axes), reduce_mean(structure, axes)


def _gauss(size: int, sigma: float) -> Any:
    """The weights of a Gaussian window, whose sum is 1."""
    place = np.arange(size) - (size - 1) / 2
    weight = np.exp(-np.add.outer(place**2, place**2) / (2 * sigma**2))
    return (weight / weight.sum())[:, :, None, None]


def ssim_multiscale(
    img1: Any, img2: Any, max_val: float, power_factors: Sequence[float] = SSIM_WEIGHTS, filter_size: int = 11,
    filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """The structural similarity over scales that halve the images, multiplied with powers."""
    with graph_of([]).name_scope("MS-SSIM") as scope:
        x, y, most = _comparable(img1, img2, max_val)
        if x.type.rank != 4:
            raise ValueError(f"ssim_multiscale needs images of 4 axes, not {x.type}")
        parts = []
        for level in range(len(power_factors)):
            if level:
                x, y = (_halved(value) for value in (x, y))
            whole, structure = _ssim_per_channel(x, y, most, filter_size, filter_sigma, k1, k2)
            parts.append(e.maximum(whole if level == len(power_factors) - 1 else structure, 0.0))
        powers = constant(np.array(power_factors), x.dtype)
        return reduce_mean(reduce_prod(e.pow(stack(parts, axis=-1), powers), [-1]), [-1], name=scope)


def _halved(x: Tensor) -> Tensor:
    """Half the size, the last row and column repeated where a side is odd."""
    sides: Any = x.type.shape[1:3]  # type: ignore[index]
    if any(not isinstance(side, int) for side in sides):
        raise ValueError(f"ssim_multiscale needs to know the sides of its images, not {x.type}")
    if any(side % 2 for side in sides):
        x = pad(x, [[0, 0], [0, sides[0] % 2], [0, sides[1] % 2], [0, 0]], mode="SYMMETRIC")
    return avg_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
