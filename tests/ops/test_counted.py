"""Sizes that are told while the step runs: values for many inputs, memory, errors, and the same ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.dims import Measured, atom
from graphc.ops.measured import assumption
from graphc.shapes import TensorType
from tests.ops.peer import compare

RNG = np.random.default_rng(0)
BOXES = np.array(
    [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [1, 0.9, 0, -0.1], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]],
    np.float32,
)
SCORES = np.array([0.9, 0.75, 0.6, 0.95, 0.5, 0.3], np.float32)


def _rows(count: int) -> Any:
    return RNG.standard_normal((count, 3)).astype(np.float32)


def test_one_program_for_any_number_of_rows_and_of_true_ones() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    part = tf.boolean_mask(x, x[:, 0] > 0)
    fetched = [tf.where(x > 0), part, tf.matmul(part, part, transpose_a=True), tf.reduce_max(part, 0), tf.size(part)]
    with tf.Session() as session:
        for count in (9, 4, 2000, 1, 0, 33):
            for value in (_rows(count), -np.abs(_rows(count)), np.abs(_rows(count))):
                kept = value[value[:, 0] > 0]
                places, rows, product, greatest, size = session.run(fetched, {x: value})
                np.testing.assert_array_equal(places, np.argwhere(value > 0))
                np.testing.assert_array_equal(rows, kept)
                np.testing.assert_allclose(product, kept.T @ kept, rtol=1e-4, atol=1e-3)
                np.testing.assert_array_equal(greatest, np.max(kept, 0, initial=-np.inf))
                assert size == kept.size
        (plan,) = session._plans.values()
        assert plan.versions.compilations == 4  # the first size, all others, 1 and 0


def test_what_is_broadcast_to_a_counted_size_decides_it() -> None:
    x, repeats = tf.placeholder(tf.int32, [2]), tf.placeholder(tf.int32, [2])
    rows = tf.repeat(tf.where(x > 0), repeats, 0)
    with tf.Session() as session:
        assert session.run(rows, {x: [5, 6], repeats: [2, 1]}).tolist() == [[0], [0], [1]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not 2, which is the size beside it"):
            session.run(rows, {x: [5, 0], repeats: [2, 1]})


def _scans(x: Any) -> list[Any]:
    """Running products and their like with slopes of both orders, each way."""
    found = []
    for exclusive, reverse in ((False, False), (True, True)):
        product = tf.cumprod(x, 0, exclusive, reverse)
        logarithm = tf.math.cumulative_logsumexp(x, 1, False, reverse)
        slope = tf.gradients(tf.reduce_sum(tf.sin(product) + tf.sin(logarithm)), x)[0]
        found += [product, logarithm, slope, tf.gradients(tf.reduce_sum(slope * slope), x)[0]]
    return found


def test_one_program_scans_axes_of_any_size() -> None:
    x = tf.placeholder(tf.float64, [None, None])
    open, counted = _scans(tf.identity(x)), tf.cumprod(tf.boolean_mask(x, x[:, 0] > 0), 0, reverse=True)
    with tf.Session() as session:
        for rows, columns in ((3, 2), (5, 4), (17, 3), (2, 9), (1, 1)):
            value = np.abs(RNG.standard_normal((rows, columns)))
            value[1:, 1:2] = 0
            with tf.Graph().as_default(), tf.Session() as other:
                exact = other.run(_scans(tf.constant(value)))
            for a, b in zip(session.run(open, {x: value}), exact, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(session.run(counted, {x: value}), np.cumprod(value[::-1], 0)[::-1], rtol=1e-12)
        plan = next(plan for plan in session._plans.values() if len(plan.step.graph.targets) > 1)
        assert plan.versions.compilations == 3  # the first size, all others, 1


def test_what_remains_of_a_counted_size_need_not_be_whole() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    y = tf.reshape(tf.boolean_mask(x, x[:, 0] > 0), [8, -1], name="y")
    with tf.Session() as session:
        for count in (4, 2, 6, 0, 8):
            assert session.run(y, {x: np.ones((count, 4))}).shape == (8, count // 2)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Reshape 'y'"):
            session.run(y, {x: np.ones((3, 4))})


def test_memory_is_planned_for_the_most() -> None:
    x = tf.placeholder(tf.float32, [100, 3])
    kept = tf.exp(tf.boolean_mask(x, x[:, 0] > 0))
    with tf.Session() as session:
        executable = session.compiled(kept, {x: _rows(100)})[0]
        assert 100 * 8 < executable.arena_bytes < 100 * 40


def test_what_is_fetched_is_fed_elsewhere() -> None:
    x = tf.placeholder(tf.float32, [None])
    places = tf.where(x > 0)
    taken = tf.placeholder(tf.int64, [None, 1])
    with tf.Session() as session:
        value = _rows(20)[:, 0]
        found = session.run(places, {x: value})
        assert found.flags.c_contiguous and found.dtype == np.int64
        np.testing.assert_array_equal(session.run(tf.gather_nd(x, taken), {x: value, taken: found}), value[value > 0])


def test_sizes_that_must_be_equal_are_checked() -> None:
    x, mask, other = (tf.placeholder(kind, [None]) for kind in (tf.float32, tf.bool, tf.bool))
    with_three = tf.boolean_mask(x, mask) + tf.constant([1.0, 2.0, 3.0])
    with_other = tf.boolean_mask(x, mask) * tf.boolean_mask(x, other)
    three, two = [True, False, True, True], [True, False, False, True]
    with tf.Session() as session:
        value = np.arange(1, 5)
        np.testing.assert_array_equal(session.run(with_three, {x: value, mask: three}), [2, 5, 7])
        np.testing.assert_array_equal(session.run(with_other, {x: value, mask: two, other: two}), [1, 16])
        for fetch, feeds in ((with_three, {mask: two}), (with_other, {mask: three, other: two})):
            with pytest.raises(tf.errors.InvalidArgumentError, match="told while the step runs"):
                session.run(fetch, {x: value, **feeds})


def test_more_than_ten_sizes_that_must_be_equal() -> None:
    x, y = tf.placeholder(tf.float32, [6]), tf.placeholder(tf.float32, [6])
    firsts = [tf.boolean_mask(x, x > float(limit)) for limit in range(6)]
    sums = [first + tf.boolean_mask(y, y > float(limit)) for limit, first in enumerate(firsts)]
    value = np.arange(6, dtype=np.float32) + 0.5
    with tf.Session() as session:
        for limit, found in enumerate(session.run(sums, {x: value, y: value})):
            np.testing.assert_array_equal(found, 2 * value[value > limit])


def test_inside_of_loops_and_branches() -> None:
    x = tf.placeholder(tf.float32, [None])

    def above(limit: Any) -> Any:
        return tf.reduce_sum(tf.boolean_mask(x, x > limit))

    sums = tf.map_fn(above, tf.constant([0.0, 0.5, 10.0]))
    chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: above(0.0), lambda: above(0.5))
    with tf.Session() as session:
        for count in (6, 11, 17):
            value = _rows(count)[:, 0]
            found, one = session.run([sums, chosen], {x: value})
            wanted = [value[value > limit].sum() for limit in (0, 0.5, 10)]
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
            np.testing.assert_allclose(one, wanted[0 if value.sum() > 0 else 1], rtol=1e-5)


def test_the_gradient_of_a_loop_saves_what_changes_its_size() -> None:
    x = tf.placeholder(tf.float32, [5])
    total = tf.while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, y + tf.reduce_sum(tf.exp(tf.boolean_mask(x * y, x > 0)))), [0, 1.0]
    )[1]
    value, y, slopes = np.array([0.1, 0.2, -0.3, 0.1, 0.05]), 1.0, np.zeros(5)
    for _ in range(3):
        terms = np.where(value > 0, np.exp(value * y), 0)
        slopes, y = slopes + terms * y + (value * terms).sum() * slopes, y + terms.sum()
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(tf.gradients(total, x)[0], {x: value}), slopes, rtol=1e-5)


def test_a_variable_takes_no_measured_value() -> None:
    v = tf.Variable(np.ones(3, np.float32), validate_shape=False)
    with tf.Session() as session:
        session.run(v.initializer)
        assigned = tf.assign(v, tf.boolean_mask([1.0, 2.0], tf.reshape(v, [3])[:2] > 0), validate_shape=False)
        with pytest.raises(tf.errors.UnimplementedError, match="feed it to a step that assigns it"):
            session.run(assigned)


def test_too_much_memory_is_an_error() -> None:
    count = tf.placeholder(tf.int32, [None])
    filled = tf.zeros(tf.stack([tf.reduce_max(count)] * 3)) + tf.cast(tf.reduce_min(count), tf.float32)
    state = tf.Variable(2**31 - 1)
    lines = tf.transpose(tf.random_uniform(tf.stack([state] * 3)))
    with tf.Session() as session:
        session.run(state.initializer)
        for fetch, feeds in ((filled, {count: [2**31 - 1]}), (lines, {})):
            with pytest.raises((tf.errors.ResourceExhaustedError, tf.errors.InvalidArgumentError)):
                session.run(fetch, feeds)


@pytest.mark.parametrize("sizes", [{"batch": 12}, {"max_batch": 40}])
def test_ahead_of_time_the_caller_is_told_how_many(sizes: dict[str, int], tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    part = tf.boolean_mask(x, x[:, 0] > 0, name="part")
    artifact = aot.compile([tf.where(x > 0), part, tf.reduce_sum(part)], [x], tmp_path, **sizes)
    header = artifact.header.read_text()
    most = "12" if "batch" in sizes else "batch"
    assert f" *   m0: counted while it runs, at most {most}, written\n" in header
    assert "f32[m0,3], written\n" in header
    model = artifact.load()
    for value in (_rows(12), -np.abs(_rows(12)), np.abs(_rows(12))):
        places, rows, total = model.step(value)
        np.testing.assert_array_equal(places, np.argwhere(value > 0))
        np.testing.assert_array_equal(rows, value[value[:, 0] > 0])
        np.testing.assert_allclose(total, rows.sum(), rtol=1e-5)


def test_ahead_of_time_what_nothing_bounds_comes_in_memory_of_its_own(tmp_path: Path) -> None:
    lengths, x = tf.placeholder(tf.int32, [4], name="lengths"), tf.placeholder(tf.float32, [2, 2], name="x")
    mask = tf.sequence_mask(lengths, name="mask")
    repeated = tf.gather(x, tf.range(tf.reduce_max(lengths)) // 4, name="repeated")
    artifact = aot.compile([mask, repeated, tf.reduce_sum(x, name="total")], [lengths, x], tmp_path)
    header = artifact.header.read_text()
    assert "uint8_t **mask, float **repeated, float *total, int64_t *m0, int64_t *m1);" in " ".join(header.split())
    assert " *   m0: counted while it runs, written\n" in header
    model = artifact.load()
    value = np.array([[1, 2], [3, 4]], np.float32)
    for wanted in ([3, 0, 2, 7], [0, 0, 0, 0], [1, 8, 1, 1]):
        found, rows, total = model.step(wanted, value)
        most = max(wanted)
        assert found.dtype == bool and total == 10
        np.testing.assert_array_equal(found, np.arange(most) < np.array(wanted)[:, None])
        np.testing.assert_array_equal(rows, value[np.arange(most) // 4])
    with pytest.raises(RuntimeError, match=r"an index in .* is not in"):
        model.step([9, 0, 0, 0], value)


def _suppressed(boxes: Any, scores: Any, most: int, overlap: float, lowest: float) -> list[int]:
    """The same box after box."""
    kept: list[int] = []
    sides = np.sort(boxes.reshape(-1, 2, 2), axis=1)
    area = np.prod(sides[:, 1] - sides[:, 0], axis=1)
    for place in np.argsort(-scores, kind="stable"):
        lengths = np.minimum(sides[place, 1], sides[kept, 1]) - np.maximum(sides[place, 0], sides[kept, 0])
        both = np.prod(np.clip(lengths, 0, None), axis=-1)
        free = np.all(both <= overlap * (area[place] + area[kept] - both))
        if len(kept) < most and scores[place] > lowest and free:
            kept.append(int(place))
    return kept


def test_boxes_that_cover_each_other_are_suppressed() -> None:
    boxes, scores = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None])
    corners = RNG.uniform(0, 3, (40, 4)).astype(np.float32)
    values = RNG.uniform(0, 1, 40).astype(np.float32)
    with tf.Session() as session:
        for limits in ((3, 0.5, -np.inf), (100, 0.3, 0.2), (40, 0.1, 0.5)):
            chosen = tf.image.non_max_suppression(boxes, scores, *limits)
            for own, score in ((BOXES, SCORES), (corners, values), (BOXES[:0], SCORES[:0])):
                found = session.run(chosen, {boxes: own, scores: score})
                assert found.dtype == np.int32
                assert found.tolist() == _suppressed(own, score, *limits)


def test_chosen_boxes_are_followed_by_zeros_where_as_many_are_wanted() -> None:
    boxes, scores = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None])
    with tf.Session() as session:
        for most in (2, 9):
            padded = tf.image.non_max_suppression_padded(boxes, scores, most, pad_to_max_output_size=True)
            plain = tf.image.non_max_suppression_padded(boxes, scores, most)
            for own, score in ((BOXES, SCORES), (BOXES[:0], SCORES[:0])):
                wanted = _suppressed(own, score, most, 0.5, -np.inf)
                (found, count), (alone, same) = session.run([padded, plain], {boxes: own, scores: score})
                assert alone.tolist() == wanted and count == same == len(wanted)
                assert found.tolist() == wanted + [0] * (most - len(wanted))


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize(
    "program",
    [
        lambda tf, x: tf.where(x > 0),
        lambda tf, x: [tf.convert_to_tensor(g) for g in tf.gradients(tf.boolean_mask(x, x[:, 0] > 0) ** 2, x)],
        lambda tf, x: tf.boolean_mask(x, x[:, 0] > 0),
        lambda tf, x: list(tf.unique_with_counts(tf.cast(tf.reshape(x, [-1]) * 2, tf.int32))),
        lambda tf, x: list(tf.setdiff1d(tf.cast(tf.reshape(x, [-1]) * 2, tf.int32), [0, 1])),
        lambda tf, x: tf.dynamic_partition(x, tf.cast(x[:, 0] > 0, tf.int32), 3),
        lambda tf, x: tf.image.non_max_suppression(tf.constant(BOXES), tf.constant(SCORES) + x[0, 0] * 0, 4),
        lambda tf, x: [f(x, [0, 0, 3, 3, 3, 8, 11]) for f in (tf.segment_sum, tf.segment_max, tf.segment_mean)],
        lambda tf, x: [f(x[:0], tf.zeros([0], tf.int32)) for f in (tf.segment_sum, tf.segment_min, tf.segment_prod)],
        lambda tf, x: tf.dynamic_stitch([tf.cast(tf.argsort(x[:, 0]) * 1, tf.int32)], [x]),
        lambda tf, x: tf.dynamic_stitch([tf.zeros([0], tf.int32)], [x[:0]]),
        lambda tf, x: tf.bincount(tf.cast(tf.abs(x) * 20.0, tf.int32)),
        lambda tf, x: tf.bincount(tf.zeros([0], tf.int32)),
        lambda tf, x: tf.repeat(x, [1, 0, 2, 3, 0, 1, 1], axis=0),
    ],
)
def test_as_in_tensorflow(program: Any) -> None:
    compare(program, [_rows(7)], gradients=False)  # TensorFlow does not know the sizes of their weights


def test_a_size_is_never_taken_to_be_negative() -> None:
    """Of ``[m0 + 2]`` beside ``[1]`` no m0 makes the first 1."""
    size = atom(Measured("m0", None, None)) + 2
    beside = [TensorType(tf.float32, (size,)), TensorType(tf.float32, (1,))]
    assert assumption(beside, lambda types: types[0] == types[1]) is None
    found = assumption([beside[0], TensorType(tf.float32, (5,))], lambda types: types[0] == types[1])
    assert found is not None and found.other == 3


def test_rows_that_are_left_are_filled_up_to_as_many_as_before() -> None:
    x, mask = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.bool, [None])
    kept = tf.boolean_mask(x, mask)
    filled = tf.pad(kept, [[0, tf.shape(x)[0] - tf.shape(kept)[0]], [0, 0]])
    gradient = tf.gradients(filled * tf.range(1.0, 3.0), x)[0]
    with tf.Session() as session:
        for n in (3, 5, 0, 7, 4):
            feeds = {x: np.arange(2 * n).reshape(n, 2), mask: np.arange(n) % 2 > 0}
            rows = feeds[x][feeds[mask]].tolist()
            found = session.run([filled, filled * x, gradient], feeds)
            assert found[0].tolist() == rows + [[0, 0]] * (n - len(rows))
            assert found[1].shape == (n, 2)
            assert found[2].tolist() == [[1.0 * kept, 2.0 * kept] for kept in feeds[mask]]


@pytest.mark.parametrize("fill", ["pad", "concat"])
def test_what_is_left_of_a_number_of_rows_is_filled_up_and_more_rows_are_refused(fill: str) -> None:
    x, y = (tf.placeholder(tf.float32, [None, 2]) for _ in range(2))
    mask = tf.placeholder(tf.bool, [None])

    def filled(rows: Any) -> Any:
        missing = 4 - tf.shape(rows)[0]
        if fill == "pad":
            return tf.pad(rows, [[0, missing], [0, 0]])
        return tf.concat([rows, tf.zeros([missing, 2])], 0)

    both = [filled(tf.boolean_mask(value, mask)) for value in (x, y)]
    total = tf.reduce_sum(tf.reshape(both[0] + both[1], [1, 8]) * tf.range(8.0))
    fetches = [*both, *tf.gradients(total, [x, y])]
    with tf.Session() as session:
        for n in (3, 5, 0, 7, 4):
            kept = np.arange(n) % 2 > 0
            values = np.arange(2 * n).reshape(n, 2) + 1.0
            found = session.run(fetches, {x: values, y: -values, mask: kept})
            for value, wanted in zip(found, (values, -values)):
                assert value.tolist() == wanted[kept].tolist() + [[0.0, 0.0]] * (4 - kept.sum())
            assert found[2].tolist() == found[3].tolist()
            assert found[2][kept].reshape(-1).tolist() == list(range(2 * kept.sum()))
        for n in (5, 100_000):
            with pytest.raises(tf.errors.InvalidArgumentError, match="is above 4, and what it leaves of that"):
                session.run(fetches, {x: np.ones((n, 2)), y: np.ones((n, 2)), mask: np.ones(n, bool)})


def test_more_rows_than_another_input_has_are_refused_for_every_size() -> None:
    x, y = (tf.placeholder(tf.float32, [None, 2]) for _ in range(2))
    kept = tf.boolean_mask(x, x[:, 0] > 0)
    filled = tf.concat([kept, tf.zeros([tf.shape(y)[0] - tf.shape(kept)[0], 2])], 0) + y
    with tf.Session() as session:
        for n, rows in ((5, 4), (5, 7), (6, 9), (8, 5), (9, 12)):
            feeds = {x: np.ones((n, 2)), y: np.ones((rows, 2))}
            if n <= rows:
                assert session.run(filled, feeds).sum() == 2 * (n + rows)
            else:
                with pytest.raises(tf.errors.InvalidArgumentError, match="what it leaves of that is a size"):
                    session.run(filled, feeds)
