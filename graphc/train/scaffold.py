"""``tf.train.Scaffold``: the operations a MonitoredSession needs, made where the program gives none."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from graphc.frame import logging
from graphc.ops.state import group
from graphc.scopes import GraphKeys, get_collection, get_collection_ref, get_default_graph
from graphc.train.saver import Saver
from graphc.variables import global_variables_initializer, local_variables_initializer


class Scaffold:
    """``init_op``, ``local_init_op``, ``ready_op``, ``summary_op`` and ``saver`` of a program.

    What is not given is made by :meth:`finalize`: the initialisers of global variables, of local variables and tables,
    all summaries merged, a saver of all variables. ``init_fn(scaffold, session)`` runs after ``init_op``. Without
    ``ready_op`` a session is ready when all variables have values.
    """

    def __init__(
        self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Callable[[Any, Any], Any] | None = None,
        ready_op: Any = None, ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None,
        saver: Any = None, copy_from_scaffold: Scaffold | None = None, local_init_feed_dict: Any = None,
    ):  # fmt: skip
        given = copy_from_scaffold
        self._init_fn: Callable[[Any], Any] | None = None
        if init_fn is not None:
            self._init_fn = lambda session: init_fn(self, session)
        elif given is not None:
            self._init_fn = given.init_fn
        self._init_op = _first(init_op, given, "init_op")
        self._init_feed_dict = _first(init_feed_dict, given, "init_feed_dict")
        self._ready_op = _first(ready_op, given, "ready_op")
        self._ready_for_local_init_op = _first(ready_for_local_init_op, given, "ready_for_local_init_op")
        self._local_init_op = _first(local_init_op, given, "local_init_op")
        self._local_init_feed_dict = _first(local_init_feed_dict, given, "local_init_feed_dict")
        self._summary_op = _first(summary_op, given, "summary_op")
        self._saver = _first(saver, given, "saver")

    def finalize(self) -> Scaffold:
        """Makes what is missing, and closes the graph."""
        if self._init_op is None:
            self._init_op = self.get_or_default("init_op", GraphKeys.INIT_OP, global_variables_initializer)
        if self._local_init_op is None:
            self._local_init_op = self.get_or_default(
                "local_init_op", GraphKeys.LOCAL_INIT_OP, self.default_local_init_op
            )
        if self._summary_op is None:
            self._summary_op = self.get_or_default("summary_op", GraphKeys.SUMMARY_OP, all_summaries)
        if self._saver is None:
            self._saver = saver_of_graph()
        self._saver.build()
        get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The one element of a collection, or what the function makes, which is then its element."""
        elements = get_collection(collection_key)
        if len(elements) > 1:
            raise RuntimeError(
                f"More than one item in the collection '{collection_key}'. Please indicate which one to use by passing "
                f"it to the tf.Scaffold constructor as: tf.Scaffold({arg_name}=item to use)"
            )
        if elements:
            return elements[0]
        made = default_constructor()
        if made is not None:
            get_collection_ref(collection_key).append(made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Gives local variables and tables their first values."""
        return group(local_variables_initializer(), *get_collection(GraphKeys.TABLE_INITIALIZERS))

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """Called with the session after ``init_op``."""
        return self._init_fn

    @property
    def init_op(self) -> Any:
        """Gives global variables their first values."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What is fed to ``init_op``."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """Gives the names of what is not ready; None where all variables are looked at instead."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Gives the names of what must be ready before ``local_init_op``; None where the global variables must."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """Gives local variables and tables their first values."""
        return self._local_init_op

    @property
    def local_init_feed_dict(self) -> Any:
        """What is fed to ``local_init_op``."""
        return self._local_init_feed_dict

    @property
    def summary_op(self) -> Any:
        """All summaries; None where there are none."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """Saves and restores the variables."""
        return self._saver


def _first(value: Any, other: Scaffold | None, name: str) -> Any:
    return value if value is not None or other is None else getattr(other, name)


def all_summaries() -> Any:
    """All summaries as one; None where there are none."""
    if not get_collection(GraphKeys.SUMMARIES):
        return None
    return import_module("graphc.summary").merge_all()  # with its protocol buffers it loads when needed


def saver_of_graph() -> Any:
    """The saver of the collection SAVERS, or one of all variables, which is then in it."""
    return Scaffold.get_or_default("saver", GraphKeys.SAVERS, lambda: Saver(allow_empty=True))
