"""Values rounded to few bits: as TensorFlow rounds them, with adjoints that go straight through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf

X = np.array([[-7.5, -0.8, -0.5, 0.0], [0.3, 0.8, 3.21, 9.0]], np.float32)
LIMITS = np.array([-1.0, -0.5, -2.0, -3.0], np.float32), np.array([1.5, 0.5, 2.5, 4.0], np.float32)


def _results(tf: Any, session: Any) -> dict[str, Any]:
    q = tf.quantization
    with tf.Graph().as_default():
        x, low, high = tf.constant(X), tf.constant(-0.9), tf.constant(2.0)
        made = {
            "of the input": q.quantize_and_dequantize(x, 0.0, 0.0),
            "given": q.quantize_and_dequantize(x, -1.0, 1.0, range_given=True, round_mode="HALF_UP"),
            "narrow": q.quantize_and_dequantize(x, -1.0, 3.0, range_given=True, num_bits=5, narrow_range=True),
            "unsigned": q.quantize_and_dequantize(tf.abs(x), 0.0, 0.0, signed_input=False, num_bits=4),
            "args": q.fake_quant_with_min_max_args(x, -1.0, 2.5),
            "above zero": q.fake_quant_with_min_max_args(x, 0.5, 2.5, num_bits=4),
            "vars": q.fake_quant_with_min_max_vars(x, low, high, num_bits=3, narrow_range=True),
            "per channel": q.fake_quant_with_min_max_vars_per_channel(x, *map(tf.constant, LIMITS)),
        }
        made["gradients"] = tf.gradients(tf.square(made["vars"]), [x, low, high])
        made["straight"] = tf.gradients(tf.square(made["of the input"]), x)[0]
        return session().run(made)


@pytest.mark.peer("tensorflow")
def test_values_and_adjoints_are_those_of_tensorflow() -> None:
    import tensorflow

    found, wanted = _results(tf, tf.Session), _results(tensorflow.compat.v1, tensorflow.compat.v1.Session)
    for name, value in wanted.items():
        for own, other in zip(found[name], value, strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-7, err_msg=name)


def test_few_bits_make_few_values() -> None:
    found = _results(tf, tf.Session)
    assert len(np.unique(found["unsigned"])) <= 16
    np.testing.assert_allclose(found["args"], np.clip(np.round(X * (255 / 3.5)), -73, 182) * (3.5 / 255), atol=1e-6)
    own, low, high = found["gradients"]
    outside = (X < -1) | (X > 2)
    assert (own[outside] == 0).all() and (own[~outside] == 2 * found["vars"][~outside]).all()
    np.testing.assert_allclose([low, high], [2 * found["vars"][X < -1].sum(), 2 * found["vars"][X > 2].sum()])
    np.testing.assert_allclose(found["straight"], 2 * found["of the input"])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: tf.quantization.quantize_and_dequantize(X, 0.0, 1.0, round_mode="UP"), "round_mode must be HALF_TO"),
        (lambda: tf.fake_quant_with_min_max_args(X, 2, 1), "needs min < max, not 2 and 1"),
        (lambda: tf.fake_quant_with_min_max_vars(X, 0.0, 1.0, num_bits=1), "num_bits must be between 2 and 16"),
    ],
)
def test_what_is_refused(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
    with pytest.raises(NotImplementedError, match=r"tf.quantization.quantize is not part of graphc"):
        tf.quantization.quantize(X, 0.0, 1.0, "uint8")
    with pytest.raises(AttributeError):
        _ = tf.quantization.no_such_name
