"""Branches and loops against TensorFlow in version 1 mode: values and gradients of the same programs."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import graphc
from tests.control import growing
from tests.control.programs import PROGRAMS, W, X, declared

pytestmark = [pytest.mark.peer("tensorflow"), pytest.mark.filterwarnings("ignore")]

ALL = PROGRAMS | growing.PROGRAMS
CASES = [(name, n) for name, (_, ns) in ALL.items() for n in ns]


def run(tf: Any, name: str, n: int) -> list[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        inputs, outputs = declared(tf, name, ALL)
        grads = [g for g in tf.gradients(outputs, inputs[:2]) if g is not None]
        return session.run([*outputs, *grads], dict(zip(inputs, (X, W, n), strict=True)))


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    return tf


@pytest.mark.parametrize(("name", "n"), CASES)
def test_values_and_gradients(name: str, n: int, tensorflow: Any) -> None:
    for found, wanted in zip(run(graphc, name, n), run(tensorflow, name, n), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
