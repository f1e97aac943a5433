"""Checkpoints measured as they come: waiting for one, metrics of one, a loop over those to come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphc import dtypes, summary
from graphc.checkpoints.state import latest_checkpoint
from graphc.frame import logging
from graphc.initializers import Zeros
from graphc.scopes import GraphKeys, get_collection, get_default_graph
from graphc.train.hooks import FinalOpsHook
from graphc.train.monitored_session import ChiefSessionCreator, MonitoredSession
from graphc.train.scaffold import Scaffold
from graphc.train.session_run_hook import SessionRunHook
from graphc.train.step_counter import get_global_step
from graphc.variable_scope import get_variable

__all__ = [
    "StopAfterNEvalsHook", "SummaryAtEndHook", "checkpoints_iterator", "evaluate_once", "evaluate_repeatedly",
    "get_or_create_eval_step", "wait_for_new_checkpoint",
]  # fmt: skip


def wait_for_new_checkpoint(
    checkpoint_dir: str, last_checkpoint: str | None = None, seconds_to_sleep: float = 1, timeout: float | None = None
) -> str | None:
    """The path of a checkpoint other than ``last_checkpoint``, once there is one; None after ``timeout`` seconds."""
    logging.info("Waiting for new checkpoint at %s", checkpoint_dir)
    stop = None if timeout is None else time.time() + timeout
    while True:
        path = latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            logging.info("Found new checkpoint at %s", path)
            return path
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: str, min_interval_secs: float = 0, timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:  # fmt: skip
    """Each checkpoint of a folder as it comes, at least ``min_interval_secs`` apart.

    Where none comes for ``timeout`` seconds the loop ends, unless ``timeout_fn`` says to go on waiting (False).
    """
    path = None
    while True:
        following = wait_for_new_checkpoint(checkpoint_dir, path, timeout=timeout)
        if following is None:
            if timeout_fn is None or timeout_fn():
                logging.info("Timed-out waiting for new checkpoints.")
                return
            continue
        path, began = following, time.time()
        yield path
        time.sleep(max(0.0, min_interval_secs - (time.time() - began)))


def get_or_create_eval_step() -> Any:
    """The local variable that counts evaluations, made where there is none."""
    found = get_collection(GraphKeys.EVAL_STEP)
    if found:
        return found[0]
    return get_variable(
        "eval_step", [], dtypes.int64, Zeros(dtype=dtypes.int64), trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.EVAL_STEP],
    )  # fmt: skip


class StopAfterNEvalsHook(SessionRunHook):
    """Ends the loop after ``num_evals`` runs; None lets it go on to the end of its input."""

    def __init__(self, num_evals: int | None, log_progress: bool = True):
        self._num_evals, self._log = num_evals, log_progress

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._done = 0

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._done += 1
        if self._log:
            logging.info("Evaluation [%d%s]", self._done, f"/{self._num_evals}" if self._num_evals else "")
        if self._num_evals is not None and self._done >= self._num_evals:
            run_context.request_stop()


class SummaryAtEndHook(SessionRunHook):
    """Writes a summary when the loop has ended, with the global step; ``ValueError`` without a place to write to."""

    def __init__(
        self, log_dir: str | None = None, summary_writer: Any = None, summary_op: Any = None, feed_dict: Any = None
    ):
        if log_dir is None and summary_writer is None:
            raise ValueError("log_dir or summary_writer must be given")
        self._folder, self._writer, self._summary, self._feeds = log_dir, summary_writer, summary_op, feed_dict

    def begin(self) -> None:
        if self._summary is None:
            self._summary = summary.merge_all()
        self._step = get_global_step()

    def end(self, session: Any) -> None:
        if self._summary is None:
            return
        step = 0 if self._step is None else session.run(self._step, self._feeds)
        text = session.run(self._summary, self._feeds)
        writer = self._writer or summary.FileWriter(self._folder, get_default_graph())
        writer.add_summary(text, step)
        writer.flush()
        if self._writer is None:
            writer.close()


def evaluate_once(
    checkpoint_path: str, master: str = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None,
    final_ops: Any = None, final_ops_feed_dict: Any = None, hooks: Sequence[Any] | None = None, config: Any = None,
) -> Any:  # fmt: skip
    """The values of ``final_ops`` after ``eval_ops`` ran with the variables of a checkpoint, until a hook ends it."""
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_filename_with_path=checkpoint_path)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    with MonitoredSession(creator, [*(hooks or ()), final]) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    return final.final_ops_values


def evaluate_repeatedly(
    checkpoint_dir: str, master: str = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None,
    final_ops: Any = None, final_ops_feed_dict: Any = None, eval_interval_secs: float = 60,
    hooks: Sequence[Any] | None = None, config: Any = None, max_number_of_evaluations: int | None = None,
    timeout: float | None = None, timeout_fn: Callable[[], bool] | None = None,
) -> Any:  # fmt: skip
    """:func:`evaluate_once` of each checkpoint of a folder as it comes; the values of the last."""
    values, paths = None, checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn)
    for number, path in enumerate(paths, 1):
        values = evaluate_once(
            path, master, scaffold or Scaffold(), eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks, config
        )
        if max_number_of_evaluations is not None and number >= max_number_of_evaluations:
            break
    return values
