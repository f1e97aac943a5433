"""What TensorFlow need not be asked about images: sizes known late, batches that are symbols, draws, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(4)
IMAGES = RNG.uniform(0, 1, (3, 6, 5, 3)).astype(np.float32)


def _run(build: Callable[[Any], Any], images: Any, shape: Any = None) -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(images.dtype, images.shape if shape is None else shape)
        y = build(x)
    with tf.Session(graph=graph) as session:
        return session.run(y, {x: images})


RESIZES = [tf.image.resize_bilinear, tf.image.resize_nearest_neighbor, tf.image.resize_bicubic, tf.image.resize_area]
# Each with values and the gradient of their squares, for known and for unknown sizes.
SAME: list[Callable[[Any], Any]] = [
    *(lambda x, resize=resize: resize(x, [4, 9]) for resize in RESIZES),
    lambda x: tf.image.resize_images(x, [4, 9]),
    lambda x: tf.image.crop_to_bounding_box(x, 1, 1, 3, 2),
    lambda x: tf.image.pad_to_bounding_box(x, 1, 2, 9, 8),
    lambda x: tf.image.resize_image_with_crop_or_pad(x, 4, 9),
    lambda x: tf.image.central_crop(x, 0.5),
    lambda x: tf.image.rot90(x, 3),
    lambda x: tf.image.per_image_standardization(x),
    lambda x: tf.image.adjust_hue(x, 0.2),
    lambda x: tf.image.adjust_contrast(x, 1.5),
    lambda x: tf.image.rgb_to_grayscale(x),
    lambda x: tf.image.total_variation(x),
    lambda x: tf.image.crop_and_resize(x, [[0.1, 0.2, 0.8, 0.9]], [1], [3, 2]),
    lambda x: tf.image.draw_bounding_boxes(x, tf.constant([[[0.1, 0.2, 0.8, 0.9]]] * 3)),
]


@pytest.mark.parametrize("number", range(len(SAME)))
def test_known_and_unknown_sizes_agree(number: int) -> None:
    def build(x: Any) -> Any:
        y = SAME[number](x)
        return [y, tf.convert_to_tensor(tf.gradients(y * y, x)[0])]

    known = _run(build, IMAGES)
    for shape in ([None, 6, 5, 3], [None, None, None, 3]):
        for came, wanted in zip(_run(build, IMAGES, shape), known, strict=True):
            assert np.allclose(came, wanted, atol=1e-5)


def test_one_compilation_serves_every_batch() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 6, 5, 3])
        y = tf.image.resize_bilinear(x, [3, 4])
    with tf.Session(graph=graph) as session:
        for batch in (1, 2, 5, 3):
            assert session.run(y, {x: np.ones((batch, 6, 5, 3))}).shape == (batch, 3, 4, 3)


def test_a_size_that_is_fed_where_it_is_known_in_the_graph() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, None, 3])
        y = tf.image.resize_bilinear(x, 2 * tf.shape(x)[1:3])
        assert session.run(y, {x: IMAGES}).shape == (3, 12, 10, 3)
        assert session.run(y, {x: IMAGES[:, :4]}).shape == (3, 8, 10, 3)


def test_whole_pixels_are_kept_and_empty_batches_pass() -> None:
    same = _run(lambda x: tf.image.resize_bilinear(x, [6, 5], align_corners=True), IMAGES)
    assert np.array_equal(same, IMAGES)
    assert _run(lambda x: tf.image.resize_bicubic(x, [2, 2]), IMAGES[:0]).shape == (0, 2, 2, 3)
    flat = np.full((1, 4, 4, 1), 7, np.uint8)
    assert np.array_equal(_run(lambda x: tf.image.resize_area(x, [3, 2]), flat), np.full((1, 3, 2, 1), 7.0))


def test_draws_stay_in_their_ranges() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(IMAGES)
        y = [
            tf.image.random_flip_left_right(x, seed=1), tf.image.random_brightness(x, 0.2, seed=2),
            tf.image.random_contrast(x, 0.5, 1.5, seed=3), tf.image.random_hue(x, 0.3, seed=4),
            tf.image.random_saturation(x, 0.5, 1.5, seed=5), tf.image.random_flip_up_down(x[0], seed=6),
        ]  # fmt: skip
        runs = [session.run(y) for _ in range(12)]
    mirrored = [tuple(np.array_equal(a, b[:, ::-1]) for a, b in zip(run[0], IMAGES, strict=True)) for run in runs]
    assert len(set(mirrored)) > 1
    for a, b in ((a, b) for run in runs for a, b in zip(run[0], IMAGES, strict=True)):
        assert np.array_equal(a, b[:, ::-1]) or np.array_equal(a, b)
    moved = [float(np.mean(run[1] - IMAGES)) for run in runs]
    assert max(map(abs, moved)) <= 0.2 and len({round(m, 6) for m in moved}) == 12
    assert {bool(np.array_equal(run[5], IMAGES[0])) for run in runs} == {True, False}


def test_random_crops_cover_what_they_must() -> None:
    box = [0.2, 0.3, 0.8, 0.7]
    with tf.Graph().as_default(), tf.Session() as session:
        begin, size, corners = tf.image.sample_distorted_bounding_box(
            [60, 80, 3], [[box]], seed=3, min_object_covered=0.5, area_range=(0.2, 0.9), aspect_ratio_range=(0.5, 2.0)
        )
        part = tf.slice(tf.zeros([60, 80, 3]), begin, size)
        found = [session.run([begin, size, corners]) for _ in range(30)]
        assert part.shape.ndims == 3
    assert len({tuple(f[0]) for f in found}) > 5
    for first, lengths, where in found:
        y, x, rows, columns = first[0], first[1], lengths[0], lengths[1]
        assert first[2] == 0 and lengths[2] == -1
        assert 0 <= y <= y + rows <= 60 and 0 <= x <= x + columns <= 80
        assert np.allclose(where[0, 0], [y / 60, x / 80, (y + rows) / 60, (x + columns) / 80])
        assert 0.19 <= rows * columns / 4800 <= 0.91 and 0.45 <= columns / rows <= 2.2
        tall = min(y + rows, box[2] * 60) - max(y, box[0] * 60)
        wide = min(x + columns, box[3] * 80) - max(x, box[1] * 80)
        assert tall * wide >= 0.5 * (36 * 32) * 0.999


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: tf.image.resize_images(tf.zeros([4, 4]), [2, 2]), "3 or 4 dimensions"),
    (lambda: tf.image.resize_images(tf.zeros([4, 4, 3]), [2]), "2 elements"),
    (lambda: tf.image.resize_images(tf.zeros([4, 4, 3]), [2, 3], method=9), "not implemented: 9"),
    (lambda: tf.image.resize_bilinear(tf.zeros([1, 4, 4, 3]), [2, 0]), "must be positive"),
    (lambda: tf.image.resize_bilinear(tf.zeros([1, 0, 4, 3]), [2, 2]), "non-zero size"),
    (lambda: tf.image.resize_bilinear(tf.zeros([1, 4, 4, 3]), [2, 2], True, None, True), "align_corners must be False"),
    (lambda: tf.image.crop_to_bounding_box(tf.zeros([4, 4, 3]), 2, 0, 3, 4), "height must be >= target"),
    (lambda: tf.image.pad_to_bounding_box(tf.zeros([4, 4, 3]), 2, 0, 5, 4), "height must be <= target"),
    (lambda: tf.image.central_crop(tf.zeros([4, 4, 3]), 1.5), "central_fraction"),
    (lambda: tf.image.rgb_to_hsv(tf.zeros([4, 4, 2])), "3 channels"),
    (lambda: tf.image.random_contrast(tf.zeros([4, 4, 3]), 2.0, 1.0), "upper must be > lower"),
    (lambda: tf.image.random_hue(tf.zeros([4, 4, 3]), 0.7), "max_delta"),
    (lambda: tf.image.ssim(tf.zeros([1, 4, 4, 3]), tf.zeros([1, 4, 4, 3]), 1.0), "at least 11 pixels"),
    (lambda: tf.image.crop_and_resize(tf.zeros([1, 4, 4, 3]), [[0.0, 0, 1]], [0], [2, 2]), "boxes"),
]


@pytest.mark.parametrize("build, text", WRONG, ids=[text for _, text in WRONG])
def test_mistakes_are_named_while_declaring(build: Callable[[], Any], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build()


def test_a_box_of_no_image_is_an_error_of_the_run() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not in \[0, 3\)"):
        _run(lambda x: tf.image.crop_and_resize(x, [[0.0, 0, 1, 1]], [5], [2, 2]), IMAGES)


def test_images_turned_and_moved() -> None:
    square = IMAGES[:, :5]
    turned = _run(lambda x: tf.contrib.image.rotate(x, np.pi / 2), square)
    assert np.allclose(turned, np.rot90(square, 1, (1, 2)))
    half = _run(lambda x: tf.contrib.image.rotate(x, [np.pi], "BILINEAR"), square)
    assert np.allclose(half, square[:, ::-1, ::-1], atol=1e-4)
    moved = _run(lambda x: tf.contrib.image.translate(x, [2, -1]), square)
    assert (
        np.array_equal(moved[:, :-1, 2:], square[:, 1:, :-2]) and not moved[:, -1].any() and not moved[:, :, :2].any()
    )
    back = _run(lambda x: tf.gradients(tf.contrib.image.translate(x, [2, -1]), x)[0], square)
    assert back.sum() == moved[:, :-1, 2:].size
    one = _run(lambda x: tf.contrib.image.transform(x, [1.0, 0, 1, 0, 1, 0, 0, 0]), square[0, :, :, 0])
    assert np.array_equal(one[:, :-1], square[0, :, 1:, 0])
