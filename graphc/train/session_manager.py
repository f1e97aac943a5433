"""``tf.train.SessionManager``: a session whose variables have values, from a checkpoint or from initialisers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from graphc.checkpoints.reader import checkpoint_exists
from graphc.checkpoints.state import get_checkpoint_state
from graphc.frame import logging
from graphc.frame.compat import as_str_any
from graphc.graph import Graph
from graphc.scopes import GraphKeys, get_default_graph
from graphc.session import Session
from graphc.train.saved_names import place_of


class SessionManager:
    """Makes sessions: restores the latest checkpoint, or runs initialisers, and checks that all is ready."""

    def __init__(
        self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None,
        graph: Graph | None = None, recovery_wait_secs: float = 30, local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ):  # fmt: skip
        self._graph = get_default_graph() if graph is None else graph
        self._local_init_op, self._local_init_feed_dict = local_init_op, local_init_feed_dict
        self._ready_op, self._ready_for_local_init_op = ready_op, ready_for_local_init_op
        self._wait_secs = recovery_wait_secs

    def prepare_session(
        self, master: str = "", init_op: Any = None, saver: Any = None, checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None, wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200, config: Any = None, init_feed_dict: Any = None,
        init_fn: Callable[[Any], Any] | None = None,
    ) -> Session:  # fmt: skip
        """A session that is ready: restored where there is a checkpoint, else initialised.

        ``RuntimeError`` where there is neither a checkpoint nor anything to initialise with, and where variables are
        left without values.
        """
        session = self._new_session(master, config)
        found = self._restored(
            session, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs
        )
        if not found:
            if init_op is None and init_fn is None and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                session.run(init_op, feed_dict=init_feed_dict)
            if init_fn is not None:
                init_fn(session)
        problem = self._local_init(session) or self._not_ready(session)
        if problem:
            raise RuntimeError(
                f"Init operations did not make model ready. Init op: {getattr(init_op, 'name', init_op)}, init fn: "
                f"{init_fn}, local_init_op: {getattr(self._local_init_op, 'name', None)}, error: {problem}"
            )
        return session

    def recover_session(
        self, master: str = "", saver: Any = None, checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None, wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200, config: Any = None,
    ) -> tuple[Session, bool]:  # fmt: skip
        """A session restored from a checkpoint, and whether it is ready for use."""
        session = self._new_session(master, config)
        if not self._restored(
            session, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs
        ):
            return session, False
        problem = self._local_init(session) or self._not_ready(session)
        if problem:
            logging.info("Restoring model from %s did not make model ready: %s", checkpoint_dir, problem)
        return session, not problem

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float = float("inf")) -> Any:
        """``NotImplementedError``: there is no other process that could initialise the variables."""
        raise NotImplementedError("SessionManager.wait_for_session: graphc runs in one process; use prepare_session")

    def _new_session(self, master: str, config: Any) -> Session:
        if master not in ("", "local"):
            raise NotImplementedError(f"a session on '{master}': graphc runs in one process; leave master empty")
        return Session(graph=self._graph, config=config)

    def _restored(
        self, session: Session, saver: Any, folder: str | None, path: str | None, wait: bool, max_wait: float
    ) -> bool:
        if folder and path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if saver is None or not (folder or path):
            return False
        if path:
            saver.restore(session, path)
            return True
        deadline = time.monotonic() + max_wait
        state = get_checkpoint_state(os.fspath(folder or ""))
        while not (state and state.model_checkpoint_path):
            if not wait or time.monotonic() > deadline:
                return False
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(self._wait_secs)
            state = get_checkpoint_state(os.fspath(folder or ""))
        if not checkpoint_exists(state.model_checkpoint_path):
            return False
        saver.restore(session, state.model_checkpoint_path)
        saver.recover_last_checkpoints(list(state.all_model_checkpoint_paths))
        return True

    def _local_init(self, session: Session) -> str:
        """Runs the local initialiser; what hinders it, or an empty text."""
        if self._local_init_op is None:
            return ""
        problem = self._missing(session, self._ready_for_local_init_op, [GraphKeys.GLOBAL_VARIABLES])
        if problem:
            return f"not ready for local_init: {problem}"
        logging.info("Running local_init_op.")
        session.run(self._local_init_op, feed_dict=self._local_init_feed_dict)
        logging.info("Done running local_init_op.")
        return ""

    def _not_ready(self, session: Session) -> str:
        return self._missing(session, self._ready_op, [GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES])

    def _missing(self, session: Session, op: Any, collections: list[str]) -> str:
        """What has no value yet, by the program's own operation or by a look at the session's variables."""
        if op is not None:
            found = session.run(op)
            names = [as_str_any(name) for name in ([] if found is None else found)]
        else:
            variables = [v for key in collections for v in self._graph.get_collection(key)]
            names = [v.op.name for v in variables if place_of(v) not in session.state.initialised]
        return f"Variables not initialized: {', '.join(names)}" if names else ""
