"""``tf.train.Coordinator``: threads that stop together, and tell why."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from graphc import errors
from graphc.frame import logging

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Coordinator:
    """Threads ask ``should_stop()``, any of them says ``request_stop(error)``, ``join`` waits and raises the error.

    Errors of ``clean_stop_exception_types`` (``OutOfRangeError`` by default: the data is at its end) stop without
    being raised.
    """

    def __init__(self, clean_stop_exception_types: Any = None):
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._problem: ExcInfo | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    def request_stop(self, ex: Any = None) -> None:
        """Threads are to stop; ``ex`` is an exception, or what ``sys.exc_info()`` gives, that ``join`` raises."""
        with self._lock:
            ex = self._filtered(ex)
            if self._joined:
                if isinstance(ex, tuple):
                    raise ex[1]
                if ex is not None:
                    raise ex
                return
            if self._stop.is_set():
                return
            if ex is not None and self._problem is None:
                logging.info(
                    "Error reported to Coordinator: %s, %s", type(ex) if not isinstance(ex, tuple) else ex[0],
                    ex if not isinstance(ex, tuple) else ex[1],
                )  # fmt: skip
                self._problem = ex if isinstance(ex, tuple) else (type(ex), ex, ex.__traceback__)
            self._stop.set()

    def _filtered(self, ex: Any) -> Any:
        """None for an error that is a clean stop."""
        value = ex[1] if isinstance(ex, tuple) else ex
        if value is not None and not isinstance(value, BaseException):
            raise TypeError(f"request_stop takes an exception or sys.exc_info(), not {ex!r}")
        return None if isinstance(value, self._clean) else ex

    def clear_stop(self) -> None:
        """Forgets that a stop was requested."""
        with self._lock:
            self._joined, self._problem = False, None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """An error inside requests a stop, and is kept for ``join``."""
        try:
            yield
        except Exception:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is requested; False where the time ran out before."""
        return self._stop.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """``join`` waits for this thread too."""
        with self._lock:
            self._threads.add(thread)

    def join(
        self, threads: Sequence[threading.Thread] | None = None, stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:  # fmt: skip
        """Waits for all threads to end, then raises the error of the one that failed first.

        Once a stop is requested they have the grace period: ``RuntimeError`` names those that are still alive then,
        unless they are to be ignored.
        """
        with self._lock:
            waited = self._threads | set(threads or ())
        while any(thread.is_alive() for thread in waited) and not self.wait_for_stop(0.02):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waited:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        alive = [thread.name for thread in waited if thread.is_alive() and thread is not threading.current_thread()]
        with self._lock:
            self._joined = True
            self._threads = set()
            problem = self._problem
        if problem is not None:
            raise problem[1].with_traceback(problem[2])
        if alive and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(alive)}")
        if alive:
            logging.info("Coordinator stopped with threads still running: %s", " ".join(alive))

    @property
    def joined(self) -> bool:
        """Whether ``join`` has returned."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the error that was handed to ``request_stop``, if one was."""
        with self._lock:
            if self._problem is not None:
                raise self._problem[1].with_traceback(self._problem[2])


class LooperThread(threading.Thread):
    """A thread that calls a function again and again until the coordinator stops."""

    def __init__(
        self, coord: Coordinator, timer_interval_secs: float | None, target: Callable[..., Any] | None = None,
        args: Any = None, kwargs: Any = None,
    ):  # fmt: skip
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord, self._interval = coord, timer_interval_secs
        self._work = None if target is None else lambda: target(*(args or ()), **(kwargs or {}))
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:  # fmt: skip
        """Starts such a thread."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._interval is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                next_time = time.monotonic()
                while not self._coord.wait_for_stop(max(0.0, next_time - time.monotonic())):
                    next_time += self._interval
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called when the thread begins."""

    def stop_loop(self) -> None:
        """Called when the thread ends."""

    def run_loop(self) -> None:
        """Called again and again: the target."""
        if self._work is not None:
            self._work()
