"""All settings of optimizers, all reductions of losses, initializers by seed: the same as in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from tests.ops.harness import Array

pytestmark = [pytest.mark.peer("tensorflow"), pytest.mark.filterwarnings("ignore")]

RANDOM = np.random.RandomState(5)
START, LABELS = RANDOM.standard_normal((4, 5)), RANDOM.standard_normal((4, 5))
YES = RANDOM.randint(0, 2, (4, 5)).astype(np.float32)
STEPS = 4

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda t: t.GradientDescentOptimizer(0.1),
    "momentum": lambda t: t.MomentumOptimizer(0.1, 0.9),
    "Nesterov": lambda t: t.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "Adagrad": lambda t: t.AdagradOptimizer(0.1, 0.5),
    "Adadelta": lambda t: t.AdadeltaOptimizer(0.5, 0.9, 1e-6),
    "Adam": lambda t: t.AdamOptimizer(0.05, 0.8, 0.95, 1e-4),
    "RMSProp": lambda t: t.RMSPropOptimizer(0.05, 0.8, 0.5, 1e-4),
    "RMSProp centred": lambda t: t.RMSPropOptimizer(0.05, 0.8, 0.5, 1e-4, centered=True),
    "Ftrl": lambda t: t.FtrlOptimizer(0.1),
    "Ftrl with all": lambda t: t.FtrlOptimizer(0.1, -0.6, 0.2, 0.01, 0.02, l2_shrinkage_regularization_strength=0.03),
    "Ftrl with l1": lambda t: t.FtrlOptimizer(0.1, -0.5, 0.1, 0.3, 0.0),
    "Ftrl of fixed rate": lambda t: t.FtrlOptimizer(0.1, 0.0, 0.1, 0.01, 0.1),
    "proximal descent": lambda t: t.ProximalGradientDescentOptimizer(0.1, 0.05, 0.1),
    "proximal Adagrad": lambda t: t.ProximalAdagradOptimizer(0.1, 0.2, 0.05, 0.1),
    "AdagradDA": lambda t: t.AdagradDAOptimizer(0.1, t.get_or_create_global_step(), 0.2, 0.01, 0.02),
}
# TensorFlow's proximal optimizers hand float32 numbers to kernels of float64 and fail.
KINDS = [(name, kind) for name in OPTIMIZERS for kind in ("float32", "float64")
         if kind == "float32" or "proximal" not in name]  # fmt: skip


def _trained(tf: Any, name: str, dtype: str, rows: bool) -> list[Array]:
    """Variables and slots after some steps; with ``rows``, of gradients for some rows, one of them twice."""
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=tf.constant(START.astype(dtype)))
        u = tf.get_variable("u", initializer=tf.constant(np.array(0.7, dtype)))
        x = tf.gather(v, [2, 0, 2]) if rows else v
        optimizer = OPTIMIZERS[name](tf.train)
        step = optimizer.minimize(tf.reduce_sum(tf.square(x) * u + tf.sin(x)))
        slots = [optimizer.get_slot(w, slot) for slot in optimizer.get_slot_names() for w in (v, u)]
        session.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            session.run(step)
        return session.run([v, u, *(slot for slot in slots if slot is not None)])  # type: ignore[no-any-return]


@pytest.mark.parametrize("rows", [False, True], ids=["whole", "rows"])
@pytest.mark.parametrize("name, dtype", KINDS)
def test_optimizers(name: str, dtype: str, rows: bool) -> None:
    import tensorflow

    for ours, theirs in zip(
        _trained(graphc, name, dtype, rows), _trained(tensorflow.compat.v1, name, dtype, rows), strict=True
    ):
        assert ours.dtype == theirs.dtype
        tolerance = 1e-12 if dtype == "float64" else 4e-6
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


WEIGHTS = [
    1.0,
    2.5,
    0.0,
    *(
        w.astype(np.float32)
        for w in (
            RANDOM.uniform(0, 1, (4, 1)),
            RANDOM.uniform(0, 1, (4, 5)),
            RANDOM.uniform(0, 1, (1, 5)),
            YES,
            np.zeros((4, 5)),
        )
    ),
]
REDUCTIONS = ("NONE", "SUM", "MEAN", "SUM_OVER_BATCH_SIZE", "SUM_OVER_NONZERO_WEIGHTS", "SUM_BY_NONZERO_WEIGHTS")
Loss = Callable[[Any, Any, Any, str], Any]
ELEMENTWISE: dict[str, Loss] = {
    "mean_squared_error": lambda tf, x, w, r: tf.losses.mean_squared_error(LABELS, x, w, reduction=r),
    "absolute_difference": lambda tf, x, w, r: tf.losses.absolute_difference(LABELS, x, w, reduction=r),
    "log_loss": lambda tf, x, w, r: tf.losses.log_loss(YES, tf.sigmoid(x), w, reduction=r),
    "hinge_loss": lambda tf, x, w, r: tf.losses.hinge_loss(YES, x, w, reduction=r),
    "huber_loss": lambda tf, x, w, r: tf.losses.huber_loss(LABELS, x, w, delta=0.7, reduction=r),
    "sigmoid_cross_entropy": lambda tf, x, w, r: tf.losses.sigmoid_cross_entropy(YES, x, w, 0.1, reduction=r),
}
BY_ROWS: dict[str, Loss] = {
    "softmax_cross_entropy": lambda tf, x, w, r: tf.losses.softmax_cross_entropy(
        np.eye(5)[[0, 2, 4, 1]], x, _of_rows(w), 0.2, reduction=r),
    "sparse_softmax_cross_entropy": lambda tf, x, w, r: tf.losses.sparse_softmax_cross_entropy(
        [0, 2, 4, 1], x, _of_rows(w), reduction=r),
    "cosine_distance": lambda tf, x, w, r: tf.losses.cosine_distance(
        tf.nn.l2_normalize(tf.constant(LABELS, x.dtype), 1), tf.nn.l2_normalize(x, 1), 1, w, reduction=r),
    "mean_pairwise_squared_error": lambda tf, x, w, r: tf.losses.mean_pairwise_squared_error(LABELS, x, w),
}  # fmt: skip


def _of_rows(weights: Any) -> Any:
    return weights[:, 0] if isinstance(weights, np.ndarray) else weights


def _losses(tf: Any, loss: Loss, weights: list[Any]) -> list[Array]:
    """Each loss and its gradient, for all weights and reductions, in one step."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(START.astype(np.float32))
        found = [loss(tf, x, w, getattr(tf.losses.Reduction, r)) for w in weights for r in REDUCTIONS]
        return session.run(found + [tf.gradients(y, x)[0] for y in found])  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [*ELEMENTWISE, *BY_ROWS])
