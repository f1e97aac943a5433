"""Colours of pixels, along the last axis: their dtypes, grey, hue and saturation, and television's spaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.composites import saturate_cast
from graphc.image.checks import channels
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack, tile, unstack
from graphc.ops.base import check_dtype, constant, convert_to_tensor, graph_of
from graphc.ops.contraction import tensordot
from graphc.ops.reduction import reduce_max, reduce_min

# Weights of red, green and blue in the brightness that the eye sees (ITU-R BT.601).
GREY = (0.2989, 0.587, 0.114)
YIQ = ((0.299, 0.59590059, 0.2115), (0.587, -0.27455667, -0.52273617), (0.114, -0.32134392, 0.31119955))
YIQ_BACK = ((1.0, 1.0, 1.0), (0.95598634, -0.27201283, -1.10674021), (0.6208248, -0.64720424, 1.70423049))
YUV = ((0.299, -0.14714119, 0.61497538), (0.587, -0.28886916, -0.51496512), (0.114, 0.43601035, -0.10001026))
YUV_BACK = ((1.0, 1.0, 1.0), (0.0, -0.394642334, 2.03206185), (1.13988303, -0.58062185, 0.0))


@telling_line
def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Pixels in another dtype and its range: floats from 0 to 1, whole numbers from 0 to their greatest.

    Whole numbers are scaled by the ratio of the ranges; ``saturate`` keeps what would leave the range at its end.
    """
    x, wanted = convert_to_tensor(image), dtypes.as_dtype(dtype)
    if x.dtype is wanted:
        return x
    with graph_of([x]).name_scope(name or "convert_image") as scope:
        if x.dtype.is_integer and wanted.is_integer:
            return _between_whole_numbers(x, wanted, saturate, scope)
        if x.dtype.is_floating and wanted.is_floating:
            return e.cast(x, wanted, name=scope)
        if x.dtype.is_integer:
            return e.multiply(e.cast(x, wanted), constant(1.0 / x.dtype.max, wanted), name=scope)
        scaled = e.multiply(x, constant(wanted.max + 0.5, x.dtype))  # cut off, that is rounded
        return saturate_cast(scaled, wanted, name=scope) if saturate else e.cast(scaled, wanted, name=scope)


def _between_whole_numbers(x: Tensor, wanted: Any, saturate: bool, scope: str) -> Tensor:
    if x.dtype.max > wanted.max:
        factor = (x.dtype.max + 1) // (wanted.max + 1)
        scaled = e.floordiv(x, convert_to_tensor(factor, x.dtype))
        return saturate_cast(scaled, wanted, name=scope) if saturate else e.cast(scaled, wanted, name=scope)
    factor = (wanted.max + 1) // (x.dtype.max + 1)
    wide = saturate_cast(x, wanted) if saturate else e.cast(x, wanted)
    return e.multiply(wide, convert_to_tensor(factor, wanted), name=scope)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """The brightness of red, green and blue, as one channel, in the images' dtype."""
    x = channels(convert_to_tensor(images), 3, "rgb_to_grayscale")
    with graph_of([x]).name_scope(name or "rgb_to_grayscale") as scope:
        real = convert_image_dtype(x, dtypes.float32)
        grey = tensordot(real, constant(np.array(GREY, np.float32)), [[-1], [-1]])[..., None]
        return e.identity(convert_image_dtype(grey, x.dtype), name=scope)


@telling_line
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """One channel three times."""
    x = channels(convert_to_tensor(images), 1, "grayscale_to_rgb")
    if x.type.rank is None:
        raise ValueError("grayscale_to_rgb needs to know how many axes its images have")
    return tile(x, [*[1] * (x.type.rank - 1), 3], name=name or "grayscale_to_rgb")


@telling_line
def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value of red, green and blue; all from 0 to 1."""
    x = channels(convert_to_tensor(images), 3, "rgb_to_hsv")
    check_dtype(x.type, dtypes.FLOATS, "the images of rgb_to_hsv")
    with graph_of([x]).name_scope(name or "RGBToHSV") as scope:
        red, green, blue = unstack(x, axis=-1, num=3)
        value, least = reduce_max(x, -1), reduce_min(x, -1)
        spread = value - least
        zero, one = convert_to_tensor(0, x.dtype), convert_to_tensor(1, x.dtype)
        saturation = e.select(e.greater(value, zero), spread / e.select(e.greater(value, zero), value, one), zero)
        scale = 1.0 / (6.0 * e.select(e.greater(spread, zero), spread, one))
        of_red, of_green = scale * (green - blue), scale * (blue - red) + 2.0 / 6
        of_blue = scale * (red - green) + 4.0 / 6
        hue = e.select(e.equal(red, value), of_red, e.select(e.equal(green, value), of_green, of_blue))
        hue = e.select(e.greater(spread, zero), hue, zero)
        hue = e.select(e.less(hue, zero), hue + 1.0, hue)
        return stack([hue, saturation, value], axis=-1, name=scope)


@telling_line
def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Red, green and blue of hue, saturation and value."""
    x = channels(convert_to_tensor(images), 3, "hsv_to_rgb")
    check_dtype(x.type, dtypes.FLOATS, "the images of hsv_to_rgb")
    with graph_of([x]).name_scope(name or "HSVToRGB") as scope:
        hue, saturation, value = unstack(x, axis=-1, num=3)
        sixths, zero = hue * 6.0, convert_to_tensor(0, x.dtype)
        parts = (e.abs(sixths - 3.0) - 1.0, 2.0 - e.abs(sixths - 2.0), 2.0 - e.abs(sixths - 4.0))
        shares = [e.minimum(e.maximum(part, zero), convert_to_tensor(1, x.dtype)) for part in parts]
        return stack([(1.0 + saturation * (share - 1.0)) * value for share in shares], axis=-1, name=scope)


def _turned(images: Any, matrix: Any, called: str) -> Tensor:
    """The channels of each pixel times a matrix."""
    x = channels(convert_to_tensor(images), 3, called)
    check_dtype(x.type, dtypes.FLOATS, f"the images of {called}")
    if x.type.rank is None:
        raise ValueError(f"{called} needs to know how many axes its images have")
    return tensordot(x, constant(np.array(matrix), x.dtype), [[x.type.rank - 1], [0]], name=called)


@telling_line
def rgb_to_yiq(images: Any) -> Tensor:
    """Red, green and blue as brightness and two differences, as in NTSC."""
    return _turned(images, YIQ, "rgb_to_yiq")


@telling_line
def yiq_to_rgb(images: Any) -> Tensor:
    """The inverse of :func:`rgb_to_yiq`."""
    return _turned(images, YIQ_BACK, "yiq_to_rgb")


@telling_line
def rgb_to_yuv(images: Any) -> Tensor:
    """Red, green and blue as brightness and two differences, as in PAL."""
    return _turned(images, YUV, "rgb_to_yuv")


@telling_line
def yuv_to_rgb(images: Any) -> Tensor:
    """The inverse of :func:`rgb_to_yuv`."""
    return _turned(images, YUV_BACK, "yuv_to_rgb")
