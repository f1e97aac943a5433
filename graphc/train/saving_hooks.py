"""Hooks of a MonitoredSession that write files: checkpoints, summaries, steps per second."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from graphc.frame import logging
from graphc.scopes import GraphKeys, get_default_graph
from graphc.train.hooks import SecondOrStepTimer, needed_global_step
from graphc.train.session_run_hook import SessionRunArgs, SessionRunHook


def writer_of(folder: str) -> Any:
    """The writer of event files in a folder, one for all who ask."""
    return import_module("graphc.summary").FileWriterCache.get(folder)  # with its protocol buffers it loads when needed


def if_written(folder: str | None) -> Any:
    """The writer of a folder; None without a folder, and where the library for event files is not installed."""
    try:
        return writer_of(folder) if folder else None
    except ImportError as error:
        logging.warning("no event files are written: %s", error)
        return None


def write_graph_to(folder: str, graph: Any) -> None:
    """Makes a folder, with those above it, and writes the graph there as text, ``graph.pbtxt``."""
    import_module("graphc.train").write_graph(graph, folder, "graph.pbtxt")  # with its protocol buffers


class CheckpointSaverListener:
    """Called around the saving of a checkpoint; subclasses override what they need."""

    def begin(self) -> None:
        """Before the graph is closed."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """A checkpoint is about to be written."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """A checkpoint was written; True ends the loop."""

    def end(self, session: Any, global_step_value: int) -> None:
        """The loop has ended."""


class CheckpointSaverHook(SessionRunHook):
    """Saves when the session is made, every so many seconds or steps, and at the end."""

    def __init__(
        self, checkpoint_dir: str, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
        checkpoint_basename: str = "model.ckpt", scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
    ):  # fmt: skip
        logging.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver, self._scaffold = saver, scaffold
        self._folder = checkpoint_dir
        self._path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._listeners = list(listeners or [])
        self._steps_per_run = 1

    def begin(self) -> None:
        self._writer = if_written(self._folder)
        self._global_step = needed_global_step("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        write_graph_to(self._folder, session.graph)
        if self._writer is not None:
            self._writer.add_graph(session.graph)
        step = int(session.run(self._global_step))
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        # The value that was fetched is from before the run.
        if not self._timer.should_trigger_for_step(run_values.results + self._steps_per_run):
            return
        step = int(run_context.session.run(self._global_step))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        step = int(session.run(self._global_step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        """Writes a checkpoint; whether a listener wants the end."""
        for listener in self._listeners:
            listener.before_save(session, step)
        logging.info("Saving checkpoints for %d into %s.", step, self._path)
        self._used_saver().save(session, self._path, global_step=step)
        if self._writer is not None:
            self._writer.add_checkpoint(self._path, step)
        answers = [listener.after_save(session, step) for listener in self._listeners]
        return any(answers)

    def _used_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(
                f"CheckpointSaverHook takes the saver of the collection SAVERS, which has {len(savers)}: "
                "give it a saver or a scaffold"
            )
        return savers[0]


class StepCounterHook(SessionRunHook):
    """Logs the steps per second, and writes them where there is a folder or a writer."""

    def __init__(
        self, every_n_steps: int | None = 100, every_n_secs: float | None = None, output_dir: str | None = None,
        summary_writer: Any = None,
    ):  # fmt: skip
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps)
        self._writer, self._folder = summary_writer, output_dir

    def begin(self) -> None:
        if self._writer is None:
            self._writer = if_written(self._folder)
        self._global_step = needed_global_step("StepCounterHook")
        self._tag = f"{self._global_step.op.name}/sec"

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if not self._timer.should_trigger_for_step(int(run_values.results) + 1):
            return
        step = int(run_context.session.run(self._global_step))
        if not self._timer.should_trigger_for_step(step):
            return
        seconds, steps = self._timer.update_last_triggered_step(step)
        if seconds is not None and steps is not None:
            rate = steps / max(seconds, 1e-9)
            logging.info("%s: %g", self._tag, rate)
            if self._writer is not None:
                self._writer.add_scalar(self._tag, rate, step)


class SummarySaverHook(SessionRunHook):
    """Writes summaries every so many steps or seconds: ``summary_op``, or that of a scaffold."""

    def __init__(
        self, save_steps: int | None = None, save_secs: float | None = None, output_dir: str | None = None,
        summary_writer: Any = None, scaffold: Any = None, summary_op: Any = None,
    ):  # fmt: skip
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._scaffold, self._summary_op = scaffold, summary_op
        self._writer, self._folder = summary_writer, output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        if self._writer is None and self._folder:
            self._writer = writer_of(self._folder)
        self._next_step: int | None = None
        self._global_step = needed_global_step("SummarySaverHook")

    def before_run(self, run_context: Any) -> SessionRunArgs:
        self._due = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        fetches = {"global_step": self._global_step}
        summary = self._summary_op if self._scaffold is None else self._scaffold.summary_op
        if self._due and summary is not None:
            fetches["summary"] = summary
        return SessionRunArgs(fetches)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self._writer is None:
            return
        step = int(run_values.results["global_step"]) + 1
        if self._next_step is None or self._due:
            step = int(run_context.session.run(self._global_step))
        if self._next_step is None:
            self._writer.add_start(step)
        if self._due:
            self._timer.update_last_triggered_step(step)
            found = run_values.results.get("summary")
            for summary in found if isinstance(found, (list, tuple)) else [] if found is None else [found]:
                self._writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        if self._writer is not None:
            self._writer.flush()
