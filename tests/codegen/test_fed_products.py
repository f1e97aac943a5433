"""Products of arrays that the caller hands in, which begin anywhere: B is copied where all loads of it may straddle."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen import choose
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.loops import Contract
from graphc.codegen.target import host, named
from graphc.compiler import build_program, capture
from graphc.records import replace


def product(m: int, k: int, n: int) -> Contraction:
    return Contraction("f32", (), (Axis(m, a=k),), (Axis(n, b=1),), (Axis(k, a=1, b=n),))


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "target", "copied"),
    [
        (128, 128, 128, "avx512", True),
        (32, 784, 128, "avx512", True),
        (31, 784, 128, "avx512", False),  # too few rows to repay a copy
        (128, 64, 64, "avx512", False),  # stays in the first cache, where straddling costs little
        (128, 128, 128, "avx2", False),  # half of the loads straddle, which ports have time for
    ],
)
def test_b_is_copied_where_every_load_may_straddle(
    rows: int, inner: int, columns: int, target: str, copied: bool
) -> None:
    spec = product(rows, inner, columns)
    assert not choose.plan(spec, named(target)).pack_b
    assert choose.plan(replace(spec, fed_b=True), named(target)).pack_b == copied
    assert not choose.plan(replace(spec, fed_a=True), named(target)).pack_b


def fed(target: tf.Tensor) -> list[tuple[bool, bool]]:
    """Which operands of the products of a step are fed."""
    _, program = build_program(capture([target], [], []), {}, host())
    contracts = [s for call in program.calls for s in call.kernel.body if isinstance(s, Contract)]
    return [(contract.spec.fed_a, contract.spec.fed_b) for contract in contracts]


def test_only_what_the_caller_hands_in_is_fed() -> None:
    x, y = (tf.placeholder(tf.float32, [64, 64]) for _ in range(2))
    w = tf.Variable(np.ones((64, 64), np.float32))
    assert fed(x @ w) == [(True, False)]
    assert fed(w @ x) == [(False, True)]
    assert fed(tf.reshape(x, [32, 128]) @ tf.reshape(y, [128, 32])) == [(True, True)]
    assert fed(tf.tanh(x) @ w) == [(False, False)]


def test_equal_products_differ_where_one_is_fed() -> None:
    x = tf.placeholder(tf.float32, [128, 128])
    w = tf.Variable(np.ones((128, 128), np.float32))
    assert sorted(fed(x @ (w @ x))) == [(False, True), (True, False)]


@pytest.mark.parametrize("shift", [0, 1, 7])
def test_values_do_not_depend_on_where_an_array_begins(shift: int) -> None:
    rng = np.random.default_rng(shift)
    a = rng.integers(-3, 4, (128, 160)).astype(np.float32)
    b = rng.integers(-3, 4, 160 * 144 + shift).astype(np.float32)[shift:].reshape(160, 144)
    x, y = tf.placeholder(tf.float32, a.shape), tf.placeholder(tf.float32, b.shape)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x @ y, {x: a, y: b}), a @ b)  # whole numbers: exact
