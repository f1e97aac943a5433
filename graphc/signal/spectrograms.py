"""Spectra of a signal's overlapping frames, and the signal of such spectra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import tile
from graphc.ops.base import convert_to_tensor, graph_of
from graphc.ops.padding import pad
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape
from graphc.signal.fourier import irfft, rfft
from graphc.signal.frames import frame, overlap_and_add, whole_number
from graphc.signal.windows import hann_window

Window = Callable[..., Any]


def stft(
    signals: Any, frame_length: Any, frame_step: Any, fft_length: Any = None, window_fn: Window | None = hann_window,
    pad_end: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The transforms ``[..., frames, fft_length // 2 + 1]`` of windowed frames of real signals.

    ``fft_length`` is the least power of two that holds a frame, where None; ``window_fn`` gives a window of a length
    and a dtype, None leaves frames as they are.
    """
    x = convert_to_tensor(signals, preferred_dtype=dtypes.float32)
    with graph_of([x]).name_scope(name or "stft"):
        length = whole_number(frame_length, "frame_length")
        frames = frame(x, length, frame_step, pad_end)
        if window_fn is not None:
            frames = frames * window_fn(length, dtype=frames.dtype)
        return rfft(frames, [_transformed(fft_length, length)])


def inverse_stft(
    stfts: Any, frame_length: Any, frame_step: Any, fft_length: Any = None, window_fn: Window | None = hann_window,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The signals whose :func:`stft` this is, where ``window_fn`` is :func:`inverse_stft_window_fn` of its window."""
    x = convert_to_tensor(stfts)
    with graph_of([x]).name_scope(name or "inverse_stft"):
        length = whole_number(frame_length, "frame_length")
        transformed = _transformed(fft_length, length)
        frames = irfft(x, [transformed])
        if length <= transformed:
            frames = frames[..., :length]
        else:
            frames = pad(frames, [[0, 0]] * (frames.type.rank - 1) + [[0, length - transformed]])  # type: ignore[operator]
        if window_fn is not None:
            frames = frames * window_fn(length, dtype=frames.dtype)
        return overlap_and_add(frames, frame_step)


@telling_line
def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Window = hann_window, name: str | None = None
) -> Callable[..., Tensor]:
    """The window that undoes another: divided by the sum of the squares that overlap in each sample.

    D. Griffin and J. Lim, Signal estimation from modified short-time Fourier transform (1984), formula 6.
    """
    step = whole_number(frame_step, "frame_step")

    def inverse_window(frame_length: Any, dtype: Any) -> Tensor:
        length = whole_number(frame_length, "frame_length")
        window = convert_to_tensor(forward_window_fn(length, dtype=dtype))
        with graph_of([window]).name_scope(name or "inverse_stft_window_fn"):
            overlaps = -(-length // step)
            squares = pad(e.square(window), [[0, overlaps * step - length]])
            total = reduce_sum(reshape(squares, [overlaps, step]), 0, keepdims=True)
            return window / reshape(tile(total, [overlaps, 1]), [-1])[:length]

    return inverse_window


def _transformed(fft_length: Any, frame_length: int) -> int:
    return 1 << (frame_length - 1).bit_length() if fft_length is None else whole_number(fft_length, "fft_length")
