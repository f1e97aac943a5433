"""Rows for ops whose result has a size that is counted while the step runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import positions
from tests.ops.harness import ALL, FLOATS, Case, In

X = In((5, 4))
MASK = In((5,), "bool", values=[True, False, True, True, False])
NONE = In((5,), "bool", values=[False] * 5)


def _row(name: str, build: Any, reference: Any, *inputs: In, dtypes: Any = FLOATS, **more: Any) -> Case:
    return Case(name, build, reference, inputs or (X,), dtypes, **more)


def _masked_product(x: Any, mask: Any) -> list[Any]:
    """The same size twice, as a batch and as what is summed over."""
    part = tf.boolean_mask(x, mask)
    return [tf.matmul(part, tf.boolean_mask(x * x, mask), transpose_a=True), tf.reduce_mean(part, 0)]


def _masked_product_reference(x: Any, mask: Any) -> list[Any]:
    return [x[mask].T @ (x[mask] * x[mask]), np.sum(x[mask], 0) / np.sum(mask).astype(x.dtype)]


CASES: list[Case] = [
    _row("positions", positions.positions, np.flatnonzero, MASK, dtypes=("bool",)),
    _row("where of a vector", tf.where, np.argwhere, In((7,)), dtypes=ALL, differentiable=()),
    _row("where of a matrix", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), dtypes=("float32", "int32")),
    _row("where of a block", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), In((3, 2, 4)),
         dtypes=("float32",)),
    _row("where nothing is true", tf.where, np.argwhere, NONE, dtypes=("bool",)),
    _row("where of nothing", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), In((0, 3)), dtypes=("float32",)),
    _row("boolean_mask", tf.boolean_mask, lambda x, mask: x[mask], X, MASK, dtypes=ALL),
    _row("boolean_mask of all axes", tf.boolean_mask, lambda x, mask: x[mask], X, In((5, 4), "bool")),
    _row("boolean_mask along an axis", lambda x, mask: tf.boolean_mask(x, mask, axis=1), lambda x, mask: x[:, mask],
         In((3, 5, 2)), MASK),
    _row("boolean_mask from an axis on", lambda x, mask: tf.boolean_mask(x, mask, axis=1), lambda x, mask: x[:, mask],
         In((2, 3, 5, 2)), In((3, 5), "bool")),
    _row("boolean_mask that takes nothing", tf.boolean_mask, lambda x, mask: x[mask], X, NONE),
    _row("products over what a mask takes", _masked_product, _masked_product_reference, X, MASK),
    _row("parts behind each other", lambda x, mask: tf.concat([tf.boolean_mask(x, mask), x], 0),
         lambda x, mask: np.concatenate([x[mask], x]), X, MASK),
    _row("softmax of what a mask takes", lambda x, mask: tf.nn.softmax(tf.boolean_mask(x, mask), 0),
         lambda x, mask: np.exp(x[mask]) / np.exp(x[mask]).sum(0), X, MASK),
    _row("how many a mask takes", lambda x, mask: x * tf.cast(tf.shape(tf.where(mask))[0], x.dtype),
         lambda x, mask: x * np.sum(mask).astype(x.dtype), X, MASK),
]  # fmt: skip
