"""Text, bytes and images as TensorFlow has them, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf

pytestmark = pytest.mark.peer("tensorflow")


def both(declare: Any) -> tuple[Any, Any]:
    """The value of what ``declare`` makes with graphc, and with TensorFlow."""
    import tensorflow

    with tf.Graph().as_default(), tf.Session() as session:
        ours = session.run(declare(tf))
    v1 = tensorflow.compat.v1
    with tensorflow.Graph().as_default(), v1.Session() as session:
        return ours, session.run(declare(v1))


def texts(seed: int, count: int, longest: int, letters: bytes) -> list[bytes]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, longest, count)
    return [bytes(rng.choice(list(letters), length).tolist()) for length in lengths]


def test_fingerprints_of_all_lengths() -> None:
    words = [bytes(range(256))[:n] * (1 + n // 256) for n in range(200)] + texts(0, 200, 700, bytes(range(256)))
    ours, theirs = both(lambda lib: lib.string_to_hash_bucket_fast(words, 2**62 + 1))
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("sep", [" ", ", ", "", "ab"])
def test_splits(sep: str) -> None:
    lines = texts(1, 100, 20, b"ab, c")
    for declare in (
        lambda lib: lib.string_split(lines, sep),
        lambda lib: lib.string_split(lines, sep, skip_empty=False),
        lambda lib: lib.strings.split(lines, sep=sep),
    ):
        ours, theirs = both(declare)
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_numbers_as_text_and_back() -> None:
    numbers = np.float32(np.random.default_rng(2).normal(0, 1, 50) * 10.0 ** np.arange(-20, 30))
    for options in ({}, {"scientific": True}, {"shortest": True}, {"precision": 3}, {"width": 20, "fill": "0"}):
        ours, theirs = both(lambda lib, o=options: lib.as_string(numbers, **o))  # type: ignore[misc]
        assert ours.tolist() == theirs.tolist(), options
    words = [repr(float(number)) for number in numbers]
    for ours, theirs in (
        both(lambda lib, d=d: lib.string_to_number(words, getattr(lib, d))) for d in ("float32", "float64")
    ):
        assert np.array_equal(ours, theirs)


def test_edit_distances() -> None:
    lines = texts(3, 60, 9, b"abc")
    ours, theirs = both(
        lambda lib: lib.edit_distance(lib.string_split(lines[:30], ""), lib.string_split(lines[30:], ""))
    )
    assert ours.tolist() == theirs[: len(ours)].tolist()


@pytest.mark.parametrize("channels", [0, 1, 3])
def test_jpeg_pixels(channels: int) -> None:
    grid = np.indices((40, 56)).sum(0)
    pixels = np.stack([grid * 2, 255 - grid * 2, grid % 64 * 3], -1).astype(np.uint8)
    jpeg = both(lambda lib: lib.image.encode_jpeg(pixels))
    for file in jpeg:
        ours, theirs = both(lambda lib, f=file: lib.image.decode_jpeg(f, channels=channels))  # type: ignore[misc]
        # their inverse cosine transform is a faster and coarser one
        assert ours.shape == theirs.shape and np.abs(ours.astype(int) - theirs).mean() < 1.5


def test_png_bytes_and_pixels() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (9, 7, 4)).astype(np.uint8)
    files = both(lambda lib: lib.image.encode_png(pixels))
    for file in files:
        for channels in (0, 3, 4):
            ours, theirs = both(lambda lib, f=file, c=channels: lib.image.decode_png(f, channels=c))  # type: ignore[misc]
            assert np.array_equal(ours, theirs)
