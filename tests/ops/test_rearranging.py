"""Composites that move, count and look up elements: the same with unknown sizes, and as TensorFlow has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc.graph import Graph
from tests.ops.harness import assert_close
from tests.ops.peer import Program, compare, run

RNG = np.random.default_rng(0)


def _floats(*shape: int) -> Any:
    return RNG.uniform(-2, 2, shape).astype(np.float32)


IDS = np.array([[0, 2], [3, 1], [2, 2]], np.int32)
ROWS = np.sort(RNG.integers(0, 9, (2, 7)), 1).astype(np.float32)
NUMBERS = np.array([3, 0, 3, 5, 1, 3, 0], np.int32)

PROGRAMS: dict[str, tuple[Program, list[Any]]] = {
    "space_to_depth": (lambda tf, x: tf.space_to_depth(x, 2), [_floats(2, 4, 6, 3)]),
    "depth_to_space": (lambda tf, x: tf.depth_to_space(x, 2), [_floats(2, 3, 2, 12)]),
    "space_to_batch_nd": (
        lambda tf, x: tf.space_to_batch_nd(x, [2, 3], [[1, 0], [0, 2]]), [_floats(2, 5, 4, 3)]),
    "space_to_batch_nd of one axis": (lambda tf, x: tf.space_to_batch_nd(x, [2], [[0, 0]]), [_floats(2, 4, 3)]),
    "batch_to_space_nd": (
        lambda tf, x: tf.batch_to_space_nd(x, [2, 3], [[1, 0], [0, 2]]), [_floats(12, 3, 2, 3)]),
    "space_to_batch": (lambda tf, x: tf.space_to_batch(x, [[0, 0], [1, 1]], 2), [_floats(2, 4, 4, 3)]),
    "batch_to_space": (lambda tf, x: tf.batch_to_space(x, [[0, 0], [1, 1]], 2), [_floats(8, 2, 3, 3)]),
    "matrix_diag": (lambda tf, x: tf.matrix_diag(x), [_floats(2, 4)]),
    "matrix_diag_part": (
        lambda tf, x, y: [tf.matrix_diag_part(x), tf.matrix_diag_part(y)], [_floats(2, 4, 3), _floats(3, 4)]),
    "matrix_set_diag": (lambda tf, x, d: tf.matrix_set_diag(x, d), [_floats(2, 3, 4), _floats(2, 3)]),
    "matrix_band_part": (
        lambda tf, x: [tf.matrix_band_part(x, 1, 0), tf.matrix_band_part(x, -1, 1), tf.matrix_band_part(x, 0, -1)],
        [_floats(2, 4, 5)]),
    "diag": (lambda tf, x, y: [tf.diag(x), tf.diag(y)], [_floats(4), _floats(2, 3)]),
    "diag_part": (lambda tf, x, y: [tf.diag_part(x), tf.diag_part(y)], [_floats(4, 4), _floats(2, 3, 2, 3)]),
    "trace and cross": (lambda tf, x, y: [tf.trace(x), tf.cross(x, y)], [_floats(2, 4, 3), _floats(2, 4, 3)]),
    "roll": (lambda tf, x: [tf.roll(x, 2, 0), tf.roll(x, [-1, 7], [1, 0])], [_floats(5, 4)]),
    "sort": (lambda tf, x: [tf.sort(x, 0), tf.sort(x, 1, "DESCENDING")], [_floats(5, 4)]),
    "argsort": (lambda tf, x: [tf.argsort(x, 0), tf.argsort(x, 1, "DESCENDING")], [NUMBERS.reshape(1, 7) % 4]),
    "top_k": (lambda tf, x: tf.nn.top_k(x, 20), [_floats(2, 25)]),
    "invert_permutation": (lambda tf, x: tf.invert_permutation(x), [np.array([2, 0, 3, 1], np.int32)]),
    "searchsorted": (
        lambda tf, x, v: [tf.searchsorted(x, v), tf.searchsorted(x, v, "right", tf.int64)],
        [ROWS, RNG.integers(-1, 10, (2, 6)).astype(np.float32)]),
    "unravel_index": (lambda tf, i: tf.unravel_index(i, [3, 4, 5]), [np.array([0, 59, 23], np.int32)]),
    "histogram": (
        lambda tf, x: [tf.histogram_fixed_width(x, [0.0, 1.5], 5), tf.histogram_fixed_width_bins(x, [0.0, 1.5], 5)],
        [_floats(20)]),
    "bincount": (
        lambda tf, i: [tf.bincount(i, minlength=8, maxlength=8), tf.bincount(i, minlength=2, maxlength=2)], [NUMBERS]),
    "bincount of weights": (
        lambda tf, i, w: tf.reshape(tf.bincount(i, w, 7, 7), [7]), [NUMBERS, _floats(7)]),
    "broadcast_dynamic_shape": (
        lambda tf, a, b: tf.broadcast_dynamic_shape(tf.shape(a), tf.shape(b)), [_floats(3, 1, 2), _floats(4, 1)]),
    "gather in batches": (lambda tf, x, i: tf.gather(x, i, batch_dims=1, axis=2), [_floats(3, 2, 4), IDS]),
    "gather_nd in batches": (lambda tf, x, i: tf.gather_nd(x, i, batch_dims=1), [_floats(3, 4, 3), IDS]),
    "segments": (
        lambda tf, x: [tf.unsorted_segment_max(x, [2, -1, 0, 2], 3), tf.unsorted_segment_prod(x, [1, 1, 0, 1], 2),
                       tf.unsorted_segment_sqrt_n(x, [0, 0, 2, 0], 4)],
        [np.array([[0, 1], [2, 0], [0, 0], [0, 3]], np.float32)]),
    "extract_image_patches": (
        lambda tf, x: [tf.extract_image_patches(x, [1, 3, 2, 1], [1, 2, 1, 1], [1, 1, 2, 1], padding)
                       for padding in ("SAME", "VALID")],
        [_floats(2, 5, 6, 3)]),
    "max_pool_with_argmax": (
        lambda tf, x: [part for padding in ("SAME", "VALID")
                       for part in tf.nn.max_pool_with_argmax(x, [1, 3, 2, 1], [1, 2, 2, 1], padding)],
        [_floats(2, 5, 6, 3)]),
    "lrn": (lambda tf, x: tf.nn.lrn(x, 2, 1.0, 0.5, 0.7), [_floats(2, 3, 2, 7)]),
    "embedding_lookup of parts": (
        lambda tf, a, b: [tf.nn.embedding_lookup([a, b], IDS, strategy, max_norm=limit)
                          for strategy in ("mod", "div") for limit in (None, 1.5)],
        [_floats(2, 3), _floats(2, 3)]),
}  # fmt: skip
NOT_DIFFERENTIABLE = {"bincount of weights"}  # in TensorFlow


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_tensorflow_gives_the_same(name: str) -> None:
    compare(*PROGRAMS[name], gradients=name not in NOT_DIFFERENTIABLE)


KNOWN_SIZES = {"embedding_lookup of parts", "lrn"}  # the sizes of parts, and the number of channels, decide


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in KNOWN_SIZES])
def test_unknown_sizes_give_the_same(name: str) -> None:
    program, arrays = PROGRAMS[name]
    wanted = run(graphc, Graph(), program, arrays, gradients=False)
    with Graph().as_default() as graph:
        inputs = [graphc.placeholder(array.dtype, [None] * array.ndim) for array in arrays]
        outputs = program(graphc, *inputs)
        with graphc.Session(graph=graph) as session:
            came = session.run(outputs, dict(zip(inputs, arrays, strict=True)))
    assert_close(list(came) if isinstance(came, (list, tuple)) else [came], wanted)


def test_channels_first() -> None:
    x = graphc.constant(_floats(2, 3, 4, 6))
    last = graphc.transpose(x, [0, 2, 3, 1])
    deep = graphc.space_to_depth(x, 2, data_format="NCHW")
    with graphc.Session() as session:
        came, wanted, back, first = session.run(
            [deep, graphc.space_to_depth(last, 2), graphc.depth_to_space(deep, 2, data_format="NCHW"), x]
        )
    np.testing.assert_array_equal(came, wanted.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(back, first)


def test_paddings_that_blocks_need() -> None:
    paddings, crops = graphc.required_space_to_batch_paddings([5, 7], [2, 3], [[1, 0], [0, 1]])
    with graphc.Session() as session:
        found = session.run([paddings, crops])
    np.testing.assert_array_equal(found[0], [[1, 0], [0, 2]])
    np.testing.assert_array_equal(found[1], [[0, 0], [0, 1]])
    assert graphc.broadcast_static_shape([3, 1], [4]).as_list() == [3, 4]
    with pytest.raises(ValueError, match="Incompatible shapes for broadcasting"):
        graphc.broadcast_static_shape([3, 2], [4])


def test_counts_without_a_length() -> None:
    with graphc.Session() as session:
        numbers = graphc.placeholder(graphc.int32, [None])
        counted = graphc.bincount(numbers)
        np.testing.assert_array_equal(session.run(counted, {numbers: NUMBERS}), np.bincount(NUMBERS))
        np.testing.assert_array_equal(session.run(counted, {numbers: [1, 1]}), [0, 2])


def test_a_fed_number_of_the_greatest_is_within_the_axis() -> None:
    x, k = graphc.placeholder(graphc.float32, [None]), graphc.placeholder(graphc.int32, [])
    greatest = graphc.nn.top_k(x, k, name="greatest").values
    with graphc.Session() as session:
        assert [session.run(greatest, {x: [1.0, 2.0], k: number}).tolist() for number in (0, 1, 2)] == [[], [2], [2, 1]]
        for number in (3, -1):
            with pytest.raises(graphc.errors.InvalidArgumentError) as caught:
                session.run(greatest, {x: [1.0, 2.0], k: number})
            assert str(caught.value).endswith(
                f"): top_k needs 0 <= k <= last dimension: k = {number} and last dimension = 2"
            )
