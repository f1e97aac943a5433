"""What was compiled ahead of time gives the Session's bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from tests.aot import models

STEPS = 20


def trained_in_session(step: models.Step, batches: list, threads: int = 1) -> tuple[list, dict[str, np.ndarray]]:
    """The loss of each step and the final variables."""
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    with step.graph.as_default(), tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        losses = [session.run([step.loss, step.train], dict(zip(step.feeds, batch)))[0] for batch in batches]
        return losses, {v.op.name: np.array(session.run(v)) for v in tf.global_variables()}


def assert_same(expected: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> None:
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert array.dtype == found[name].dtype
        assert array.tobytes() == np.ascontiguousarray(found[name]).tobytes(), name


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("declare", [models.perceptron, models.convolutional])
def test_training_equals_the_session(declare: Callable[[], models.Step], threads: int, tmp_path: Path) -> None:
    step = declare()
    batches = models.batches(step, STEPS, 32)
    losses, variables = trained_in_session(step, batches, threads)
    model = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=32, threads=threads).load()
    assert [model.step(*batch) for batch in batches] == losses
    assert losses[-1] < losses[0]
    assert_same(variables, model.variables)


def test_one_program_for_every_batch(tmp_path: Path) -> None:
    step = models.perceptron()
    sizes = [7, 16, 1, 30, 2, 7]
    batches = [models.batches(step, 1, size, seed=size)[0] for size in sizes]
    model = aot.compile([step.loss, step.train, step.scores], step.feeds, tmp_path, max_batch=30).load()
    with step.graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for batch in batches:
            expected, _, scores = session.run([step.loss, step.train, step.scores], dict(zip(step.feeds, batch)))
            found = model.step(*batch)
            np.testing.assert_allclose(found.loss, expected, rtol=1e-5)
            np.testing.assert_allclose(found.logits, scores, rtol=1e-5, atol=1e-5)


def test_entry_points_share_variables(tmp_path: Path) -> None:
    step = models.convolutional()
    entries = {"train": ([step.loss, step.train], step.feeds), "predict": (step.scores, step.feeds[:1])}
    batches = models.batches(step, 5, 16)
    model = aot.compile_entries(entries, tmp_path, batch=16).load()
    with step.graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for batch in batches:
            feeds = dict(zip(step.feeds, batch))
            assert model.train(*batch) == session.run([step.loss, step.train], feeds)[0]
            # Both draw from the dropout's stream, which goes on from where training left it.
            assert model.predict(batch[0]).tobytes() == session.run(step.scores, {step.feeds[0]: batch[0]}).tobytes()


@pytest.mark.parametrize("embed", [False, True])
def test_begins_with_the_values_of_a_session(embed: bool, tmp_path: Path) -> None:
    step = models.convolutional()
    batches = models.batches(step, 6, 16)
    with step.graph.as_default(), tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for batch in batches[:3]:
            session.run(step.train, dict(zip(step.feeds, batch)))
        artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=16, session=session, embed=embed)
        assert (artifact.state is None) == embed
        model = artifact.load()
        for batch in batches[3:]:
            assert model.step(*batch) == session.run([step.loss, step.train], dict(zip(step.feeds, batch)))[0]


def test_instances_are_independent(tmp_path: Path) -> None:
    step = models.line()
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=4)
    first, second = artifact.load(), artifact.load()
    (batch,) = models.batches(step, 1, 4)
    losses = [first.step(*batch) for _ in range(3)]
    assert [second.step(*batch) for _ in range(3)] == losses
    assert len(set(losses)) == 3
    second.variables["weights"][:] = [[0.5], [-1.0]]
    second.variables["weights/Momentum"][:] = 0
    assert second.step(*batch) == losses[0]


def test_feeds_that_are_not_needed_and_tensors_in_the_middle_can_be_fed(tmp_path: Path) -> None:
    step = models.line()
    model = aot.compile({"loss": step.loss}, {"unused": step.feeds[0], "scores": step.scores, "y": step.feeds[1]},
                        tmp_path, batch=3).load()  # fmt: skip
    assert model.step(np.zeros([3, 2]), np.array([1.0, 2.0, 3.0]), y=np.zeros(3)) == np.float32(14 / 3)


def test_every_dtype_passes_through(tmp_path: Path) -> None:
    graph = tf.Graph()
    with graph.as_default():
        kinds = {"f": tf.float32, "d": tf.float64, "i": tf.int32, "l": tf.int64, "b": tf.bool, "u": tf.uint8}
        feeds = {name: tf.placeholder(kind, [3], name=name) for name, kind in kinds.items()}
        fetches = {
            "f2": feeds["f"] * 2, "d2": feeds["d"] * 2, "i2": feeds["i"] * 2, "l2": feeds["l"] * 2,
            "b2": tf.logical_not(feeds["b"]), "u2": tf.identity(feeds["u"]),
        }  # fmt: skip
    model = aot.compile(fetches, feeds, tmp_path).load()
    values = {"f": [1.5, 2, 3], "d": [0.1, 0.2, 0.3], "i": [1, -2, 3], "l": [2**40, 5, 6], "b": [True, False, True]}
    result = model.step(**{name: np.array(value) for name, value in values.items()}, u=np.array([1, 2, 255], np.uint8))
    assert result.d2.tolist() == [0.2, 0.4, 0.6]
    assert result.l2.tolist() == [2**41, 10, 12]
    assert result.b2.tolist() == [False, True, False]
    assert result.u2.tolist() == [1, 2, 255]
    assert [array.dtype.name for array in result] == ["float32", "float64", "int32", "int64", "bool", "uint8"]
