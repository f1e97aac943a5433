"""``tf.train.MonitoredSession``: a session with hooks around each run, which knows when the training is to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from graphc import errors
from graphc.scopes import GraphKeys, get_default_graph
from graphc.session import Session
from graphc.train.coordinator import Coordinator
from graphc.train.saving_hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook
from graphc.train.scaffold import Scaffold
from graphc.train.session_manager import SessionManager
from graphc.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

USE_DEFAULT = object()
DATA_IS_AT_ITS_END = (errors.OutOfRangeError, StopIteration)


class SessionCreator:
    """Makes the session of a MonitoredSession."""

    def create_session(self) -> Session:
        """A session that is ready for use."""
        raise NotImplementedError(f"{type(self).__name__} has no create_session")


class ChiefSessionCreator(SessionCreator):
    """Restores the latest checkpoint of a folder, or runs the scaffold's initialisers."""

    def __init__(
        self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ):  # fmt: skip
        self._scaffold = scaffold or Scaffold()
        self._master, self._config = master, config
        self._folder, self._path = checkpoint_dir, checkpoint_filename_with_path

    def create_session(self) -> Session:
        scaffold = self._scaffold.finalize()
        manager = SessionManager(
            local_init_op=scaffold.local_init_op, local_init_feed_dict=scaffold.local_init_feed_dict,
            ready_op=scaffold.ready_op, ready_for_local_init_op=scaffold.ready_for_local_init_op,
        )  # fmt: skip
        return manager.prepare_session(
            self._master, saver=scaffold.saver, checkpoint_dir=self._folder,
            checkpoint_filename_with_path=self._path, config=self._config, init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict, init_fn=scaffold.init_fn,
        )  # fmt: skip


class WorkerSessionCreator(SessionCreator):
    """``NotImplementedError``: there is no chief in another process to wait for."""

    def __init__(self, scaffold: Any = None, master: str = "", config: Any = None, max_wait_secs: float = 1800):
        raise NotImplementedError("WorkerSessionCreator: graphc runs in one process; use ChiefSessionCreator")


class _MonitoredSession:
    """What both kinds share."""

    def __init__(
        self, session_creator: SessionCreator, hooks: Sequence[SessionRunHook] | None, stop_grace_period_secs: float
    ):
        self._graph = get_default_graph()
        self._hooks = list(hooks or [])
        self._stop, self._grace = False, stop_grace_period_secs
        for hook in self._hooks:
            hook.begin()
        self._session: Session | None = session_creator.create_session()
        self._coordinator = Coordinator(clean_stop_exception_types=())
        for runner in self._graph.get_collection(GraphKeys.QUEUE_RUNNERS):
            runner.create_threads(self._session, coord=self._coordinator, daemon=True, start=True)
        for hook in self._hooks:
            hook.after_create_session(self._session, self._coordinator)

    @property
    def graph(self) -> Any:
        """The graph, which is closed to further operations; None after the end."""
        return None if self._session is None else self._graph

    def _open(self) -> Session:
        if self._session is None:
            raise RuntimeError("Session is already closed.")
        return self._session

    def should_stop(self) -> bool:
        """Whether a hook, a thread, or the end of the data has asked for the end of the loop."""
        return self._session is None or self._stop or self._coordinator.should_stop()

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The values of ``fetches``, with the hooks called before and after; ``RuntimeError`` after the end."""
        session = self._open()
        try:
            return self._run(session, fetches, feed_dict, options, run_metadata)
        except Exception:
            # What stopped a thread that fills a queue is the reason; that the queue is closed only follows from it.
            self._coordinator.raise_requested_exception()
            raise

    def _run(self, session: Session, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any) -> Any:
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), session)
        wanted: dict[Any, Any] = {"caller": fetches}
        feeds: dict[Any, Any] = dict(feed_dict or {})
        fed_by_hooks: set[Any] = set()
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[hook] = request.fetches
            for tensor, value in (request.feed_dict or {}).items():
                if tensor in fed_by_hooks:
                    raise RuntimeError("Same tensor is fed by two hooks.")
                if tensor in feeds:
                    raise RuntimeError("Same tensor is fed by a SessionRunHook and user.")
                fed_by_hooks.add(tensor)
                feeds[tensor] = value
        results = session.run(wanted, feeds)
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(results.get(hook), options, run_metadata))
        self._stop = self._stop or context.stop_requested
        return results["caller"]

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """``step_fn(step_context)``: it may use the session without hooks, run with hooks, and ask for the end."""
        names = list(signature(step_fn).parameters)
        if names not in (["step_context"], ["self", "step_context"]):
            raise ValueError(f"`step_fn` may either have one `step_context` argument, but got {names}")
        context = StepContext(self._open(), self.run)
        return step_fn(*([self] if len(names) == 2 else []), context)

    def close(self) -> None:
        """Ends: the hooks are told, threads join, the session is closed."""
        self._close(failed=False)

    def _close(self, failed: bool) -> None:
        session = self._open()
        try:
            if not failed:
                for hook in self._hooks:
                    hook.end(session)
        finally:
            self._session = None
            self._graph.reopen()
            try:
                self._coordinator.request_stop()
                self._coordinator.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
            finally:
                session.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> bool:
        ended = kind is not None and issubclass(kind, DATA_IS_AT_ITS_END)
        if self._session is not None:
            self._close(failed=kind is not None and not ended)
        return ended


class StepContext:
    """What ``run_step_fn`` hands to its function."""

    def __init__(self, session: Session, run_with_hooks: Callable[..., Any]):
        self._session, self._run = session, run_with_hooks

    @property
    def session(self) -> Session:
        """The session without hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """A run with hooks around it."""
        return self._run(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the loop, by the exception that a MonitoredSession takes as its end."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class MonitoredSession(_MonitoredSession):
    """A session that initialises, runs hooks and ends in order::

        with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1000)]) as session:
            while not session.should_stop():
                session.run(train_op)

    ``OutOfRangeError`` and ``StopIteration`` end the ``with`` without being raised. Other errors are raised: a session
    of one process has nothing to recover from.
    """

    def __init__(
        self, session_creator: SessionCreator | None = None, hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ):  # fmt: skip
        super().__init__(session_creator or ChiefSessionCreator(), hooks, stop_grace_period_secs)

    StepContext = StepContext


class SingularMonitoredSession(_MonitoredSession):
    """As MonitoredSession, and gives the session inside: :meth:`raw_session`."""

    def __init__(
        self, hooks: Sequence[SessionRunHook] | None = None, scaffold: Scaffold | None = None, master: str = "",
        config: Any = None, checkpoint_dir: str | None = None, stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ):  # fmt: skip
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, stop_grace_period_secs)

    def raw_session(self) -> Session | None:
        """The session without hooks."""
        return self._session


