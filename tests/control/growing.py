"""Programs whose loop variables and branches have several sizes: ``program(tf, x, w, n) -> outputs``.

As in ``programs.py``: x is [?,3], w is [3,3], n is a whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.control.programs import Program


def repeat(tf: Any, n: Any, step: Callable[..., Any], *values: Any) -> Any:
    """``values = step(i, *values)``, n times; the sizes of their first axes may change."""
    shapes = [tf.TensorShape([None, *value.shape.as_list()[1:]]) for value in values]

    def body(i: Any, *values: Any) -> Any:
        results = step(i, *values)
        return (i + 1, *(results if isinstance(results, tuple) else [results]))

    results = tf.while_loop(lambda i, *_: i < n, body, (0, *values), (tf.TensorShape([]), *shapes))[1:]
    return results[0] if len(results) == 1 else list(results)


def rows(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.concat([y, tf.reduce_sum(y, 0, keepdims=True) * 0.5], 0), x)


def elementwise(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.concat([tf.tanh(y), y[-1:] * y[:1]], 0), x)


def products(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.concat([tf.matmul(y, w), x], 0), x)


def two_at_once(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def step(i: Any, y: Any, z: Any) -> Any:
        more = tf.reduce_mean(y * z, 0, keepdims=True)
        return tf.concat([y, more], 0), tf.concat([z, tf.sin(z[:1])], 0)

    y, z = repeat(tf, n, step, x, x * 2.0)
    return y * z


def changed_places(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, a, b: (b, tf.concat([a, b * 0.5], 0)), x, tf.exp(x))


def shrinking(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.sin(y[1:]), tf.concat([x * 2.0, x, x * 0.5], 0))


def filtered(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.boolean_mask(y * 1.5, y[:, 0] < 0.5), tf.concat([x, x * 0.5], 0))


def doubling(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return repeat(tf, n, lambda i, y: tf.concat([y, y * y * 0.5], 0), tf.reshape(x, [-1]))


def until_large(tf: Any, x: Any, w: Any, n: Any) -> Any:
    shapes = [tf.TensorShape([None, 3])]
    grown = tf.while_loop(lambda y: tf.shape(y)[0] < 9 + n, lambda y: [tf.concat([y, tf.cos(y)], 0)], [x], shapes)
    return grown[0] if isinstance(grown, list) else grown


def sum_beside(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def step(i: Any, y: Any, total: Any) -> Any:
        y = tf.concat([y, tf.cos(y[-1:])], 0)
        return y, total + tf.matmul(y, w, transpose_a=False)[:3]

    return repeat(tf, n, step, x, w)


def loop_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def outer(i: Any, y: Any) -> Any:
        return repeat(tf, i, lambda j, z: tf.concat([z, tf.tanh(z[:1] + x[:1])], 0), y)

    return repeat(tf, n, outer, x)


def branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.cond(n > 1, lambda: tf.concat([x, tf.matmul(x, w)], 0), lambda: tf.tanh(x)) * 3.0


def counted_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    v = tf.reshape(x, [-1])
    return tf.sin(tf.cond(n > 1, lambda: tf.boolean_mask(tf.exp(v), v > 0.0), lambda: tf.square(v) + 1.0))


def one_of_three(tf: Any, x: Any, w: Any, n: Any) -> Any:
    pairs = [(n > 4, lambda: x[:1]), (n > 1, lambda: tf.tile(tf.exp(x), [2, 1]))]
    return tf.case(pairs, default=lambda: tf.concat([x, w, w], 0) * 2.0)


def branch_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def step(i: Any, y: Any) -> Any:
        return tf.cond(tf.equal(i % 2, 0), lambda: tf.concat([y, tf.tanh(y)], 0), lambda: y[1:] * 1.1)

    return repeat(tf, n, step, x)


def loop_in_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.cond(n > 1, lambda: elementwise(tf, x, w, n), lambda: x * 3.0) * 2.0


def array(tf: Any, x: Any, w: Any, n: Any) -> Any:
    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True)
    array = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a.write(i, tf.tanh(w[0]) * x[0])), (0, array))[1]
    return tf.concat([array.stack(), x], 0) * tf.cast(array.size(), tf.float64)


def array_read_back(tf: Any, x: Any, w: Any, n: Any) -> Any:
    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True, clear_after_read=False).write(0, x)
    body = lambda i, a: (i + 1, a.write(i + 1, tf.sin(a.read(i)) + x))  # noqa: E731
    return tf.while_loop(lambda i, a: i < n, body, (0, array))[1].concat()


def array_until_large(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def body(s: Any, i: Any, a: Any) -> Any:
        s = s * 1.3 + w[0] * 0.1
        return s, i + 1, a.write(i, s)

    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True)
    large = 3.0 + tf.cast(n, tf.float64)
    return tf.while_loop(lambda s, *_: tf.reduce_sum(tf.abs(s)) < large, body, (w[1], 0, array))[2].stack()


def array_with_gaps(tf: Any, x: Any, w: Any, n: Any) -> Any:
    array = tf.TensorArray(tf.float64, size=1, dynamic_size=True)
    return array.scatter([2, 0], w[:2]).write(n + 1, w[1] * 2.0).stack()


def array_in_two_loops(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def outer(i: Any, k: Any, a: Any) -> Any:
        body = lambda j, k, a: (j + 1, k + 1, a.write(k, w[0] * tf.cast(j + 1, tf.float64)))  # noqa: E731
        _, k, a = tf.while_loop(lambda j, *_: j < i, body, (0, k, a))
        return i + 1, k, a

    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True)
    return tf.while_loop(lambda i, *_: i < n, outer, (0, 0, array))[2].stack()


def pieces_written(tf: Any, x: Any, w: Any, n: Any) -> Any:
    """Elements of several first sizes, the last one written first."""
    array = tf.TensorArray(tf.float64, size=n + 1, infer_shape=False, clear_after_read=False)
    body = lambda i, a: (i - 1, a.write(i, tf.sin(tf.tile(x[:1], [i + 1, 1])) * w[i % 3]))  # noqa: E731
    array = tf.while_loop(lambda i, a: i >= 0, body, (n, array))[1]
    return tf.concat([array.concat(), array.read(n)], 0)


def pieces_appended(tf: Any, x: Any, w: Any, n: Any) -> Any:
    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True, infer_shape=False)
    body = lambda i, a: (i + 1, a.write(i, x[: i % 2 + 1] * tf.cast(i + 1, tf.float64)))  # noqa: E731
    array = tf.while_loop(lambda i, a: i < n, body, (0, array))[1]
    return tf.concat([x, array.concat() * tf.cast(array.size(), tf.float64)], 0)


def pieces_of_a_split(tf: Any, x: Any, w: Any, n: Any) -> Any:
    rows = tf.shape(x)[0]
    array = tf.TensorArray(tf.float64, size=3, infer_shape=False, clear_after_read=False)
    array = array.split(tf.tanh(x), tf.stack([1, rows - 2, 1]))
    body = lambda i, y: (i + 1, y * 0.5 + tf.reduce_sum(tf.reshape(array.read(i % 3), [-1, 3]), 0) * x[0])  # noqa: E731
    total = tf.while_loop(lambda i, y: i < n, body, (0, x[1]))[1]
    return tf.concat([array.concat() * x, array.read(1), total[None]], 0)


def pieces_after_equal_ones(tf: Any, x: Any, w: Any, n: Any) -> Any:
    """Elements of one size first, at several places at once, then others; a branch may write the last one."""
    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True, infer_shape=False, clear_after_read=False)
    array = array.unstack(tf.tanh(tf.reshape(x, [3, -1, 1])))
    array = array.scatter([4, 3], tf.reshape(w[:2], [2, -1, 1])).write(5, w[:n, :1])
    array = tf.cond(n > 0, lambda: array.write(6, x[:, :1] * w[0, 1]), lambda: array)
    return tf.concat([array.concat(), array.read(1), array.read(4)], 0)


def pieces_of_a_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    """Branches give the array of pieces beside one of rows that do not fit together, which nobody asks for."""

    def body(i: Any, a: Any) -> Any:
        odd, even = (lambda: a.write(i, x[i % 4 :])), (lambda: a.write(i, x[: i + 1] * tf.cast(i, tf.float64)))
        return i + 1, tf.cond(i % 2 > 0, odd, even)

    array = tf.TensorArray(tf.float64, size=0, dynamic_size=True, infer_shape=False)
    return tf.sin(tf.while_loop(lambda i, a: i < n, body, (0, array))[1].concat())


PROGRAMS: dict[str, tuple[Program, tuple[int, ...]]] = {
    "rows": (rows, (3, 0)),
    "elementwise": (elementwise, (4, 1)),
    "products": (products, (3, 0)),
    "two at once": (two_at_once, (3, 1)),
    "changed places": (changed_places, (4, 1)),
    "shrinking": (shrinking, (4,)),
    "filtered": (filtered, (3, 0)),
    "doubling": (doubling, (3,)),
    "until large": (until_large, (2,)),
    "a sum beside": (sum_beside, (3, 0)),
    "a growing loop in a loop": (loop_in_loop, (4, 1)),
    "a branch of two sizes": (branch, (2, 0)),
    "a branch that counts": (counted_branch, (2, 0)),
    "one of three sizes": (one_of_three, (5, 2, 0)),
    "a branch of two sizes in a loop": (branch_in_loop, (4, 1)),
    "a growing loop in a branch": (loop_in_branch, (3, 0)),
    "a growing array": (array, (3, 0)),
    "a growing array that is read": (array_read_back, (3, 0)),
    "a growing array until it is large": (array_until_large, (4,)),
    "a growing array with gaps": (array_with_gaps, (4, 0)),
    "a growing array in two loops": (array_in_two_loops, (4,)),
    "pieces that are written": (pieces_written, (3, 0)),
    "pieces that are appended": (pieces_appended, (3, 1)),
    "pieces of a split": (pieces_of_a_split, (4, 0)),
    "pieces after equal ones": (pieces_after_equal_ones, (2, 0)),
    "pieces of a branch": (pieces_of_a_branch, (3, 1)),
}
