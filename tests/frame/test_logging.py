"""tf.logging writes TensorFlow's lines, and the switches between its ways of working."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def as_in_a_program() -> Iterator[None]:
    """No handlers on Python's root logger, where pytest puts its own, and the level of before afterwards."""
    root = logging.getLogger()
    kept, root.handlers = root.handlers, []
    before = tf.logging.get_verbosity()
    yield
    tf.logging.set_verbosity(before)
    root.handlers = kept


def test_lines_are_those_of_tensorflow(capsys: pytest.CaptureFixture[str]) -> None:
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.logging.info("step %d", 3)
    tf.logging.debug("hidden")
    tf.logging.log(tf.logging.WARN, "%s", "x")
    tf.logging.warn("y")
    tf.logging.error("z")
    tf.logging.fatal("end")
    tf.logging.flush()
    assert capsys.readouterr().err == (
        "INFO:tensorflow:step 3\nWARNING:tensorflow:x\nWARNING:tensorflow:y\nERROR:tensorflow:z\n"
        "CRITICAL:tensorflow:end\n"
    )


def test_a_program_shows_warnings_and_no_infos() -> None:
    program = "import graphc as tf; tf.logging.info('i'); tf.logging.warning('w'); print(tf.logging.get_verbosity())"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("30\n", "WARNING:tensorflow:w\n")


def test_some_times_only(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        tf.logging.log_every_n(tf.logging.ERROR, "every %d", 2, number)
        tf.logging.log_first_n(tf.logging.ERROR, "first %d", 2, number)
        tf.logging.log_if(tf.logging.ERROR, "if %d", number == 3, number)
    lines = [line.removeprefix("ERROR:tensorflow:") for line in capsys.readouterr().err.splitlines()]
    assert lines == ["every 0", "first 0", "first 1", "every 2", "if 3", "every 4"]


def test_switches_and_versions() -> None:
    for switch in (tf.disable_v2_behavior, tf.disable_eager_execution, tf.enable_resource_variables):
        switch()
    assert tf.executing_eagerly() is False
    assert tf.VERSION.startswith("1.15.")
    with pytest.raises(NotImplementedError, match=r"declare the operations and run them in a tf.Session"):
        tf.enable_eager_execution()
    with pytest.raises(NotImplementedError, match=r"tf.py_func"):
        tf.sysconfig.get_link_flags()
    assert tf.resource_loader.get_path_to_datafile("x") == __file__.replace("test_logging.py", "x")


def test_errors_and_their_numbers() -> None:
    kind = tf.errors.exception_type_from_error_code(tf.errors.UNAUTHENTICATED)
    assert kind is tf.errors.UnauthenticatedError
    assert tf.errors.error_code_from_exception_type(tf.errors.OutOfRangeError) == tf.errors.OUT_OF_RANGE == 11
    error = tf.errors.DataLossError(None, None, "broken")
    assert (error.error_code, error.message, error.op, str(error)) == (15, "broken", None, "broken")