def MonitoredTrainingSession(
    master: str = "", is_chief: bool = True, checkpoint_dir: str | None = None, scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None, chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT, config: Any = None, stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100, max_wait_secs: float = 7200, save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: str | None = None,
) -> MonitoredSession:  # fmt: skip
    """A MonitoredSession that saves checkpoints and summaries into a folder, and goes on where it left off there.

    Without other wishes: a checkpoint each 600 seconds, summaries each 100 steps, steps per second each 100 steps.
    """
    if not is_chief:
        raise NotImplementedError("MonitoredTrainingSession(is_chief=False): graphc runs in one process")
    seconds, steps = _or_default(save_checkpoint_secs, save_checkpoint_steps, 600, None)
    summary_seconds, summary_steps = _or_default(save_summaries_secs, save_summaries_steps, None, 100)
    scaffold = scaffold or Scaffold()
    all_hooks = [*(chief_only_hooks or [])]
    folder = summary_dir or checkpoint_dir
    if folder:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(StepCounterHook(every_n_steps=log_step_count_steps, output_dir=folder))
        has_summaries = scaffold.summary_op is not None or get_default_graph().get_collection(GraphKeys.SUMMARIES)
        if has_summaries and (_positive(summary_steps) or _positive(summary_seconds)):
            all_hooks.append(SummarySaverHook(summary_steps, summary_seconds, output_dir=folder, scaffold=scaffold))
    if checkpoint_dir and (_positive(seconds) or _positive(steps)):
        all_hooks.append(CheckpointSaverHook(checkpoint_dir, seconds, steps, scaffold=scaffold))
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, [*all_hooks, *(hooks or [])], stop_grace_period_secs)


def _or_default(seconds: Any, steps: Any, default_seconds: Any, default_steps: Any) -> tuple[Any, Any]:
    """Both where either is given, what is not given being None; the defaults where neither is."""
    if seconds is USE_DEFAULT and steps is USE_DEFAULT:
        return default_seconds, default_steps
    return (None if value is USE_DEFAULT else value for value in (seconds, steps))  # type: ignore[return-value]


def _positive(value: Any) -> bool:
    return value is not None and value > 0
