"""Random ops in a step: their numbers are those of graphc.philox, for any number of threads."""

import numpy as np
import pytest

import graphc as tf
from graphc import philox
from graphc.codegen.interpret import run
from graphc.codegen.loops import Buffer, Draw, Kernel, Literal, Load
from graphc.codegen.schedule import schedule
from graphc.codegen.target import host
from tests.codegen.native import run_native

BOTH_EXACT = [("uniform", "f32"), ("uniform", "f64"), ("uniform_int", "i32"), ("uniform_int", "i64")]
BOTH_ROUNDED = [("normal", "f32"), ("normal", "f64"), ("truncated_normal", "f32"), ("truncated_normal", "f64")]


def drawn(sampler: str, dtype: str, count: int) -> tuple[Kernel, dict[str, np.ndarray]]:
    """A kernel that draws ``count`` numbers from a position in memory, and its arrays."""
    position, out = Buffer("position", "i64", 1), Buffer("out", dtype, count)
    limits = (Literal(-7, dtype), Literal(90, dtype)) if sampler == "uniform_int" else ()
    body = (Draw(out, sampler, (Literal(5, "i64"), Literal(1234567, "i64")), Load(position, 0), limits),)
    arrays = {"position": np.array([2**40 + 3]), "out": np.zeros(count, _numpy(dtype))}
    return Kernel("kernel", (position, out), body), arrays


def _numpy(dtype: str) -> np.dtype:
    return np.dtype({"f": "float", "i": "int"}[dtype[0]] + dtype[1:])


@pytest.mark.parametrize("count", [1, 7, 64, 10001])
@pytest.mark.parametrize(("sampler", "dtype"), BOTH_EXACT + BOTH_ROUNDED)
def test_native_and_interpreted_draws_agree(sampler: str, dtype: str, count: int) -> None:
    kernel, arrays = drawn(sampler, dtype, count)
    kernel, interpreted = schedule(kernel, host()), {name: array.copy() for name, array in arrays.items()}
    run(kernel, interpreted)
    run_native(kernel, arrays, host())
    assert len(set(interpreted["out"].tolist())) > min(count, 97) // 2
    if (sampler, dtype) in BOTH_EXACT:
        np.testing.assert_array_equal(arrays["out"], interpreted["out"])
    else:
        np.testing.assert_array_max_ulp(arrays["out"], interpreted["out"], 8 if dtype == "f32" else 16)


def test_parts_of_a_draw_are_the_whole() -> None:
    kernel, arrays = drawn("normal", "f32", 10001)
    kernel, parts = schedule(kernel, host()), {name: array.copy() for name, array in arrays.items()}
    assert kernel.tasks == 3
    run_native(kernel, arrays, host())
    run_native(kernel, parts, host(), task_ranges=[(2, 3), (0, 1), (1, 2)])
    np.testing.assert_array_equal(parts["out"], arrays["out"])


def test_a_draw_prints() -> None:
    kernel, _ = drawn("uniform_int", "i32", 5)
    line = str(kernel).splitlines()[-1]
    assert line == "  out = uniform_int(i64 5, i64 1234567) from position[0] between i32 -7 and i32 90"


def test_each_run_goes_on_in_the_stream_of_the_seeds() -> None:
    with tf.Graph().as_default():
        numbers = tf.random_uniform([3, 5], seed=11)
        kind = numbers.op.kind
        with tf.Session() as session:
            first, second = session.run(numbers), session.run(numbers)
        with tf.Session() as session:
            again = session.run(numbers)
    np.testing.assert_array_equal(first, philox.uniform([3, 5], np.float32, kind.seed, kind.seed2, 0))
    np.testing.assert_array_equal(second, philox.uniform([3, 5], np.float32, kind.seed, kind.seed2, 15 * 256))
    np.testing.assert_array_equal(again, first)


def test_shapes_and_limits_may_be_fed() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3])
        limit = tf.placeholder(tf.int32, [])
        numbers = tf.random_uniform(tf.shape(x), 2, limit, tf.int32, seed=4)
        kind = numbers.op.kind
        with tf.Session() as session:
            results = [session.run(numbers, {x: np.zeros([n, 3]), limit: 9 + n}) for n in (2, 4, 7)]
    starts = (0, 6 * 256, 18 * 256)
    for n, start, result in zip((2, 4, 7), starts, results, strict=True):
        expected = philox.uniform_int([n, 3], np.int32, kind.seed, kind.seed2, start, 2, 9 + n)
        np.testing.assert_array_equal(result, expected)


def test_dropout_keeps_and_scales() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [40, 50])
        kept = tf.nn.dropout(x, keep_prob=0.5, seed=2)
        grad = tf.gradients(kept, x)[0]
        with tf.Session() as session:
            value, slope = session.run([kept, grad], {x: np.full([40, 50], 3.0)})
    assert set(np.unique(value)) == {0.0, 6.0}
    assert 0.4 < np.mean(value == 0) < 0.6
    np.testing.assert_array_equal(slope, value / 3)
