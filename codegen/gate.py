"""The gate of a session: from what ``Session.run`` is asked for to the door of the step, in one built-in function.

Finding the plan, holding the session's lock and putting results together takes Python longer than a small step takes.
The gate is native code that does so for runs that were admitted::

    enter(fetches, feed_dict)     what was fetched; NotImplemented, and nothing has run, where it knows no way, or the
                                  step wants what it is fed to be looked at
    serve(key, values)            the same where the key is known

A way is admitted when a step has run by its door, under the tuple ``(fetches, *feed keys)`` in which a list or a tuple
of fetches is ``(its type, *its items)``, or under a callable's own. The session forgets all of them when its variables
move or it is closed, one when its callable ends or feeds have a shape that is new to the step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from graphc.codegen import jit, llvm
from graphc.codegen.door import Job, builtin, compiled, filled, opener, python_function
from graphc.codegen.target import host

_MOST_FEEDS = 1000
_ITEMS = tuple.__basicsize__  # where a tuple keeps its items
_HEAD = 5  # words of a way before its places


class Gate:
    """The function, for one session's lock and the ways that it keeps."""

    def __init__(self, lock: Any, ways: dict[Any, Any]):
        things = (lock.acquire, lock.release, ways, NotImplemented, None, dict, list, tuple)
        self._things = things  # kept alive
        self._words = (ctypes.c_int64 * (len(things) + 1))(*map(id, things), opener())
        self.enter = self._function("run", "graphc_enter")
        self.serve = self._function("call", "graphc_serve")

    def _function(self, name: str, symbol: str) -> Callable[..., Any]:
        return builtin(name, _library().address(symbol), ctypes.addressof(self._words))


def way(job: Job, busy: Any, refuse: Callable[..., Any], places: int | Sequence[int], kind: type, kept: Any) -> Any:
    """How a step is run through the gate.

    ``busy`` is a number in memory that is 1 while the step runs; ``refuse(status, feeds)`` raises what is wrong.
    ``places`` are those of what is fetched among the results, -1 for operations; and if there is not just one, these
    make a ``kind`` of list or tuple. What else must live is ``kept``.
    """
    found = [places] if isinstance(places, int) else list(places)
    shape = 0 if isinstance(places, int) else 1 if kind is list else 2
    words = (ctypes.c_int64 * (_HEAD + len(found)))(
        job.address, ctypes.addressof(busy), id(refuse), shape, len(found), *found
    )
    return ctypes.addressof(words), words, job, busy, refuse, kept


@lru_cache(maxsize=1)
def _library() -> jit.Library:
    names = ["PyLong_AsVoidPtr", "PyTuple_New", "PyTuple_SetItem", "PyTuple_GetItem", "PyTuple_Size"]
    names += ["PySequence_Tuple", "PyList_New", "PyList_SetItem", "PyList_AsTuple", "PyDict_Size", "PyDict_Next"]
    names += ["PyDict_GetItemWithError", "PyObject_CallNoArgs", "PyObject_CallFunctionObjArgs", "PyErr_Fetch"]
    names += ["PyErr_Restore", "PyErr_Clear", "Py_IncRef", "Py_DecRef"]
    words = {"triple": host().triple, "most": _MOST_FEEDS, "items": _ITEMS, "head": _HEAD}
    made = compiled("gate", lambda: filled("gate.ll", words), {n: partial(python_function, n) for n in names})
    llvm.rest()
    return made
