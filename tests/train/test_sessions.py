"""Sessions with hooks: when hooks are called and what they do, how sessions begin and end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


@pytest.fixture(name="lines")
def _lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(tf.logging, "info", lambda text, *args: found.append(text % args if args else text))
    return found


def counter() -> Any:
    """The global step and the operation that adds one to it."""
    step = tf.train.get_or_create_global_step()
    return step, tf.assign_add(step, 1)


class Recorder(tf.train.SessionRunHook):
    """Writes down when it is called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def begin(self) -> None:
        self.calls.append("begin")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append("created")

    def before_run(self, run_context: Any) -> Any:
        self.calls.append(("before", run_context.original_args.fetches))
        return tf.train.SessionRunArgs({"twice": "twice:0"})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.calls.append(("after", run_values.results))

    def end(self, session: Any) -> None:
        self.calls.append(("end", float(session.run("twice:0"))))


def test_hooks_are_called_in_order() -> None:
    x = tf.Variable(2.0)
    tf.multiply(x, 2.0, name="twice")
    hook = Recorder()
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        assert session.run("twice:0") == 4.0
        assert session.graph is tf.get_default_graph() and session.graph.finalized
    assert hook.calls == [
        "begin", "created", ("before", "twice:0"), ("after", {"twice": 4.0}), ("end", 4.0),
    ]  # fmt: skip
    assert not tf.get_default_graph().finalized
    with pytest.raises(RuntimeError, match="Session is already closed"):
        session.run("twice:0")


def test_the_loop_ends_at_a_step(lines: list[str]) -> None:
    step, add = counter()
    hooks = [
        tf.train.StopAtStepHook(num_steps=5),
        tf.train.LoggingTensorHook({"step": step}, every_n_iter=2, at_end=True),
    ]
    with tf.train.SingularMonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            session.run(add)
        assert session.raw_session().run(step) == 5
        with pytest.raises(RuntimeError, match="Run called even after should_stop requested"):
            session.run(add)
    shown = [line.split(" (")[0] for line in lines if line.startswith("step")]
    assert shown == ["step = 0", "step = 2", "step = 4", "step = 5"]


def test_errors_end_a_session(lines: list[str]) -> None:
    x = tf.placeholder(tf.float32, [])
    tf.constant(4.0, name="twice")
    hook = Recorder()
    with tf.train.MonitoredSession(hooks=[hook]):
        raise tf.errors.OutOfRangeError(None, None, "no more data")
    assert hook.calls == ["begin", "created", ("end", 4.0)]
    with pytest.raises(ValueError, match="mine"), tf.train.MonitoredSession():
        raise ValueError("mine")
    nan = tf.train.NanTensorHook(x)
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"),
        tf.train.MonitoredSession(hooks=[nan]) as session,
    ):
        session.run([], {x: 1.0})
        session.run([], {x: float("nan")})
    with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(x, fail_on_nan_loss=False)]) as session:
        session.run([], {x: float("nan")})
        assert session.should_stop()


def test_feeds_of_hooks() -> None:
    x = tf.placeholder(tf.float32, [])
    fed = tf.train.FeedFnHook(lambda: {x: 3.0})
    final, more = tf.train.FinalOpsHook(x * 2, {x: 5.0}), x + 1
    with tf.train.MonitoredSession(hooks=[fed, final]) as session:
        assert session.run(more) == 4.0
        with pytest.raises(RuntimeError, match="Same tensor is fed by a SessionRunHook and user"):
            session.run(x, {x: 1.0})
    assert final.final_ops_values == 10.0
    with (
        pytest.raises(RuntimeError, match="Same tensor is fed by two hooks"),
        tf.train.MonitoredSession(hooks=[fed, fed]) as session,
    ):
        session.run(x)


def test_a_training_session_goes_on_where_it_left_off(tmp_path: Path, lines: list[str]) -> None:
    step, add = counter()
    tf.Variable(1.5, name="x")
    told: list[Any] = []

    class Listener(tf.train.CheckpointSaverListener):
        def after_save(self, session: Any, global_step_value: int) -> Any:
            told.append(global_step_value)
            return global_step_value == 9

    for last in (5, 20):
        saver = tf.train.CheckpointSaverHook(
            str(tmp_path), save_steps=2, saver=tf.train.Saver(), listeners=[Listener()]
        )
        session = tf.train.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), save_checkpoint_secs=None, save_checkpoint_steps=None,
            hooks=[saver, tf.train.StopAtStepHook(last_step=last)], log_step_count_steps=2,
        )  # fmt: skip
        with session:
            while not session.should_stop():
                session.run(add)
    assert told == [0, 2, 4, 5, 5, 7, 9]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-9")
    assert [line.split(":")[0] for line in lines if "sec:" in line] == ["global_step/sec"] * 3
    assert step.op.name == "global_step"


def test_what_saves_makes_its_folder_and_writes_the_graph_there(tmp_path: Path) -> None:
    _, add = counter()
    folders = [str(tmp_path / kind / "deep") for kind in ("hook", "supervisor")]
    hook = tf.train.CheckpointSaverHook(folders[0], save_steps=1)
    with tf.Session() as session, pytest.raises(RuntimeError, match="collection SAVERS, which has 0: give it a saver"):
        session.run(tf.global_variables_initializer())
        hook.begin()
        hook.after_create_session(session, None)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        session.run(add)
    tf.get_default_graph().reopen()
    supervisor = tf.train.Supervisor(logdir=folders[1], summary_op=None, summary_writer=None, save_model_secs=0)
    with supervisor.managed_session() as session:
        supervisor.saver.save(session, supervisor.save_path, global_step=7)
    for folder, last in zip(folders, (1, 7), strict=True):
        assert tf.train.latest_checkpoint(folder) == f"{folder}/model.ckpt-{last}"
        assert 'name: "global_step"' in (Path(folder) / "graph.pbtxt").read_text()


