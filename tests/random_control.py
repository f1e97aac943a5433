"""Random branches, loops and TensorArrays in each other, as one Python expression of the vectors ``x`` and ``y``.

Whatever stands in a loop may ask for its counter. Run by hand for many seeds: ``python -m tests.random_control 0 100``.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import graphc as tf
from graphc.interpret import evaluate
from graphc.testing import check_gradients

DEEPEST = 3


@dataclass
class Choosing:
    """What an expression may name: vectors, and the counters of the loops that it stands in."""

    choices: random.Random
    vectors: Sequence[str] = ("x", "y")
    counters: Sequence[str] = ()
    depth: int = 0

    def inside(self, *vectors: str, counter: str | None = None) -> Choosing:
        """The same for a body."""
        counters = self.counters if counter is None else (*self.counters, counter)
        return replace(self, vectors=(*self.vectors, *vectors), counters=counters, depth=self.depth + 1)

    def vector(self) -> str:
        """A name of a vector."""
        return self.choices.choice(self.vectors)

    def expression(self) -> str:
        """A vector of the same size."""
        forms = [self.plain, self.plain, self.branch, self.branch, self.loop, self.loop, self.array]
        return self.choices.choice(forms)() if self.depth < DEEPEST else self.plain()

    def plain(self) -> str:
        """A few operations."""
        a, b, c = (self.vector() for _ in range(3))
        forms = [f"tf.sin({a}) * {b}", f"({a} + 0.5 * {b})", f"tf.where({a} > 0.1, {b}, tf.tanh({c}))"]
        for counter in self.counters:
            forms += [f"{a} * tf.cast({counter} + 1, tf.float64) * 0.3", f"{a} * tf.gather({b}, {counter} % 3)"]
            forms += [f"({a} + {b}[{counter} % 3])"]
        return self.choices.choice(forms)

    def branch(self) -> str:
        """One of two expressions."""
        tests = [f"tf.reduce_sum({self.vector()}) > 0.2"]
        tests += [test for i in self.counters for test in (f"tf.equal({i} % 2, 0)", f"{i} > 1")]
        body = self.inside()
        return f"tf.cond({self.choices.choice(tests)}, lambda: {body.expression()}, lambda: {body.expression()})"

    def loop(self) -> str:
        """One of two vectors that a loop carries."""
        i, s, t = (f"{name}{self.depth}" for name in "ist")
        body = self.inside(s, t, counter=i)
        limit = self.choices.choice([*"0123", *self.counters])
        begin, step = self.choices.choice([(0, 1), (0, 1), (1, 1), (0, 2)])
        results = f"({i} + {step}, tf.tanh({body.expression()}), 0.7 * {body.expression()})"
        starts = f"(tf.constant({begin}), {self.vector()}, {self.vector()})"
        found = f"tf.while_loop(lambda {i}, *_: {i} < {limit}, lambda {i}, {s}, {t}: {results}, {starts})"
        return f"{found}[{self.choices.choice([1, 2])}]"

    def array(self) -> str:
        """The sum of what a loop writes, some of it in branches."""
        i, a = f"i{self.depth}", f"a{self.depth}"
        written = f"{a}.write({i}, {self.inside(counter=i).expression()})"
        if self.choices.random() < 0.5:
            written = f"tf.cond({i} > 0, lambda: {written}, lambda: {a}.write({i}, {self.vector()}))"
        starts = "(0, tf.TensorArray(tf.float64, 2))"
        found = f"tf.while_loop(lambda {i}, _: {i} < 2, lambda {i}, {a}: ({i} + 1, {written}), {starts})"
        return f"tf.reduce_sum({found}[1].stack(), 0)"


def random_expression(seed: int) -> str:
    """The expression of a seed."""
    choosing = Choosing(random.Random(seed))
    return f"{choosing.loop()} + {choosing.expression()} + x * y"


def check(seed: int) -> None:
    """AssertionError where values or second derivatives are not NumPy's, or gradients no differences."""
    tf.reset_default_graph()
    inputs = [tf.placeholder(tf.float64, [3], name=name) for name in "xy"]
    feeds = dict(zip(inputs, np.random.default_rng(seed).uniform(-1, 1, (2, 3))))
    result = eval(random_expression(seed), {"tf": tf, **dict(zip("xy", inputs))})
    grads = tf.gradients(result, inputs)
    seconds = [grad for grad in tf.gradients(grads, inputs) if grad is not None]
    with tf.Session() as session:
        fetches = [result, *grads, *seconds]
        wanted = evaluate(result.graph, feeds, fetches)
        for found, value in zip(session.run(fetches, feeds), wanted, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-10)
        check_gradients([result], inputs, feeds, session)


if __name__ == "__main__":
    for number in range(*map(int, sys.argv[1:3])):
        try:
            check(number)
        except Exception as error:
            print(f"seed {number}: {random_expression(number)}\n{type(error).__name__}: {error}")
