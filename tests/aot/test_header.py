"""The header's text, once whole, and its parts where names are odd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.aot.identifiers import Identifiers, is_identifier
from tests.aot import models

GOLDEN = Path(__file__).with_name("line.h")


def test_whole_header(tmp_path: Path) -> None:
    """After a wanted change, copy the new text over tests/aot/line.h and read the difference."""
    step = models.line()
    entries = {"train": ([step.loss, step.train], step.feeds), "predict": (step.scores, step.feeds[:1])}
    artifact = aot.compile_entries(
        entries, tmp_path, name="line", max_batch=16, threads=2, target="sse2", library=False
    )
    expected = GOLDEN.read_text().replace(" VERSION ", f" {tf.__version__} ")
    assert artifact.header.read_text() == expected


def test_odd_names(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        with tf.name_scope("float"):
            x = tf.placeholder(tf.float32, [], name="int")
        weights = tf.get_variable("class", initializer=1.0)
        gap = tf.get_variable("working", initializer=[1.0] * 5)
        flag = tf.get_variable("a/b", initializer=True)
        same = tf.get_variable("a_b", initializer=[3])
        result = tf.reduce_sum(x * weights * gap) + tf.cast(flag, tf.float32) + tf.cast(same[0], tf.float32)
        artifact = aot.compile({"return": result, "2nd*/": x}, {"self": x}, tmp_path, name="odd")
    text = artifact.header.read_text()
    assert "int odd_step(odd *self, const float *self_2, float *return_, float *v2nd__);" in text
    for declaration in ("float class_;", "float working_2[5];", "uint8_t a_b;", "int32_t a_b_2[1];"):
        assert declaration in text
    assert artifact.load().step(2.0).return_ == 14.0
    if compiler := shutil.which("cc"):
        strict = ["-std=c99", "-Wall", "-Werror", "-fsyntax-only", "-x", "c"]
        subprocess.run([compiler, *strict, artifact.header], check=True)


def test_complex_numbers_are_pairs_of_floats(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.complex64, [None, 3], name="x")
        v = tf.get_variable("v", initializer=np.array([1, 1j, 2 - 1j], np.complex64))
        y = tf.multiply(x, tf.assign(v, v * 1j), name="y")
        artifact = aot.compile(y, [x], tmp_path, name="turn", max_batch=4)
    text = artifact.header.read_text()
    assert "int turn_step(turn *self, int64_t batch, const float *x, float *y);" in text
    assert "float v[3 * 2]; /* 'v' c64[3] */" in text
    value = np.array([[1, 2, 3], [1j, -1j, 0.5]], np.complex64)
    model = artifact.load()
    np.testing.assert_allclose(model.step(value), value * [1j, -1, 1 + 2j])
    np.testing.assert_allclose(model.step(value.tolist()), value * [-1, -1j, -2 + 1j])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("hidden/kernel", "hidden_kernel"), ("x:1", "x_1"), ("1x", "v1x"), ("for", "for_"), ("é", "value")],
)
def test_identifiers(name: str, wanted: str) -> None:
    identifier = Identifiers().of(name)
    assert identifier == wanted
    assert is_identifier(identifier)


def test_identifiers_never_meet() -> None:
    names = Identifiers("a_b")
    given = [names.of(name) for name in ("a/b", "a_b", "a.b", "a_b_2")]
    assert given == ["a_b_2", "a_b_3", "a_b_4", "a_b_2_2"]