def test_scaffolds() -> None:
    w = tf.Variable(1.0, name="w")
    v = tf.Variable(0.0, name="v")
    local = tf.get_local_variable("local", [], initializer=tf.ones_initializer())
    start = tf.group(w.initializer, tf.assign(v, 7.0))
    seen: list[Any] = []
    scaffold = tf.train.Scaffold(init_op=start, init_fn=lambda scaffold, session: seen.append(session.run(v)))
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)) as session:
        assert session.run([w, v, local]) == [1.0, 7.0, 1.0]
    assert seen == [7.0]
    wrong = tf.train.Scaffold(init_op=w.initializer)
    with pytest.raises(RuntimeError, match=r"did not make model ready\. .* not initialized: v"):
        tf.train.MonitoredSession(tf.train.ChiefSessionCreator(wrong))
    tf.get_default_graph().reopen()
    names = tf.report_uninitialized_variables()
    with tf.Session() as plain:
        plain.run(w.initializer)
        assert list(plain.run(names)) == [b"v", b"local"]
    by_op = tf.train.Scaffold(init_op=w.initializer, ready_op=names)
    with pytest.raises(RuntimeError, match="not initialized: v"):
        tf.train.MonitoredSession(tf.train.ChiefSessionCreator(by_op))


def test_step_functions() -> None:
    _, add = counter()
    hook = Recorder()
    tf.constant(3.0, name="twice")

    def step_fn(step_context: Any) -> Any:
        before = len(hook.calls)
        step_context.session.run(add)
        assert len(hook.calls) == before
        value = step_context.run_with_hooks(add)
        if value >= 4:
            step_context.request_stop()
        return value

    with tf.train.MonitoredSession(hooks=[hook]) as session:
        assert session.run_step_fn(step_fn) == 2
        session.run_step_fn(step_fn)
        pytest.fail("the end was asked for")
    with tf.train.MonitoredSession() as session, pytest.raises(ValueError, match="step_context"):
        session.run_step_fn(lambda other: None)


def test_a_supervisor_restores_and_saves(tmp_path: Path) -> None:
    step, add = counter()
    for wanted in (3, 6):
        supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0, save_model_secs=0)
        with supervisor.managed_session() as session:
            assert tf.get_default_session() is session
            while not supervisor.should_stop():
                if session.run(add) >= wanted:
                    supervisor.request_stop()
            assert session.run(step) == wanted
            supervisor.saver.save(session, supervisor.save_path, global_step=step)
    assert sorted(name for name in os.listdir(tmp_path) if "ckpt-6" in name)
    supervisor = tf.train.Supervisor(logdir=None)
    with pytest.raises(ValueError, match="mine"), supervisor.managed_session():
        raise ValueError("mine")
    timed = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0, save_model_secs=600)
    with timed.managed_session() as session:
        session.run(add)
        timed.loop(None, timed.request_stop)
        timed.wait_for_stop()


def test_threads_stop_together() -> None:
    coord = tf.train.Coordinator()
    turns: list[int] = []
    looper = tf.train.LooperThread.loop(coord, 0.001, lambda: turns.append(1))

    def fail() -> None:
        with coord.stop_on_exception():
            while len(turns) < 3:
                pass
            raise KeyError("mine")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(KeyError, match="mine"):
        coord.join([thread])
    assert coord.should_stop() and coord.joined and not looper.is_alive()
    coord.clear_stop()
    coord.request_stop(tf.errors.OutOfRangeError(None, None, "the end"))
    coord.join()
    stuck = threading.Event()
    late = threading.Thread(target=stuck.wait, name="late", daemon=True)
    late.start()
    coord.clear_stop()
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running: late"):
        coord.join([late], stop_grace_period_secs=0.01)
    coord.join([late], stop_grace_period_secs=0.01, ignore_live_threads=True)
    stuck.set()


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: tf.train.StopAtStepHook(), ValueError, "One of num_steps or last_step must be specified."),
        (lambda: tf.train.StopAtStepHook(1, 2), ValueError, "Only one of num_steps or last_step can be specified."),
        (lambda: tf.train.SecondOrStepTimer(), ValueError, "Either every_secs or every_steps should be provided."),
        (lambda: tf.train.SecondOrStepTimer(1, 2), ValueError, "Can not provide both every_secs and every_steps."),
        (
            lambda: tf.train.LoggingTensorHook({}),
            ValueError,
            "either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.",
        ),
        (
            lambda: tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1)]),
            RuntimeError,
            "Global step should be created to use StopAtStepHook.",
        ),
        (
            lambda: tf.train.ClusterSpec({}),
            NotImplementedError,
            "tf.train.ClusterSpec: graphc runs in one process, on all of its CPUs; leave the cluster out and use a "
            "tf.Session",
        ),
    ],
)
def test_errors(call: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text


def test_a_loop_without_cluster() -> None:
    with tf.device(tf.train.replica_device_setter()):
        x = tf.constant([1.0, 2.0])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x), [1, 2])
