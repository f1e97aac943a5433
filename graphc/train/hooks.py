"""Hooks of a MonitoredSession: stopping, logging, watching for NaN, feeding, last values."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphc.frame import logging
from graphc.scopes import get_default_graph
from graphc.train.session_run_hook import SessionRunArgs, SessionRunHook
from graphc.train.step_counter import get_global_step


class NanLossDuringTrainingError(RuntimeError):
    """The loss became not-a-number."""

    def __str__(self) -> str:
        return "NaN loss during training."


class SecondOrStepTimer:
    """Says at which steps something is due: every so many seconds, or every so many steps."""

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None):
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._every_secs, self._every_steps = every_secs, every_steps
        self.reset()

    def reset(self) -> None:
        """As if it had never been due."""
        self._last_step: int | None = None
        self._last_time = 0.0

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is due at this step; the first time always, twice at one step never."""
        if self._last_step is None:
            return True
        if self._last_step == step:
            return False
        if self._every_secs is not None:
            return time.time() >= self._last_time + self._every_secs
        return self._every_steps is not None and step >= self._last_step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """It was done at this step; the seconds and steps since the time before, or a pair of None."""
        now, before = time.time(), self._last_step
        elapsed = (None, None) if before is None else (now - self._last_time, step - before)
        self._last_step, self._last_time = step, now
        return elapsed

    def last_triggered_step(self) -> int | None:
        """The step at which it was done last."""
        return self._last_step


def needed_global_step(hook: str) -> Any:
    """The global step; ``RuntimeError`` where the graph has none."""
    step = get_global_step()
    if step is None:
        raise RuntimeError(f"Global step should be created to use {hook}.")
    return step


class StopAtStepHook(SessionRunHook):
    """Ends the loop after ``num_steps`` more steps, or when the global step is ``last_step``."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None):
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps, self._last_step = num_steps, last_step

    def begin(self) -> None:
        self._global_step = needed_global_step("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last_step is None:
            self._last_step = int(session.run(self._global_step)) + (self._num_steps or 0)

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        # The value that was fetched is from before the run.
        last = self._last_step or 0
        if run_values.results + 1 >= last and run_context.session.run(self._global_step) >= last:
            run_context.request_stop()


class LoggingTensorHook(SessionRunHook):
    """Logs values every so many runs or seconds, and at the end if wanted: ``loss = 0.5, step = 100 (0.210 sec)``.

    ``tensors`` is a dictionary from labels to tensors or their names, or a list of them. ``formatter`` makes the line
    of a dictionary of values.
    """

    def __init__(
        self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ):  # fmt: skip
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._tensors, self._labels = dict(tensors), sorted(tensors)
        else:
            self._labels = [item if isinstance(item, str) else item.name for item in tensors]
            self._tensors = dict(zip(self._labels, tensors))
        self._formatter, self._at_end = formatter, at_end
        self._timer = None if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)

    def begin(self) -> None:
        if self._timer is not None:
            self._timer.reset()
        self._runs = 0
        self._fetched = {label: get_default_graph().as_graph_element(tensor) for label, tensor in self._tensors.items()}

    def before_run(self, run_context: Any) -> SessionRunArgs | None:
        self._due = self._timer is not None and self._timer.should_trigger_for_step(self._runs)
        return SessionRunArgs(self._fetched) if self._due else None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self._due:
            self._log(run_values.results)
        self._runs += 1

    def end(self, session: Any) -> None:
        if self._at_end:
            self._log(session.run(self._fetched))

    def _log(self, values: dict[str, Any]) -> None:
        elapsed = None if self._timer is None else self._timer.update_last_triggered_step(self._runs)[0]
        if self._formatter:
            logging.info(self._formatter(values))
            return
        with np.printoptions(suppress=True):
            text = ", ".join(f"{label} = {values[label]}" for label in self._labels)
        logging.info("%s", text if elapsed is None else f"{text} ({elapsed:.3f} sec)")


class NanTensorHook(SessionRunHook):
    """Watches the loss: not-a-number raises ``NanLossDuringTrainingError``, or ends the loop with an error line."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True):
        self._loss, self._fail = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if not math.isnan(run_values.results):
            return
        if self._fail:
            logging.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        logging.warning("Model diverged with loss = NaN.")
        run_context.request_stop()


class FeedFnHook(SessionRunHook):
    """Feeds what a function returns, called before each run."""

    def __init__(self, feed_fn: Callable[[], Any]):
        self.feed_fn = feed_fn

    def before_run(self, run_context: Any) -> SessionRunArgs:
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())


class FinalOpsHook(SessionRunHook):
    """Computes some values at the end: ``final_ops_values``."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None):
        self._final_ops, self._feeds = final_ops, final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values, once the session has ended."""
        return self._values

    def end(self, session: Any) -> None:
        if self._final_ops is not None:
            self._values = session.run(self._final_ops, feed_dict=self._feeds)


class GlobalStepWaiterHook(SessionRunHook):
    """Lets no run begin before the global step has come to a value, by another thread's work."""

    def __init__(self, wait_until_step: int):
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        self._waited = self._wait_until_step <= 0
        self._global_step = needed_global_step("_GlobalStepWaiterHook")

    def before_run(self, run_context: Any) -> None:
        if self._waited:
            return
        logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
        while (step := int(run_context.session.run(self._global_step))) < self._wait_until_step:
            logging.debug("Waiting for step %d: the global step is %d.", self._wait_until_step, step)
            time.sleep(0.5)
        self._waited = True


class ProfilerHook(SessionRunHook):
    """``NotImplementedError``: ``graphc.profile`` times the kernels of a step."""

    def __init__(self, *_: Any, **__: Any):
        raise NotImplementedError("tf.train.ProfilerHook: use graphc.profile, or graphc profile on the command line")
