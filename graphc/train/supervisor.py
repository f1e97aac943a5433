"""``tf.train.Supervisor``: initialises or restores a session, and saves it and its summaries as time goes by."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.frame import logging
from graphc.graph import Graph
from graphc.scopes import GraphKeys, get_default_graph
from graphc.session import Session
from graphc.train.coordinator import Coordinator, LooperThread
from graphc.train.saving_hooks import if_written, write_graph_to
from graphc.train.scaffold import Scaffold, all_summaries, saver_of_graph
from graphc.train.session_manager import SessionManager
from graphc.train.step_counter import get_global_step
from graphc.variables import global_variables_initializer

USE_DEFAULT: Any = 0


class Supervisor:
    """Cares for a training session in one process::

        sv = tf.train.Supervisor(logdir="folder")
        with sv.managed_session() as sess:
            while not sv.should_stop():
                sess.run(train_op)

    Threads save a checkpoint each ``save_model_secs`` and summaries each ``save_summaries_secs``, where there is a
    ``logdir``; a checkpoint found there is restored.
    """

    USE_DEFAULT = USE_DEFAULT

    def __init__(
        self, graph: Graph | None = None, ready_op: Any = USE_DEFAULT, ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True, init_op: Any = USE_DEFAULT, init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT, logdir: str | None = None, summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT, global_step: Any = USE_DEFAULT, save_summaries_secs: float = 120,
        save_model_secs: float = 600, recovery_wait_secs: float = 30, stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt", session_manager: Any = None, summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], Any] | None = None, local_init_run_options: Any = None,
    ):  # fmt: skip
        if not is_chief:
            raise NotImplementedError("Supervisor(is_chief=False): graphc runs in one process")
        self._graph = get_default_graph() if graph is None else graph
        with self._graph.as_default():
            self.init_op = self._or_made(init_op, "init_op", GraphKeys.INIT_OP, global_variables_initializer)
            self.local_init_op = self._or_made(
                local_init_op, "local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op
            )
            self.saver = self._used_saver(saver)
            self.global_step = get_global_step() if global_step is USE_DEFAULT else global_step
            self.summary_op = self._used_summary(summary_op)
        self._ready_op = None if ready_op is USE_DEFAULT else ready_op
        self._init_feed_dict, self._init_fn = init_feed_dict, init_fn
        self._logdir, self._grace = logdir, stop_grace_secs
        self.save_summaries_secs, self.save_model_secs = save_summaries_secs, save_model_secs
        self.save_path = None if logdir is None else os.path.join(logdir, checkpoint_basename)
        self.summary_writer = if_written(logdir) if summary_writer is USE_DEFAULT else summary_writer
        self.coord = Coordinator()
        self.session_manager = session_manager or SessionManager(
            local_init_op=self.local_init_op, ready_op=self._ready_op, graph=self._graph,
            ready_for_local_init_op=None if ready_for_local_init_op is USE_DEFAULT else ready_for_local_init_op,
            recovery_wait_secs=recovery_wait_secs,
        )  # fmt: skip
        self._started = False
        self._graph.finalize()

    @staticmethod
    def _or_made(given: Any, name: str, key: str, make: Callable[[], Any]) -> Any:
        return Scaffold.get_or_default(name, key, make) if given is USE_DEFAULT else given

    @staticmethod
    def _used_saver(saver: Any) -> Any:
        return saver_of_graph() if saver is USE_DEFAULT else saver

    @staticmethod
    def _used_summary(summary_op: Any) -> Any:
        if summary_op is not USE_DEFAULT:
            return summary_op
        return Scaffold.get_or_default("summary_op", GraphKeys.SUMMARY_OP, all_summaries)

    # -- sessions ----------------------------------------------------------------------------------------

    def prepare_or_wait_for_session(
        self, master: str = "", config: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Session:  # fmt: skip
        """A session that is ready; the threads that save begin."""
        self.coord.clear_stop()
        session: Session = self.session_manager.prepare_session(
            master, init_op=self.init_op, saver=self.saver, checkpoint_dir=self._logdir,
            wait_for_checkpoint=wait_for_checkpoint, max_wait_secs=max_wait_secs, config=config,
            init_feed_dict=self._init_feed_dict, init_fn=self._init_fn,
        )  # fmt: skip
        if self._logdir:
            write_graph_to(self._logdir, self._graph)
        if self.summary_writer is not None:
            self.summary_writer.add_graph(self._graph)
        if start_standard_services:
            logging.info("Starting standard services.")
            self.start_standard_services(session)
        logging.info("Starting queue runners.")
        self.start_queue_runners(session)
        self._started = True
        return session

    PrepareSession = prepare_or_wait_for_session

    @contextmanager
    def managed_session(
        self, master: str = "", config: Any = None, start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Session]:  # fmt: skip
        """A session for a ``with``: errors inside stop the threads and are raised, the end of the data ends it."""
        session: Session | None = None
        try:
            session = self.prepare_or_wait_for_session(master, config, start_standard_services=start_standard_services)
            with session.as_default(), self._graph.as_default():
                yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                # Raises what a thread or the body reported, except for the end of the data.
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if session is not None:
                    session.close()

    def start_standard_services(self, sess: Any) -> list[LooperThread]:
        """Starts the threads that write summaries, steps per second and checkpoints."""
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return []
        threads = []
        if self.summary_writer is not None:
            if self.summary_op is not None and self.save_summaries_secs:
                threads.append(LooperThread(self.coord, self.save_summaries_secs, self._save_summaries, [sess]))
            if self.global_step is not None and self.save_summaries_secs:
                threads.append(_StepCounter(self, sess))
        if self.saver is not None and self.save_model_secs:
            threads.append(LooperThread(self.coord, self.save_model_secs, self._save_model, [sess]))
        for thread in threads:
            thread.start()
        return threads

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[Any] | None = None) -> list[Any]:
        """Starts the threads that fill queues."""
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        made = [runner.create_threads(sess, coord=self.coord, daemon=True, start=True) for runner in queue_runners]
        return [thread for threads in made for thread in threads]

    StartStandardServices, StartQueueRunners = start_standard_services, start_queue_runners

    def _save_summaries(self, session: Session) -> None:
        fetched = session.run([self.summary_op] + ([] if self.global_step is None else [self.global_step]))
        self.summary_writer.add_summary(*fetched)

    def _save_model(self, session: Session) -> None:
        self.saver.save(session, self.save_path, global_step=self.global_step)

    # -- the end -----------------------------------------------------------------------------------------

    def loop(
        self, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Starts a thread that calls ``target`` every so many seconds until the end."""
        return LooperThread.loop(self.coord, timer_interval_secs, target, args, kwargs)

    def should_stop(self) -> bool:
        """Whether the loop is to end."""
        return self.coord.should_stop()

    def request_stop(self, ex: Any = None) -> None:
        """The loop is to end, perhaps for an error."""
        self.coord.request_stop(ex)

    def wait_for_stop(self) -> None:
        """Waits for the end."""
        self.coord.wait_for_stop()

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = False) -> None:
        """Ends all threads, and raises what one of them reported."""
        self.coord.request_stop()
        try:
            self.coord.join(threads, self._grace, ignore_live_threads)
        finally:
            if close_summary_writer and self.summary_writer is not None and self._started:
                self.summary_writer.close()
            self._started = False
            self._graph.reopen()

    Loop, ShouldStop, RequestStop, Stop, WaitForStop = loop, should_stop, request_stop, stop, wait_for_stop

    # -- summaries ---------------------------------------------------------------------------------------

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that the program has computed."""
        if not self.summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = int(sess.run(self.global_step))
        self.summary_writer.add_summary(summary, global_step)

    SummaryComputed = summary_computed


class _StepCounter(LooperThread):
    """Writes the steps per second."""

    def __init__(self, supervisor: Supervisor, session: Session):
        super().__init__(supervisor.coord, supervisor.save_summaries_secs)
        self._supervisor, self._session = supervisor, session

    def start_loop(self) -> None:
        self._last_time, self._last_step = time.monotonic(), self._step()

    def run_loop(self) -> None:
        now, step = time.monotonic(), self._step()
        rate = (step - self._last_step) / max(now - self._last_time, 1e-9)
        self._last_time, self._last_step = now, step
        name = self._supervisor.global_step.op.name
        logging.info("%s/sec: %g", name, rate)
        self._supervisor.summary_writer.add_scalar(f"{name}/sec", rate, step)

    def _step(self) -> int:
        return int(self._session.run(self._supervisor.global_step))
