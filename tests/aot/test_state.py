"""Saving and loading: training goes on bit for bit, and files that do not fit change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from tests.aot import models


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> aot.Artifact:
    step = models.line()
    folder = tmp_path_factory.mktemp("fitted")
    return aot.compile([step.loss, step.train], step.feeds, folder, name="fitted", batch=4)


BATCH = (np.ones([4, 2], np.float32), np.array([1, 2, 3, 4], np.float32))


def test_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    step = models.convolutional()
    batches = models.batches(step, 6, 8)
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=8)
    first, second = artifact.load(), artifact.load()
    for batch in batches[:3]:
        first.step(*batch)
    first.save(tmp_path / "middle.state")
    second.load(tmp_path / "middle.state")
    assert [first.step(*batch) for batch in batches[3:]] == [second.step(*batch) for batch in batches[3:]]


def test_a_state_file_can_be_read_without_the_library(fitted: aot.Artifact, tmp_path: Path) -> None:
    model = fitted.load()
    model.step(*BATCH)
    model.save(tmp_path / "one.state")
    values = aot.read_state(tmp_path / "one.state")
    assert values.keys() == model.variables.keys()
    for name, array in model.variables.items():
        assert values[name].tobytes() == array.tobytes()
        assert values[name].shape == array.shape


def test_positions_of_random_streams_are_part_of_the_state(tmp_path: Path) -> None:
    step = models.convolutional()
    model = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=8).load()
    (batch,) = models.batches(step, 1, 8)
    model.save(tmp_path / "before.state")
    model.step(*batch)
    model.save(tmp_path / "after.state")
    before, after = aot.read_state(tmp_path / "before.state"), aot.read_state(tmp_path / "after.state")
    (counter,) = set(before) - set(model.variables)
    assert counter.endswith("/counter")
    assert (before[counter], after[counter]) == (0, 8 * 48 * 256)


def refused(model: aot.Model, path: Path, error: type[Exception] = RuntimeError) -> str:
    """Why the file is refused; the variables are as before."""
    before = {name: array.copy() for name, array in model.variables.items()}
    with pytest.raises(error) as caught:
        model.load(path)
    for name, array in model.variables.items():
        np.testing.assert_array_equal(array, before[name])
    return str(caught.value)


def test_damaged_files_are_refused(fitted: aot.Artifact, tmp_path: Path) -> None:
    model = fitted.load()
    path = tmp_path / "a.state"
    model.save(path)
    model.step(*BATCH)
    content = path.read_bytes()
    text = f"the file is damaged: {path}"
    for place in (32, len(content) - 64, len(content) - 1):  # the sum, the first and the last byte of the state
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert refused(model, path) == text
    for wrong in (content[:-1], content + b"\0", content[:200]):
        path.write_bytes(wrong)
        assert refused(model, path) == text
    path.write_bytes(content)
    model.load(path)
    assert model.variables["weights"].tolist() == [[0.5], [-1.0]]


def test_other_files_are_refused(fitted: aot.Artifact, tmp_path: Path) -> None:
    model = fitted.load()
    with tf.Graph().as_default():
        weights = tf.get_variable("weights", [2, 2], initializer=tf.ones_initializer())
        other = aot.compile(weights, [], tmp_path, name="other").load()
    path = tmp_path / "b.state"
    other.save(path)
    assert refused(model, path) == f"the file holds the state of another model: {path}"
    content = path.read_bytes()
    path.write_bytes(b"G" + content[1:])
    assert refused(model, path) == f"the file holds no state that graphc saved: {path}"
    path.write_bytes(b"")
    assert refused(model, path) == f"the file holds no state that graphc saved: {path}"
    none = tmp_path / "none"
    assert refused(model, none, FileNotFoundError) == f"the file cannot be opened: {none}"


def test_a_save_that_fails_leaves_the_old_file(fitted: aot.Artifact, tmp_path: Path) -> None:
    model = fitted.load()
    with pytest.raises(FileNotFoundError) as caught:
        model.save(tmp_path / "no" / "such")
    assert str(caught.value) == f"the file cannot be opened: {tmp_path / 'no' / 'such'}"
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError) as caught:
        model.save(tmp_path / "taken")
    assert str(caught.value) == f"the file cannot be written: {tmp_path / 'taken'}"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_read_state_tells_what_is_wrong(fitted: aot.Artifact, tmp_path: Path) -> None:
    path = tmp_path / "c.state"
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"c\.state holds no state that graphc saved"):
        aot.read_state(path)
    fitted.load().save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"c\.state is damaged"):
        aot.read_state(path)
