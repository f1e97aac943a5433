"""What a summary says of a value: histograms, pictures and sounds as TensorFlow's files hold them."""

from __future__ import annotations

import math
import struct
import sys
import zlib
from functools import cache
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.exchange.schema import message

Array = np.ndarray[Any, Any]

LARGEST = sys.float_info.max
NEARLY_ZERO = 1e-6  # a picture whose greatest value is below this is black
BAD_PIXEL = (255, 0, 0, 255)  # what stands for a pixel that is not a number: red


@cache
def bucket_limits() -> Array:
    """Upper limits of a histogram's buckets: 0, and 1e-12 times powers of 1.1 up to 1e20, of both signs."""
    positive, limit = [], 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(LARGEST)
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


def histogram(values: Array, tag: str) -> Any:
    """A HistogramProto: counts in buckets, of which each run of empty ones is kept as one."""
    ordered = np.sort(values, axis=None).astype(np.float64)  # not-a-number comes last
    if ordered.size and not (math.isfinite(ordered[0]) and math.isfinite(ordered[-1])):
        what = "Nan" if math.isnan(ordered[-1]) else "Infinity"
        raise errors.InvalidArgumentError(None, None, f"{what} in summary histogram for: {tag}")
    limits = bucket_limits()
    counts = _counts(ordered, limits)
    kept = counts > 0
    kept[np.flatnonzero(kept) - 1] = True  # the last empty one before each; before the first that is the last of all
    kept[-1] = True
    return message("HistogramProto")(
        min=ordered[0] if ordered.size else LARGEST, max=ordered[-1] if ordered.size else -LARGEST,
        num=ordered.size, sum=ordered.sum(), sum_squares=np.square(ordered).sum(),
        bucket_limit=limits[kept].tolist(), bucket=counts[kept].tolist(),
    )  # fmt: skip


def _counts(ordered: Array, limits: Array) -> Array:
    """How many values each bucket holds: those from the limit before it to below its own; the last, all from there."""
    if ordered.size < limits.size:  # few values look for their buckets, many are cut at the limits
        places = limits.searchsorted(ordered, side="right")
        return np.bincount(np.minimum(places, limits.size - 1), minlength=limits.size)
    ends = ordered.searchsorted(limits)
    ends[-1] = ordered.size
    ends[1:] -= ends[:-1].copy()
    return ends


def image(pixels: Array) -> Any:
    """A Summary.Image of [height, width, channels]: bytes as they are, floats scaled to fit."""
    if pixels.dtype != np.uint8:
        pixels = _scaled(np.asarray(pixels, np.float32))
    height, width, channels = pixels.shape
    return message("Summary").Image(height=height, width=width, colorspace=channels, encoded_image_string=_png(pixels))


def _scaled(pixels: Array) -> Array:
    """Floats as bytes: the greatest becomes 255; where there are negative ones, 0 becomes 128."""
    finite = np.isfinite(pixels).all(axis=-1)
    good = pixels[finite]
    low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 0.0)
    span, offset = (max(abs(low), abs(high)), 128.0) if low < 0 else (high, 0.0)
    scale = 0.0 if span < NEARLY_ZERO else (127.0 if low < 0 else 255.0) / span
    result = np.empty(pixels.shape, np.uint8)
    result[finite] = (good * np.float32(scale) + np.float32(offset)).astype(np.uint8)
    result[~finite] = BAD_PIXEL[: pixels.shape[-1]]
    return result


def _png(pixels: Array) -> bytes:
    """A PNG file of bytes [height, width, 1, 3 or 4] (W3C's Portable Network Graphics specification)."""
    height, width, channels = pixels.shape
    color = {1: 0, 3: 2, 4: 6}[channels]
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter, 0 for none
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def audio(samples: Array, sample_rate: float) -> Any:
    """A Summary.Audio of [frames, channels] in -1..1, as a WAV file of 16-bit numbers."""
    frames, channels = samples.shape
    scaled = np.asarray(samples, np.float32) * np.float32(1 << 15)
    # Halves are rounded away from zero, as C's roundf does.
    rounded = np.clip(np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled), -(1 << 15), (1 << 15) - 1)
    data = rounded.astype("<i2").tobytes()
    rate = round(sample_rate)
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return message("Summary").Audio(
        sample_rate=sample_rate, num_channels=channels, length_frames=frames, content_type="audio/wav",
        encoded_audio_string=b"RIFF" + struct.pack("<I", len(body)) + body,
    )  # fmt: skip


def tensor(value: Array, dtype: dtypes.DType) -> Any:
    """A TensorProto."""
    found = message("TensorProto")(dtype=dtype.as_datatype_enum)
    for size in np.shape(value):
        found.tensor_shape.dim.add(size=size)
    if not np.ndim(value):
        found.tensor_shape.SetInParent()
    if dtype.is_string:
        found.string_val.extend(np.ravel(value).tolist())
    else:
        found.tensor_content = np.ascontiguousarray(value).tobytes()
    return found
