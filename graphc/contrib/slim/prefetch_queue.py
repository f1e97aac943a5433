"""``slim.prefetch_queue``: whole batches made ready by threads of their own."""

from __future__ import annotations

from typing import Any

from graphc.queues.batches import Examples, complete
from graphc.queues.producers import note_fullness
from graphc.queues.queue import FIFOQueue, PaddingFIFOQueue, QueueBase
from graphc.scopes import name_scope

__all__ = ["prefetch_queue"]


def prefetch_queue(
    tensors: Any, capacity: int = 8, num_threads: int = 1, dynamic_pad: bool = False, shared_name: str | None = None,
    name: str | None = None,
) -> QueueBase:  # fmt: skip
    """A queue of what ``tensors`` (a list, or a dictionary) are in each run: ``dequeue()`` gives the next ones.

    A queue runner with ``num_threads`` threads is added to the graph. ``ValueError`` where shapes are not fully known.
    """
    with name_scope(name, "prefetch_queue"):
        examples = Examples([tensors], False, True)
        (row,) = examples.rows
        names = sorted(tensors) if isinstance(tensors, dict) else None
        kind: Any = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        shapes = complete(examples.shapes(None), dynamic_pad)
        queue: QueueBase = kind(capacity, [x.dtype for x in row], shapes, names, shared_name)
        examples.start(queue, num_threads)
        note_fullness(queue, capacity)
        return queue
