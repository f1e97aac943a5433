"""Programs with branches and loops, for any module with TensorFlow's names: ``program(tf, x, w, n) -> outputs``.

x is [?,3], w is [3,3], n is a whole number that decides which way is taken, and how often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[[Any, Any, Any, Any], Any]


def branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.cond(n > 1, lambda: tf.tanh(tf.matmul(x, w)), lambda: x * w[0])


def branch_of_several(tf: Any, x: Any, w: Any, n: Any) -> Any:
    a, rest = tf.cond(n > 1, lambda: (x + 1.0, {"b": x, "c": w}), lambda: (tf.exp(x), {"b": x * x, "c": w * 2.0}))
    return [a, rest["b"], rest["c"]]


def branch_in_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    y = tf.sin(x)
    return tf.cond(n > 1, lambda: tf.cond(n > 3, lambda: y * x, lambda: tf.matmul(y, w)), lambda: y + x)


def one_of_three(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.case([(n < 1, lambda: x * x), (n < 3, lambda: tf.matmul(x, w))], default=lambda: tf.exp(x))


def loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, tf.tanh(tf.matmul(s, w)) + x), (0, x))[1]


def loop_that_counts_down(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def body(i: Any, s: dict[str, Any]) -> Any:
        return i - 1, {"a": s["b"] * x, "b": tf.sin(s["a"]) + tf.cast(i, tf.float64)}

    return tf.while_loop(lambda i, s: i > 0, body, (n, {"a": x, "b": tf.cos(x)}))[1]["a"]


def loop_with_a_limit(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.while_loop(lambda s: n > 0, lambda s: tf.sin(s) * x, [x], maximum_iterations=3)


def loop_until_large(tf: Any, x: Any, w: Any, n: Any) -> Any:
    grown, _ = tf.while_loop(lambda s, c: tf.reduce_sum(s) < 50.0, lambda s, c: (s * s + 1.0, c + 1), (tf.abs(x), 0))
    return grown


def loop_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def outer(i: Any, s: Any) -> Any:
        _, t = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, tf.tanh(tf.matmul(t, w)) * x), (0, s))
        return i + 1, t

    return tf.while_loop(lambda i, s: i < n, outer, (1, x * 2.0))[1]


def branch_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def body(i: Any, s: Any) -> Any:
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: tf.tanh(s * x), lambda: tf.exp(tf.matmul(s, w) * 0.1))

    return tf.while_loop(lambda i, s: i < n, body, (0, x * 2.0))[1]


def tiled_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def body(i: Any, s: Any) -> Any:
        mask = tf.tile(tf.expand_dims(s[:, 0] > 0.1, 1), [1, 3])  # the adjoint asks for the mask, and so for its sizes
        return i + 1, tf.where(mask, tf.sin(tf.tile(s[:, :1], [1, n + 1])[:, :1] * x), tf.exp(tf.matmul(s, w) * 0.1))

    return tf.while_loop(lambda i, s: i < n, body, (0, x * 2.0))[1]


def tiled_in_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.cond(n > 1, lambda: tf.reduce_sum(tf.sin(tf.tile(tf.exp(x), [1, n])), 1), lambda: tf.matmul(x, w)[:, 0])


def loop_in_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.cond(n > 2, lambda: loop(tf, x, w, n), lambda: x * x)


def loop_of_a_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    first = loop(tf, x, w, n)
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, tf.sin(s) * first), (0, first))[1] + first


def mapped(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.map_fn(lambda row: tf.tanh(row) * w[0], x)


def mapped_pairs(tf: Any, x: Any, w: Any, n: Any) -> Any:
    types = (tf.float64, tf.float64)
    return tf.map_fn(lambda pair: (pair[0] * pair[1], tf.reduce_sum(pair[0])), (x, x + 1.0), dtype=types)


def scanned(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.scan(lambda a, row: tf.tanh(tf.matmul(a, w) * row), x, initializer=w)


def scanned_back(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return tf.scan(lambda a, row: a * 0.5 + tf.sin(row), x, reverse=True)


def folded(tf: Any, x: Any, w: Any, n: Any) -> Any:
    return [
        tf.foldl(lambda a, row: tf.tanh(a * row), x),
        tf.foldr(lambda a, row: tf.sin(a) * row, x, initializer=w[0]),
    ]


def array(tf: Any, x: Any, w: Any, n: Any) -> Any:
    written = tf.TensorArray(tf.float64, size=4, clear_after_read=False)
    for i in range(3):
        written = written.write(i, x * float(i + 1))
    written = written.write(3, tf.matmul(x, w))
    return [written.stack(), written.read(2), written.gather([3, 1]), written.concat()]


def array_in_loop(tf: Any, x: Any, w: Any, n: Any) -> Any:
    read = tf.TensorArray(tf.float64, size=tf.shape(x)[0]).unstack(x)

    def body(i: Any, state: Any, written: Any) -> Any:
        state = tf.tanh(tf.squeeze(tf.matmul(tf.expand_dims(state + read.read(i), 0), w), 0))
        return i + 1, state, written.write(i, state)

    written = tf.TensorArray(tf.float64, size=tf.shape(x)[0])
    _, state, written = tf.while_loop(lambda i, *_: i < tf.shape(x)[0], body, (0, w[0], written))
    return [state, written.stack()]


def array_in_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    def body(i: Any, s: Any, written: Any) -> Any:
        value = tf.cond(i > 1, lambda: s * x, lambda: s + x)
        return i + 1, value, written.write(i, tf.sin(value))

    return tf.while_loop(lambda i, *_: i < 4, body, (0, x, tf.TensorArray(tf.float64, size=4)))[2].stack()


def array_written_by_branch(tf: Any, x: Any, w: Any, n: Any) -> Any:
    """The adjoints of both branches need the number of the iteration, and so does that of the loop in the loop."""

    def body(i: Any, s: Any, written: Any) -> Any:
        _, s = tf.while_loop(lambda j, _: j < 2, lambda j, t: (j + 1, tf.sin(t) * w[i]), (0, s))
        return i + 1, s, tf.cond(i > n, lambda: written.write(i, s * x[0]), lambda: written.write(i, w[i]))

    array = tf.TensorArray(tf.float64, size=3)
    array = tf.while_loop(lambda i, *_: i < 3, body, (0, x[1], array))[2]
    return tf.cond(n > 0, lambda: array.identity(), lambda: array).stack()


PROGRAMS: dict[str, tuple[Program, tuple[int, ...]]] = {
    "a branch": (branch, (2, 0)),
    "a branch of several": (branch_of_several, (2, 0)),
    "a branch in a branch": (branch_in_branch, (4, 2, 0)),
    "one of three": (one_of_three, (0, 1, 5)),
    "a loop": (loop, (4, 1, 0)),
    "a loop that counts down": (loop_that_counts_down, (3, 0)),
    "a loop with a limit": (loop_with_a_limit, (1, 0)),
    "a loop until it is large": (loop_until_large, (0,)),
    "a loop in a loop": (loop_in_loop, (4, 2, 1)),
    "a branch in a loop": (branch_in_loop, (5, 1, 0)),
    "a tile in a loop": (tiled_in_loop, (3, 0)),
    "a tile in a branch": (tiled_in_branch, (2, 0)),
    "a loop in a branch": (loop_in_branch, (4, 1)),
    "a loop of a loop": (loop_of_a_loop, (2, 0)),
    "map": (mapped, (0,)),
    "map of pairs": (mapped_pairs, (0,)),
    "scan": (scanned, (0,)),
    "scan back": (scanned_back, (0,)),
    "folds": (folded, (0,)),
    "an array": (array, (0,)),
    "an array in a loop": (array_in_loop, (0,)),
    "an array in a branch": (array_in_branch, (0,)),
    "an array that a branch writes": (array_written_by_branch, (0, 1)),
}
CASES = [(name, n) for name, (_, ns) in PROGRAMS.items() for n in ns]
FIRST = [(name, ns[0]) for name, (_, ns) in PROGRAMS.items()]
_rng = np.random.default_rng(1)
X, W = _rng.uniform(-1, 1, (4, 3)), _rng.uniform(-1, 1, (3, 3))


def declared(tf: Any, name: str, programs: Any = PROGRAMS) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs of a program in the default graph of ``tf``."""
    x = tf.placeholder(tf.float64, [None, 3], name="x")
    w = tf.placeholder(tf.float64, [3, 3], name="w")
    n = tf.placeholder(tf.int32, [], name="n")
    result = programs[name][0](tf, x, w, n)
    return [x, w, n], list(result) if isinstance(result, (list, tuple)) else [result]
