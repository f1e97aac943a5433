"""What bad input to the compiler gets: whole texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import aot, compiler, errors
from graphc.aot import link
from tests.aot import models


@pytest.fixture
def step() -> models.Step:
    return models.line()


def said(error: type[Exception], *arguments: Any, **options: Any) -> str:
    """The text of the error; the line of the user's file, which moves, as N."""
    with pytest.raises(error) as caught:
        aot.compile(*arguments, **options)
    return re.sub(r"(models|test_errors)\.py:\d+", r"\1.py:N", str(caught.value))


def test_names(step: models.Step, tmp_path: Path) -> None:
    for name in ("my-model", "2x", "", "static", "lambda"):
        assert said(ValueError, step.loss, step.feeds, tmp_path, name=name, batch=2) == (
            f"name {name!r} cannot name functions in C: wanted letters, digits and '_', and no keyword"
        )
    for name in ("numpy", "sys", "json", "graphc"):
        assert said(ValueError, step.loss, step.feeds, tmp_path, name=name, batch=2) == (
            f"name {name!r} is that of a Python module, which the loader {name}.py would hide: choose another"
        )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"^entry point 'load' cannot name a function: wanted letters, digits and "):
        aot.compile_entries({"load": (step.loss, step.feeds)}, tmp_path, batch=2)
    with pytest.raises(ValueError, match=r"^there is no entry point to compile$"):
        aot.compile_entries({}, tmp_path)


def test_options_of_another_kind(step: models.Step, tmp_path: Path) -> None:
    texts = {
        "target": "target is 3, wanted 'host' or the name of a family such as 'avx2'",
        "session": "session is 3, wanted a tf.Session",
        "shapes": "shapes is 3, wanted a dictionary of whole shapes by tensor or name",
    }
    for option, text in texts.items():
        assert said(TypeError, step.loss, step.feeds, tmp_path, **{"batch": 2, option: 3}) == text
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, shapes={"z": [2]}) == (
        "shapes speaks of 'z', which is not among the feeds"
    )


def test_unknown_sizes(step: models.Step, tmp_path: Path) -> None:
    assert said(ValueError, step.loss, step.feeds, tmp_path) == (
        "the first size of feed Placeholder 'x' (declared at models.py:N) of type f32[?,2] is not known: give batch=32 "
        "for a fixed size, or max_batch=256 for a size that the caller passes"
    )
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, max_batch=4) == (
        "give batch (a fixed size) or max_batch (the caller passes the size), not both"
    )
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=0) == (
        "batch is 0, wanted a whole number from 1 to 2147483648"
    )
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, shapes={"x": [2, 3]}) == (
        "shapes says [2, 3] for Placeholder 'x' (declared at models.py:N) of type f32[?,2]"
    )
    with tf.Graph().as_default():
        picture = tf.placeholder(tf.float32, [3, None], name="picture")
        assert said(ValueError, picture * 2, [picture], tmp_path, batch=2) == (
            "the shape of feed Placeholder 'picture' (declared at test_errors.py:N) of type f32[3,?] is not known: "
            "give it as shapes={'picture': [...]}"
        )
        model = aot.compile(picture * 2, [picture], tmp_path, shapes={picture: [3, 4]}).load()
        assert model.step(np.ones([3, 4])).sum() == 24


def test_sizes_that_do_not_fit_each_other(step: models.Step, tmp_path: Path) -> None:
    text = said(errors.InvalidArgumentError, step.loss, step.feeds, tmp_path, shapes={"x": [2, 2], "y": [3]})
    assert text.startswith("Sub 'sub' (declared at models.py:N): ")


