"""``slim.queues``: queue runners for the length of a ``with`` statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphc.queues.runner import start_queue_runners
from graphc.scopes import GraphKeys
from graphc.train.coordinator import Coordinator

__all__ = ["NestedQueueRunnerError", "QueueRunners"]


class NestedQueueRunnerError(Exception):
    """Runners were started inside the ``with`` of others."""


@contextmanager
def QueueRunners(session: Any) -> Iterator[None]:
    """Inside, the queue runners of the session's graph are under way; at the end they stop."""
    coord = Coordinator()
    threads = start_queue_runners(session, coord, daemon=True)
    if not threads and session.graph.get_collection(GraphKeys.QUEUE_RUNNERS):
        raise NestedQueueRunnerError("the queue runners of this session have been started already")
    try:
        yield
    finally:
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=120)
