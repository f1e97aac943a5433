"""Small and unsigned whole numbers, float16 and bfloat16: native values against NumPy's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot, dtypes
from graphc.dtypes import DType

WHOLE = [tf.int8, tf.int16, tf.uint16, tf.uint32, tf.uint64]
ALL_HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
SPECIAL = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.5,
        65504,
        65519.99,
        65520,
        1e30,
        np.inf,
        -np.inf,
        np.nan,
        2**-14,
        2**-24,
        2**-25,
        2**-25 * 1.01,
    ],
    np.float32,
)


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as fresh:
        yield fresh


def floats() -> np.ndarray:
    """Of all sizes that half floats have, and beyond both ends; and numbers in the middle of two neighbours."""
    rng = np.random.default_rng(0)
    wide = (rng.normal(size=4000) * np.exp2(rng.uniform(-30, 20, 4000))).astype(np.float32)
    finite = ALL_HALVES[np.isfinite(ALL_HALVES)].astype(np.float32)
    return np.concatenate([wide, SPECIAL, (finite[:-1] + finite[1:]) / 2])


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """NaNs equal each other whatever they hold."""
    bits = np.uint16 if a.dtype.itemsize == 2 else np.uint32
    both_nan = (a != a) & (b != b)
    return a.dtype == b.dtype and bool(np.all((a.view(bits) == b.view(bits)) | both_nan))


def run(value: tf.Tensor, feed: dict | None = None) -> np.ndarray:
    with tf.Session() as session:
        return session.run(value, feed)


def test_every_float16_becomes_the_float32_that_it_is() -> None:
    x = tf.placeholder(tf.float16, [None])
    assert same_bits(run(tf.cast(x, tf.float32), {x: ALL_HALVES}), ALL_HALVES.astype(np.float32))


def test_float32_is_rounded_to_the_nearest_float16() -> None:
    x = tf.placeholder(tf.float32, [None])
    with np.errstate(over="ignore"):
        wanted = floats().astype(np.float16)
    assert same_bits(run(tf.cast(x, tf.float16), {x: floats()}), wanted)


def test_bfloat16_is_rounded_and_read_as_ml_dtypes_does() -> None:
    kind = tf.bfloat16.as_numpy_dtype
    x = tf.placeholder(tf.float32, [None])
    stored = run(tf.cast(x, tf.bfloat16), {x: floats()})
    assert same_bits(stored, floats().astype(kind))
    y = tf.placeholder(tf.bfloat16, [None])
    assert same_bits(run(tf.cast(y, tf.float32), {y: stored}), stored.astype(np.float32))
    assert tf.as_dtype(kind) is tf.bfloat16 and tf.bfloat16.max == float(np.float32(3.3895314e38))


@pytest.mark.parametrize("dtype", WHOLE, ids=lambda dtype: dtype.name)
def test_whole_numbers_compute_as_numpy(dtype: DType) -> None:
    limits = np.iinfo(dtype.as_numpy_dtype)
    rng = np.random.default_rng(1)
    a, b = (rng.integers(limits.min, limits.max, (3, 50), dtype.as_numpy_dtype, endpoint=True) for _ in range(2))
    b = np.where(b == 0, dtype.as_numpy_dtype(1), b)
    x, y = tf.placeholder(dtype, [None, 50]), tf.placeholder(dtype, [None, 50])
    with np.errstate(all="ignore"):
        wanted = {
            "sum": a + b, "difference": a - b, "product": a * b, "quotient": a // b, "rest": a % b,
            "less": a < b, "extreme": np.maximum(a, b), "total": a.sum(1, dtype=a.dtype), "least": a.min(0),
            "place": a.argmax(1), "float": a.astype(np.float32), "bits": a & b, "sorted": np.sort(a, 1),
            "turned": a.T, "twice": np.concatenate([a, b]), "chosen": np.where(a < b, a, b),
        }  # fmt: skip
    found = run({
        "sum": x + y, "difference": x - y, "product": x * y, "quotient": x // y, "rest": x % y,
        "less": x < y, "extreme": tf.maximum(x, y), "total": tf.reduce_sum(x, 1), "least": tf.reduce_min(x, 0),
        "place": tf.argmax(x, 1), "float": tf.cast(x, tf.float32), "bits": tf.bitwise.bitwise_and(x, y),
        "sorted": tf.sort(x, 1), "turned": tf.transpose(x), "twice": tf.concat([x, y], 0),
        "chosen": tf.where(x < y, x, y),
    }, {x: a, y: b})  # fmt: skip
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert found[name].dtype == value.dtype, name


@pytest.mark.parametrize(("source", "target"), list(itertools.product(dtypes.ALL, dtypes.ALL)), ids=lambda d: d.name)
def test_every_type_is_converted_to_every_other(source: DType, target: DType) -> None:
    values = np.array([0, 1, 2, 3, 7, 100], np.int64).astype(source.numpy)
    x = tf.placeholder(source, [6])
    found = run(tf.cast(x, target), {x: values})
    np.testing.assert_array_equal(found, values.astype(target.numpy))
    assert found.dtype == target.numpy


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16], ids=lambda dtype: dtype.name)
def test_a_step_in_half_floats_is_one_in_float32_that_is_rounded_when_it_is_stored(dtype: DType) -> None:
    rng = np.random.default_rng(2)
    data, labels = rng.normal(size=(16, 6)).astype(dtype.numpy), rng.integers(0, 3, 16)
    begin = (rng.normal(size=(6, 3)) * 0.5).astype(dtype.numpy)

    def trained(kind: DType) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(kind, [None, 6])
            w = tf.Variable(begin.astype(kind.numpy))
            scores = tf.matmul(x, w) + tf.constant(0.25, kind)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores))
            (slope,) = tf.gradients(loss, w)
            train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
            session.run(tf.global_variables_initializer())
            loss_value, slope_value, _ = session.run([loss, slope, train], {x: data.astype(kind.numpy)})
            return loss_value, slope_value, session.run(w)

    for stored, exact in zip(trained(dtype), trained(tf.float32), strict=True):
        assert stored.dtype == dtype.numpy
        unit = 2.0**-10 if dtype is tf.float16 else 2.0**-7  # twice half a unit in the last place
        np.testing.assert_allclose(stored.astype(np.float32), exact, rtol=unit, atol=unit / 8)


def test_half_floats_in_branches_and_loops() -> None:
    x = tf.placeholder(tf.float16, [4])
    total = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s * tf.constant(0.5, tf.float16) + x), [0, x])[1]
    chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x * 3)
    value = np.array([1, 0.5, -0.25, 2], np.float16)
    with tf.Session() as session:
        found = session.run([total, chosen, *tf.gradients(total, x)], {x: value})
    np.testing.assert_array_equal(found[0], value * np.float16(2 - 2**-5))
    np.testing.assert_array_equal(found[1], value * 2)
    np.testing.assert_array_equal(found[2], np.full(4, 2 - 2**-5, np.float16))


def test_constants_of_half_size_are_written_as_their_bits() -> None:
    x = tf.placeholder(tf.float16, [3])
    chosen = tf.where(x > 0, tf.fill([3], tf.constant(1.5, tf.float16)), tf.constant([0.1, 2.0, -3.0], tf.float16))
    found = run(chosen, {x: [1, -1, -2]})
    np.testing.assert_array_equal(found, np.array([1.5, 2.0, -3.0], np.float16))


def test_the_header_of_an_artifact_has_the_types(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float16, [4], name="x")
    y = tf.placeholder(tf.int8, [4], name="y")
    results = [tf.multiply(x, 2, name="twice"), tf.add(y, y, name="sum")]
    artifact = aot.compile(results, [x, y], tmp_path, name="small")
    header = (tmp_path / "small.h").read_text()
    assert "const uint16_t x[4], const int8_t y[4], uint16_t twice[4], int8_t sum[4]" in header
    found = artifact.load().step(np.array([1, 2, 3, 0.1], np.float16), np.array([100, 1, 2, 3], np.int8))
    np.testing.assert_array_equal(found.twice, np.array([2, 4, 6, 0.2], np.float16))
    np.testing.assert_array_equal(found.sum, np.array([-56, 2, 4, 6], np.int8))