def test_fetches_and_feeds(step: models.Step, tmp_path: Path) -> None:
    with step.graph.as_default():
        assert said(ValueError, "no/such:0", step.feeds, tmp_path) == (
            "Fetch argument 'no/such:0' cannot be interpreted as a Tensor. (The name 'no/such:0' refers to a Tensor "
            "which does not exist. The operation, 'no/such', does not exist in the graph.)"
        )
    assert said(ValueError, step.loss, step.feeds[:1], tmp_path, batch=2) == (
        "the fetches need Placeholder 'y' (declared at models.py:N) of type f32[?], which is not among the feeds"
    )
    nothing = "entry point 'step' has nothing to do: there is no tensor and no operation in its fetches"
    assert said(ValueError, [], step.feeds, tmp_path, batch=2) == nothing
    assert said(ValueError, [], [], tmp_path) == said(ValueError, {}, [], tmp_path) == nothing
    x, y = step.feeds
    twice = "Placeholder 'x' (declared at models.py:N) is twice among the feeds"
    assert said(ValueError, step.loss, [x, y, x], tmp_path, batch=2) == twice
    assert said(ValueError, step.loss, {"a": x, "b": y, "c": x}, tmp_path, batch=2) == twice
    assert said(TypeError, step.loss, step.feeds[0], tmp_path, batch=2).startswith(
        "feeds must be a list of tensors, or a dictionary from names to tensors, not <tf.Tensor 'x:0'"
    )
    assert said(TypeError, step.loss, [step.train], tmp_path, batch=2).startswith(
        "Cannot interpret feed_dict key as Tensor: "
    )


def test_threads_and_targets(step: models.Step, tmp_path: Path) -> None:
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, threads=0) == (
        "threads is 0, wanted a whole number from 1 to 4096"
    )
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, target="z80") == (
        "unknown target 'z80': choose one of avx2, avx512, neon, sse2"
    )


def test_uninitialised_session(step: models.Step, tmp_path: Path) -> None:
    with step.graph.as_default(), tf.Session() as session:
        text = said(errors.FailedPreconditionError, step.loss, step.feeds, tmp_path, batch=2, session=session)
    assert text == (
        "Attempting to use uninitialized value weights (VariableV2 'weights' (declared at models.py:N)); "
        "run its initializer in the session first"
    )


def test_ops_without_native_code(step: models.Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: Any, **__: Any) -> None:
        raise NotImplementedError("Svd has no lowering")

    monkeypatch.setattr(compiler, "build_program", build)
    assert said(errors.UnimplementedError, step.loss, step.feeds, tmp_path, batch=2) == (
        "ahead of time every op must be native code, but Svd has no lowering"
    )


def test_embedding_without_a_session(step: models.Step, tmp_path: Path) -> None:
    assert said(ValueError, step.loss, step.feeds, tmp_path, batch=2, embed=True) == (
        "embed keeps values of a session in the object: give session= too"
    )


def test_first_values_that_depend_on_feeds(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        start = tf.placeholder(tf.float32, [2], name="start")
        variable = tf.Variable(start, name="variable")
        assert said(ValueError, variable * 2, [], tmp_path) == (
            "the first value of a variable depends on Placeholder 'start' (declared at test_errors.py:N): "
            "give session= to take values from it"
        )


def test_variables_of_unknown_shape(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        variable = tf.Variable(tf.zeros([2]), name="loose", validate_shape=False)
        assert said(ValueError, variable * 2, [], tmp_path) == (
            "VariableV2 'loose' (declared at test_errors.py:N) has the shape [...]: ahead of time the sizes of "
            "variables must be known (declare it without validate_shape=False)"
        )


def test_without_a_c_compiler(step: models.Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "find_compiler", lambda triple: None)
    with pytest.warns(RuntimeWarning) as caught:
        artifact = aot.compile(step.loss, step.feeds, tmp_path, name="bare", batch=2)
    assert re.sub("for .*? [(]", "for TRIPLE (", str(caught[0].message)) == (
        "no C compiler was found for TRIPLE (cc, gcc or clang on the PATH, or CC): "
        f"{tmp_path / 'bare.o'} and {tmp_path / 'bare.h'} are written, and there is no shared library"
    )
    assert caught[0].filename == __file__
    assert artifact.library is None
    assert artifact.object.exists() and artifact.header.exists()
    with pytest.raises(ValueError, match=r"^'bare' has no shared library: its object .*bare.o is there to be linked$"):
        artifact.load()


def test_a_c_compiler_that_fails(step: models.Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc --no-such-option")
    text = said(RuntimeError, step.loss, step.feeds, tmp_path, name="bare", batch=2)
    assert text.startswith("cc --no-such-option -shared -pthread -o ")
    assert not list(tmp_path.glob("*.so*"))
