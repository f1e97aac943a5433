"""Signals and their spectra: the names of ``tf.signal``."""

from graphc.signal.fourier import (
    dct,
    fft,
    fft2d,
    fft3d,
    idct,
    ifft,
    ifft2d,
    ifft3d,
    irfft,
    irfft2d,
    irfft3d,
    rfft,
    rfft2d,
    rfft3d,
)
from graphc.signal.frames import frame, overlap_and_add
from graphc.signal.mel import linear_to_mel_weight_matrix, mfccs_from_log_mel_spectrograms
from graphc.signal.spectrograms import inverse_stft, inverse_stft_window_fn, stft
from graphc.signal.windows import hamming_window, hann_window

__all__ = [
    "dct",
    "fft",
    "fft2d",
    "fft3d",
    "frame",
    "hamming_window",
    "hann_window",
    "idct",
    "ifft",
    "ifft2d",
    "ifft3d",
    "inverse_stft",
    "inverse_stft_window_fn",
    "irfft",
    "irfft2d",
    "irfft3d",
    "linear_to_mel_weight_matrix",
    "mfccs_from_log_mel_spectrograms",
    "overlap_and_add",
    "rfft",
    "rfft2d",
    "rfft3d",
    "stft",
]
