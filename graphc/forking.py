"""A fork waits until no run is under way: then the child has whole variables, and locks that nobody holds."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol


class Locked(Protocol):
    """A session, as far as it matters here."""

    lock: Any  # held while a step runs


def add(session: Locked) -> None:
    """Forks wait for this session, too, as long as it lives."""
    with _forking:
        _sessions.add(session)


_sessions: weakref.WeakSet[Locked] = weakref.WeakSet()
_forking = threading.RLock()  # one fork at a time, and no session begins meanwhile
_held_for_fork: list[Locked] = []


def _before_fork() -> None:
    busy = _hold_all()
    while busy is not None:
        with busy.lock:  # held alone until its run is over: that run may fork itself, or run other sessions
            busy = _hold_all()


def _hold_all() -> Locked | None:
    """Holds every session; where another thread has one, holds none and returns that one."""
    _forking.acquire()
    for session in list(_sessions):
        if not session.lock.acquire(blocking=False):
            _let_go()
            return session
        _held_for_fork.append(session)
    return None


def _let_go() -> None:
    while _held_for_fork:
        _held_for_fork.pop().lock.release()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_let_go, after_in_child=_let_go)
