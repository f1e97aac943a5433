"""What a hook of a MonitoredSession is, and what it is told."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


class SessionRunHook:
    """Called around every ``run`` of a MonitoredSession; subclasses override what they need.

    ``begin`` once, while the graph can still be changed; ``after_create_session`` when a session is there;
    ``before_run`` and ``after_run`` around each run; ``end`` when all went well.
    """

    def begin(self) -> None:
        """Before the graph is closed: the place to add operations."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """A session was made, its variables have values."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """What this hook wants to have fetched and fed in the coming run."""

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """What came of it; ``run_context.request_stop()`` ends the program's loop."""

    def end(self, session: Any) -> None:
        """The loop ended without an error, the session is still there."""


class SessionRunArgs(namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """What a hook adds to a run: fetches, a feed dictionary, options."""

    __slots__ = ()

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> SessionRunArgs:
        """The parts that are not given are None."""
        return super().__new__(cls, fetches, feed_dict, options)


SessionRunValues = namedtuple("SessionRunValues", ["results", "options", "run_metadata"])


class SessionRunContext:
    """The run that is about to be, or was: its session and what the program asked for."""

    def __init__(self, original_args: SessionRunArgs, session: Any):
        self._original_args, self._session = original_args, session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the program's own ``run`` was given."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session, without hooks."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked for the end."""
        return self._stop_requested

    def request_stop(self) -> None:
        """The MonitoredSession's ``should_stop()`` is true from now on."""
        self._stop_requested = True
