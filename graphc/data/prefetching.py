"""Elements prepared by a thread of their own, while the step before them runs."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

from graphc import errors
from graphc.data.elements import Element
from graphc.data.stage import Run, Stage, number
from graphc.nodes import Tensor
from graphc.ops.host import running_in

AUTOTUNE_SIZE = 4  # elements that AUTOTUNE keeps ready


class Prefetch(Stage):
    """The elements before it, up to ``size`` of them ready in advance."""

    def __init__(self, parent: Stage, size: Tensor):
        self.parents, self.own = (parent,), (size,)
        self.elements = parent.elements

    def tokens(self, run: Run) -> Iterator[Any]:
        size = number(run, self.own[0])
        if size < -1:
            raise errors.InvalidArgumentError(None, None, f"prefetch: buffer_size must be >= 0 or AUTOTUNE, not {size}")
        elements = self.parents[0].iterate(run)
        if size == 0:
            return elements
        ready = _Ready(AUTOTUNE_SIZE if size == -1 else size)
        run.ends.append(ready.stop)
        threading.Thread(
            target=_fill, args=(ready, elements, run.resources), name="graphc-prefetch", daemon=True
        ).start()
        return _Prefetched(ready)


class _Ready:
    """What the thread has prepared and nobody has taken yet."""

    def __init__(self, size: int):
        self.size = size
        self.items: deque[tuple[Any, BaseException | None]] = deque()
        self.ended = self.stopped = False
        self.changed = threading.Condition()
        self.left = threading.Event()  # the thread is at its end
        _all.add(self)

    def put(self, element: Any, error: BaseException | None = None) -> bool:
        """Adds one, once there is room; False where nobody wants more."""
        with self.changed:
            while len(self.items) >= self.size and not self.stopped:
                self.changed.wait()
            self.items.append((element, error))
            self.changed.notify_all()
            return not self.stopped

    def end(self) -> None:
        """There are no more."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def take(self) -> Element:
        """The next one, once it is there."""
        with self.changed:
            while not self.items and not self.ended and not self.stopped:
                self.changed.wait()
            if self.stopped:
                raise errors.CancelledError(None, None, "the iterator was stopped: its session is closed")
            if not self.items:
                raise StopIteration
            element, error = self.items.popleft()
            self.changed.notify_all()
        if error is not None:
            raise error
        return element

    def stop(self) -> None:
        """Nobody wants more: the thread ends."""
        with self.changed:
            self.stopped = True
            self.items.clear()
            self.changed.notify_all()


_all: weakref.WeakSet[_Ready] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """No thread may be in the middle of native code when the process takes itself apart."""
    waiting = list(_all)
    for ready in waiting:
        ready.stop()
    for ready in waiting:
        ready.left.wait(2.0)


class _Prefetched(Iterator[Any]):
    """The consumer's end; when nobody holds it any more, the thread stops."""

    def __init__(self, ready: _Ready):
        self._ready = ready
        weakref.finalize(self, ready.stop)

    def __next__(self) -> Any:
        return self._ready.take()


def _fill(ready: _Ready, elements: Iterator[Any], resources: dict[Any, Any]) -> None:
    """What the thread does: it goes on after an error, as one that asks for the next element may."""
    try:
        with running_in(resources):
            while True:
                try:
                    element = next(elements)
                except StopIteration:
                    break
                except Exception as error:
                    if not ready.put(None, error):
                        break
                    continue
                if not ready.put(element):
                    break
    finally:
        ready.end()
        ready.left.set()
