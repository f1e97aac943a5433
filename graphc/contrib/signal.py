"""``tf.contrib.signal``: what ``tf.signal`` has of frames, windows and spectrograms."""

from graphc.signal.frames import frame, overlap_and_add
from graphc.signal.mel import linear_to_mel_weight_matrix, mfccs_from_log_mel_spectrograms
from graphc.signal.spectrograms import inverse_stft, inverse_stft_window_fn, stft
from graphc.signal.windows import hamming_window, hann_window

__all__ = [
    "frame",
    "hamming_window",
    "hann_window",
    "inverse_stft",
    "inverse_stft_window_fn",
    "linear_to_mel_weight_matrix",
    "mfccs_from_log_mel_spectrograms",
    "overlap_and_add",
    "stft",
]