def test_losses(name: str) -> None:
    import tensorflow

    loss = {**ELEMENTWISE, **BY_ROWS}[name]
    weights = WEIGHTS if name in ELEMENTWISE else WEIGHTS[:4]
    found, wanted = (_losses(tf, loss, weights) for tf in (graphc, tensorflow.compat.v1))
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=4e-6, atol=4e-6)


INITIALIZERS: dict[str, Callable[[Any], Any]] = {
    "random_uniform": lambda tf: tf.random_uniform_initializer(-1, 3, seed=3),
    "random_normal": lambda tf: tf.random_normal_initializer(1, 2, seed=3),
    "truncated_normal": lambda tf: tf.truncated_normal_initializer(1, 2, seed=4),
    "uniform_unit_scaling": lambda tf: tf.uniform_unit_scaling_initializer(1.3, seed=4),
    "glorot_uniform": lambda tf: tf.glorot_uniform_initializer(seed=1),
    "glorot_normal": lambda tf: tf.glorot_normal_initializer(seed=1),
    "he_normal": lambda tf: tf.initializers.he_normal(seed=1),
    "he_uniform": lambda tf: tf.initializers.he_uniform(seed=2),
    "lecun_normal": lambda tf: tf.initializers.lecun_normal(seed=1),
    "lecun_uniform": lambda tf: tf.initializers.lecun_uniform(seed=2),
    **{f"variance_scaling {mode} {kind}": lambda tf, mode=mode, kind=kind: tf.variance_scaling_initializer(
        2.0, mode, kind, seed=9) for mode in ("fan_in", "fan_out", "fan_avg")
       for kind in ("truncated_normal", "untruncated_normal", "uniform")},
}  # fmt: skip


def _first_values(tf: Any) -> dict[str, list[Array]]:
    shapes = ([4, 6], [3, 2, 5, 4], [7], [])
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(11)
        return session.run({  # type: ignore[no-any-return]
            name: [make(tf)(shape, dtype=dtype) for shape in shapes for dtype in (tf.float32, tf.float64)]
            for name, make in INITIALIZERS.items()
        })  # fmt: skip


def test_initializers() -> None:
    import tensorflow

    found, wanted = _first_values(graphc), _first_values(tensorflow.compat.v1)
    for name, arrays in wanted.items():
        for ours, theirs in zip(found[name], arrays, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6, err_msg=name)
