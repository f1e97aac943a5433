"""Brightness, contrast, hue, saturation and gamma of images, as given or drawn; and standardised images."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.image.checks import images_of
from graphc.image.colors import convert_image_dtype, hsv_to_rgb, rgb_to_hsv
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack, unstack
from graphc.ops.base import convert_to_tensor, graph_of, is_tensor_like
from graphc.ops.late import needs_ranks
from graphc.ops.random import random_uniform
from graphc.ops.reduction import reduce_mean
from graphc.ops.reshaping import count


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """Images with ``delta`` added, which is a part of the range of their dtype."""
    x = convert_to_tensor(image)
    with graph_of([x]).name_scope("adjust_brightness") as scope:
        real = convert_image_dtype(x, dtypes.float32) if x.dtype.is_integer else x
        moved = e.add(real, e.cast(convert_to_tensor(delta), real.dtype))
        return convert_image_dtype(moved, x.dtype, saturate=True) if x.dtype.is_integer else e.identity(moved, scope)


@needs_ranks("AdjustContrast", "images", "contrast_factor")
def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """``(x - mean) contrast_factor + mean``, where each channel of each image has its mean."""
    x = images_of(images, "adjust_contrast")
    with graph_of([x]).name_scope("adjust_contrast") as scope:
        real = convert_image_dtype(x, dtypes.float32) if x.dtype.is_integer else x
        mean = reduce_mean(real, [-3, -2], keepdims=True)
        moved = (real - mean) * e.cast(convert_to_tensor(contrast_factor), real.dtype) + mean
        return convert_image_dtype(moved, x.dtype, saturate=True) if x.dtype.is_integer else e.identity(moved, scope)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """``gain x^gamma`` of pixels from 0 to 1."""
    if not is_tensor_like(gamma) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    x = convert_to_tensor(image)
    with graph_of([x]).name_scope("adjust_gamma"):
        real = convert_image_dtype(x, dtypes.float32) if x.dtype.is_integer else x
        power = e.cast(convert_to_tensor(gamma), real.dtype)
        bright = e.cast(convert_to_tensor(gain), real.dtype) * e.pow(real, power)
        return convert_image_dtype(bright, x.dtype, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """Images of red, green and blue with ``delta`` (from -1 to 1) of a turn added to the hue."""

    def turned(hue: Tensor, saturation: Tensor, value: Tensor) -> list[Tensor]:
        moved = hue + e.cast(convert_to_tensor(delta), hue.dtype)
        return [moved - e.floor(moved), saturation, value]

    return _in_hsv(image, name or "adjust_hue", turned)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """Images of red, green and blue with the saturation times ``saturation_factor``."""

    def scaled(hue: Tensor, saturation: Tensor, value: Tensor) -> list[Tensor]:
        more = saturation * e.cast(convert_to_tensor(saturation_factor), hue.dtype)
        one, zero = convert_to_tensor(1, hue.dtype), convert_to_tensor(0, hue.dtype)
        return [hue, e.minimum(e.maximum(more, zero), one), value]

    return _in_hsv(image, name or "adjust_saturation", scaled)


def _in_hsv(image: Any, called: str, change: Any) -> Tensor:
    x = convert_to_tensor(image)
    with graph_of([x]).name_scope(called):
        real = convert_image_dtype(x, dtypes.float32) if x.dtype.is_integer else x
        parts = unstack(rgb_to_hsv(real), axis=-1, num=3)
        return convert_image_dtype(hsv_to_rgb(stack(change(*parts), axis=-1)), x.dtype)


@telling_line
def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """Images with a drawn brightness added, from ``-max_delta`` to ``max_delta``."""
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


@telling_line
def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Images with a drawn contrast, from ``lower`` to ``upper``."""
    _check_range(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


@telling_line
def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """Images with their hue turned by a drawn part, from ``-max_delta`` to ``max_delta``."""
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


@telling_line
def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Images with a drawn saturation, from ``lower`` to ``upper``."""
    _check_range(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


def _check_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


@telling_line
def per_image_standardization(image: Any) -> Tensor:
    """``(x - mean) / max(stddev, 1 / sqrt(elements))`` of each image; gives float32."""
    x = images_of(image, "per_image_standardization")
    with graph_of([x]).name_scope("per_image_standardization") as scope:
        real = e.cast(x, dtypes.float32)
        axes = [-3, -2, -1]
        mean = reduce_mean(real, axes, keepdims=True)
        variance = reduce_mean(e.square(real - mean), axes, keepdims=True)
        sizes: Any = x.type.shape[-3:]  # type: ignore[index]
        elements: Any
        if all(isinstance(size, int) for size in sizes):
            elements = np.float32(np.prod(sizes))
        else:
            first: Any = 0 if x.type.rank == 3 else 1
            elements = e.cast(count(x, tuple(range(first, first + 3)), dtypes.int32), dtypes.float32)
        least = e.rsqrt(convert_to_tensor(elements))
        return e.realdiv(real - mean, e.maximum(e.sqrt(variance), least), name=scope)
