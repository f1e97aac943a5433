"""Cells and their loops against TensorFlow in version 1 mode: names of variables, shapes, values and gradients."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import graphc
from tests.recurrent.programs import LENGTHS, X, cells, declared

pytestmark = [pytest.mark.peer("tensorflow", "tf_keras"), pytest.mark.filterwarnings("ignore")]
CASES = [
    *((name, "dynamic", True) for name in cells(graphc)),
    ("basic lstm", "dynamic", False),
    ("lstm", "static", False),
    ("layers", "static", True),
    ("layers", "steps first", True),
    ("gru", "both", False),
    ("basic lstm", "both", True),
]


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the cells are in the package tf_keras
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    return tf


def _run(tf: Any, name: str, form: str, with_lengths: bool) -> tuple[list[str], list[Any], list[Any]]:
    with tf.Graph().as_default(), tf.Session() as session:
        inputs, weights, fetches, names = declared(tf, name, form, with_lengths)
        session.run(tf.global_variables_initializer())
        session.run(weights)
        shapes = [x.shape.as_list() for x in fetches]
        return names, shapes, session.run(fetches, dict(zip(inputs, (X, LENGTHS), strict=True)))


@pytest.mark.parametrize(("name", "form", "with_lengths"), CASES)
def test_names_shapes_values_and_gradients(name: str, form: str, with_lengths: bool, tensorflow: Any) -> None:
    names, shapes, values = _run(graphc, name, form, with_lengths)
    wanted_names, wanted_shapes, wanted = _run(tensorflow, name, form, with_lengths)
    assert names == wanted_names
    assert shapes[0] == wanted_shapes[0]
    for found, other in zip(values, wanted, strict=True):
        np.testing.assert_allclose(found, other, rtol=2e-5, atol=2e-6)
