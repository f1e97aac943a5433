"""``tf.train.QueueRunner``: threads that fill a queue by running operations again and again."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from graphc import errors
from graphc.frame import logging
from graphc.scopes import GraphKeys, add_to_collection, get_default_graph, get_default_session


class QueueRunner:
    """One thread for each of ``enqueue_ops``; when all are at the end of their data, the queue is closed.

    An error of ``queue_closed_exception_types`` (``OutOfRangeError`` by default) is such an end; any other stops the
    coordinator. When that stops, enqueues that wait are cancelled.
    """

    def __init__(
        self, queue: Any = None, enqueue_ops: Sequence[Any] | None = None, close_op: Any = None, cancel_op: Any = None,
        queue_closed_exception_types: Any = None, queue_runner_def: Any = None, import_scope: str | None = None,
    ):  # fmt: skip
        if queue_runner_def is not None:
            raise NotImplementedError("a QueueRunner from a QueueRunnerDef is not provided; pass queue and enqueue_ops")
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self._queue, self._enqueue_ops = queue, list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        ends = (errors.OutOfRangeError,) if queue_closed_exception_types is None else queue_closed_exception_types
        if not isinstance(ends, tuple) or not ends or not all(issubclass(end, errors.OpError) for end in ends):
            raise TypeError(f"queue_closed_exception_types, when provided, must be a tuple of tf.errors, not {ends}")
        self._ends = ends
        self._lock = threading.Lock()
        self._running: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._errors: list[BaseException] = []

    @property
    def queue(self) -> Any:
        """The queue."""
        return self._queue

    @property
    def enqueue_ops(self) -> list[Any]:
        """The operations, one for each thread."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and refuses what waits for room."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> tuple[type, ...]:
        """The errors that say that the data is at its end."""
        return self._ends

    @property
    def name(self) -> str:
        """The name of the queue."""
        return str(self._queue.name)

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What threads without a coordinator have raised."""
        return self._errors

    def create_threads(
        self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """The threads for a session, none where they are under way; ``start`` starts them."""
        with self._lock:
            if self._running.get(sess, 0):
                return []
            self._running[sess] = len(self._enqueue_ops)
            self._errors = []
        threads = [threading.Thread(target=self._run, args=(sess, op, coord)) for op in self._enqueue_ops]
        if coord is not None:
            threads.append(threading.Thread(target=self._cancel_on_stop, args=(sess, coord)))
        for thread in threads:
            thread.name = f"QueueRunnerThread-{self.name}"
            if coord is not None:
                coord.register_thread(thread)
            thread.daemon = daemon
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, enqueue_op: Any, coord: Any) -> None:
        """What a thread does."""
        counted = True
        try:
            while coord is None or not coord.should_stop():
                try:
                    sess.run(enqueue_op)
                except self._ends:
                    counted = False
                    if self._leave(sess) == 0:
                        _quietly(sess, self._close_op)
                    return
        except Exception as error:
            if _is_closed(sess):
                return  # nobody is there to hear of it
            if coord is not None:
                coord.request_stop(sys.exc_info())
            else:
                logging.error("Exception in QueueRunner: %s", error)
                with self._lock:
                    self._errors.append(error)
        finally:
            if counted:
                self._leave(sess)

    def _leave(self, sess: Any) -> int:
        """Counts one thread less; how many are left."""
        with self._lock:
            self._running[sess] = self._running.get(sess, 1) - 1
            return self._running[sess]

    def _cancel_on_stop(self, sess: Any, coord: Any) -> None:
        coord.wait_for_stop()
        _quietly(sess, self._cancel_op)


def _quietly(sess: Any, operation: Any) -> None:
    """Runs the operation; what fails is logged, since the thread is at its end anyhow."""
    try:
        sess.run(operation)
    except Exception as error:
        if not _is_closed(sess):
            logging.info("Ignored exception: %s", error)


def _is_closed(sess: Any) -> bool:
    return bool(getattr(sess, "closed", False))


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a runner to the graph's collection, of which ``start_queue_runners`` starts all."""
    add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None, coord: Any = None, daemon: bool = True, start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:  # fmt: skip
    """Starts the threads of all runners of the graph in ``sess``, or in the default session; the threads."""
    if sess is None:
        sess = get_default_session()
        if sess is None:
            raise ValueError(
                "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an "
                "explicit session to tf.start_queue_runners(sess=sess)"
            )
    graph = getattr(sess, "graph", None) or get_default_graph()
    runners = graph.get_collection(collection)
    return [thread for r in runners for thread in r.create_threads(sess, coord=coord, daemon=daemon, start=start)]
