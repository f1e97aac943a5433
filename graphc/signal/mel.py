"""Spectra by the pitch that is heard: the mel scale, and cepstral coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor, graph_of
from graphc.ops.shape_values import static_sizes
from graphc.signal.fourier import dct
from graphc.signal.frames import size_along


def linear_to_mel_weight_matrix(
    num_mel_bins: Any = 20, num_spectrogram_bins: Any = 129, sample_rate: Any = 8000, lower_edge_hertz: Any = 125.0,
    upper_edge_hertz: Any = 3800.0, dtype: Any = dtypes.float32, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The matrix ``[num_spectrogram_bins, num_mel_bins]`` that sums a spectrum in triangles that are even in mel.

    ``mel = 1127 log(1 + hertz / 700)``: D. O'Shaughnessy, Speech Communication (1987). The first bin counts nothing.
    """
    wanted = dtypes.as_dtype(dtype)
    bands, bins = _number(num_mel_bins, "num_mel_bins"), _number(num_spectrogram_bins, "num_spectrogram_bins")
    rate, lower, upper = float(sample_rate), float(lower_edge_hertz), float(upper_edge_hertz)
    _check(bands, rate, lower, upper, wanted)
    places = _mel(np.linspace(0, rate / 2, bins)[1:])[:, None]
    edges = np.linspace(_mel(lower), _mel(upper), bands + 2)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((places - left) / (middle - left), (right - places) / (right - middle))
    whole = np.pad(np.maximum(weights, 0), [(1, 0), (0, 0)])
    return constant(whole.astype(wanted.numpy), name=name or "linear_to_mel_weight_matrix")


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def _number(value: Any, called: str) -> int:
    known = static_sizes(value)
    if known is None or len(known) != 1 or known[0] is None:
        raise ValueError(f"{called} must be known while declaring, not {value!r}")
    return int(known[0])  # type: ignore[arg-type]


def _check(bands: int, rate: float, lower: float, upper: float, dtype: Any) -> None:
    if bands <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {bands}")
    if rate <= 0:
        raise ValueError(f"sample_rate must be positive. Got: {rate}")
    if lower < 0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower}")
    if lower >= upper:
        raise ValueError(f"lower_edge_hertz {lower:.1f} >= upper_edge_hertz {upper:.1f}")
    if upper > rate / 2:
        raise ValueError(
            "upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). "
            f"Got: {upper} for sample_rate: {rate}"
        )
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype!r}")


@telling_line
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """The cosine transform of type II over the last axis, divided by ``sqrt(2 n)``.

    S. Davis and P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition (1980).
    """
    x = convert_to_tensor(log_mel_spectrograms, preferred_dtype=dtypes.float32)
    if x.type.rank is None:
        raise ValueError(f"mfccs_from_log_mel_spectrograms needs a known rank, not {x.type}")
    with graph_of([x]).name_scope(name or "mfccs_from_log_mel_spectrograms"):
        bands = size_along(x, x.type.rank - 1)
        if isinstance(bands, int) and bands == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {x.type}")
        return dct(x) * e.rsqrt(2.0 * e.cast(bands, x.dtype))
