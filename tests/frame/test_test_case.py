"""tf.test.TestCase: a test case of TensorFlow's passes, and its comparisons can fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf

PROGRAM = """
import numpy as np
import graphc as tf


class LayerTest(tf.test.TestCase):
    def setUp(self):
        super(LayerTest, self).setUp()
        self.x = tf.constant([[1.0, 2.0, 3.0]])

    def test_values(self):
        with self.test_session() as sess:
            self.assertAllClose(sess.run(self.x * 2), [[2, 4, 6]])
            self.assertAllEqual(self.x, [[1, 2, 3]])
            self.assertShapeEqual(np.ones([1, 3]), self.x)

    def test_variables_live_in_the_cached_session(self):
        v = tf.Variable(3.0)
        with self.cached_session():
            v.initializer.run()
        self.assertEqual(self.evaluate(v), 3.0)

    def test_random_numbers_come_again(self):
        self.assertAllInRange(tf.random_uniform([5]), 0, 1, open_upper_bound=True)

    def test_errors(self):
        p = tf.placeholder(tf.float32, [2])
        with self.session() as sess, self.assertRaisesOpError("must feed a value"):
            sess.run(p)
        with self.assertRaisesRegexp(ValueError, "shape") if hasattr(self, "assertRaisesRegexp") else self.assertRaises(ValueError):
            tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]), name="shape")

    def test_fails(self):
        self.assertAllClose([1.0], [1.1])


if __name__ == "__main__":
    tf.test.main()
"""  # noqa: E501


def test_a_program_of_tests(tmp_path: Path) -> None:
    path = tmp_path / "layer_test.py"
    path.write_text(PROGRAM)
    result = subprocess.run([sys.executable, "-W", "ignore", str(path), "-v"], capture_output=True, text=True)
    assert result.returncode == 1
    for name in ("test_errors", "test_values", "test_random_numbers", "test_variables_live"):
        assert re.search(rf"^{name}.* \.\.\. ok$", result.stderr, re.MULTILINE), name
    assert "FAILED (failures=1, skipped=1)" in result.stderr


class Case(tf.test.TestCase):
    """A case whose methods the tests below call."""

    __test__ = False

    def runTest(self) -> None:
        """Nothing."""


@pytest.fixture(name="case")
def _case() -> Any:
    case = Case()
    case.setUp()
    yield case
    case.tearDown()


def test_comparisons_hold(case: Any) -> None:
    case.assertAllClose({"a": [1.0, (2.0,)]}, {"a": [1.0 + 1e-7, (2.0,)]})
    case.assertAllClose([[1.0], [2.0, 3.0]], [[1.0], [2.0, 3.0]])
    case.assertAllEqual([float("nan"), 1], np.array([np.nan, 1]))
    case.assertArrayNear([1, 2], [1.1, 2.1], err=0.2)
    case.assertNear(1, 1.1, 0.2)
    case.assertNDArrayNear(np.ones(2), np.ones(2), 1e-6)
    case.assertAllInSet([1, 2], {1, 2, 3})
    case.assertNotAllClose([1.0], [2.0])
    case.assertAllCloseAccordingToType(np.float16([1.0]), np.float16([1.001]))
    assert os.path.isdir(case.get_temp_dir())
    with case.assertRaisesWithPredicateMatch(ValueError, lambda error: "x" in str(error)):
        raise ValueError("x")
    thread = case.checkedThread(lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="Error in checkedThread: ZeroDivisionError"):
        thread.join()


@pytest.mark.parametrize(
    "check",
    [
        lambda case: case.assertAllClose([1.0], [1.1]),
        lambda case: case.assertAllClose({"a": 1.0}, {"b": 1.0}),
        lambda case: case.assertAllClose([1.0], [[1.0]]),
        lambda case: case.assertAllEqual([1], [1, 1]),
        lambda case: case.assertAllEqual(1, [1, 1]),
        lambda case: case.assertArrayNear([1], [2], 0.5),
        lambda case: case.assertAllGreater([1, 2], 1),
        lambda case: case.assertAllInRange([0.0, 1.0], 0, 1, open_upper_bound=True),
        lambda case: case.assertNotNan([float("nan")]),
        lambda case: case.assertNotAllEqual([1], [1]),
        lambda case: case.assertShapeEqual(np.ones(3), tf.ones([2])),
    ],
)
def test_comparisons_fail(case: Any, check: Any) -> None:
    with pytest.raises(AssertionError):
        check(case)


def test_what_the_machine_has() -> None:
    assert not tf.test.is_gpu_available() and not tf.test.is_built_with_cuda()
    assert tf.test.gpu_device_name() == ""
    assert issubclass(tf.test.TestCase, unittest.TestCase)
