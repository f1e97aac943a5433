"""The Session: holds the variables, compiles what is asked for, and runs it in one native call."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import errors, settings
from graphc.capture import capture
from graphc.config import ConfigProto
from graphc.faults import RefusedValue, explained
from graphc.feeding import check_fed_once, feed_target, feed_value, single_keys, single_values
from graphc.fetching import Fetches, Rebuild, key_of
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.host import end_all, running_in
from graphc.scopes import default_sessions, get_default_graph
from graphc.session_state import Array, State, check_loadable, uninitialised
from graphc.settled import OFTEN, constants_of, only_sets_constants
from graphc.shapes import shape_text
from graphc.step import Step
from graphc.versions import Versions, within_itself

if TYPE_CHECKING:
    from graphc.codegen.gate import Gate
    from graphc.executable import Executable
    from graphc.first_values import FirstValues

TURNS = 16  # as many runs of another shape than the gate serves pay for changing that, which takes as long as one


def _nothing_declared(graph: Graph, fetches: Any) -> RuntimeError:
    text = "The Session graph is empty. Add operations to the graph before calling run()."
    try:
        Fetches(graph, fetches)
    except (TypeError, ValueError) as error:  # names what was fetched, and where another graph declares it
        text += f" {error}"
    return RuntimeError(text)


class _Plan:
    """What one combination of fetches and feed keys needs: the step, its compiled versions, how results are shaped."""

    def __init__(self, session: BaseSession, fetches: Any, feeds: Sequence[Any]):
        parsed = Fetches(session.graph, fetches)
        self.rebuild = parsed.rebuild
        self.places = parsed.places(fetches)
        self.keys, (single, self.several) = feeds, single_keys(feeds)
        self.feeds = [feed_target(session.graph, key) for key in single]
        check_fed_once(self.feeds)
        self.step: Step = capture(parsed.tensors, parsed.operations, self.feeds)
        self._check_fed(self.feeds)
        self.used = [self.feeds.index(tensor) for tensor in self.step.feeds]
        self.in_order = self.used == list(range(len(self.feeds)))
        self.unread: dict[int, Any] = {}  # what kind of value, found to be right, was fed that the step does not read
        self.versions = Versions(self.step, session.threads)
        self.session = session
        if self.step.prints:
            self.rebuild = self._printing(parsed.rebuild)
        self.staged = None if self.step.is_native else staged(self.step, session.threads)
        self.untouched = OFTEN if only_sets_constants(self.step) else 0  # so many runs need no compiled code
        self.captured = parsed.tensors, parsed.operations
        self.first_values: dict[frozenset[Operation], FirstValues] = {}  # by the variables that have none
        self.ready: Executable | None = None  # served the last run, and serves every run with feeds of the same shapes
        self.repeats = 0  # runs that it has served
        self.running = ctypes.c_int64(0)  # 1 while the step runs; read and set by who holds the session's lock
        self.key: Any = None  # under which the session knows the plan

    def _admit(self, executable: Executable) -> None:
        """Lets the session's gate run a version from now on, where who asks by this key wants just this.

        Where feeds have two shapes by turns, the gate serves one of them and ``ready`` the other.
        """
        if self.key is not None and self.in_order and not (self.several or self.places is None or self.step.prints):
            self.session.admit(self, executable)

    def _printing(self, rebuild: Rebuild) -> Rebuild:
        """What puts results together, after writing those that are to be printed."""

        def write_and_rebuild(values: Sequence[Any]) -> Any:
            with running_in(self.session.resources):
                for node, places in self.step.prints:
                    node.kind.write([values[place] for place in places])  # type: ignore[attr-defined]
            return rebuild(values)

        return write_and_rebuild

    def _check_fed(self, feeds: Sequence[Tensor]) -> None:
        for tensor in self.step.feeds:
            if tensor not in feeds:
                raise errors.InvalidArgumentError(
                    tensor.op,
                    tensor.op,
                    f"You must feed a value for placeholder tensor '{tensor.op.name}' with dtype {tensor.dtype.name} "
                    f"and shape {shape_text(tensor.type.shape)} ({tensor.op.describe()})",
                )

    def run(self, values: Sequence[Any]) -> Any:
        """One run; ``values`` belong to the feed keys in order."""
        session = self.session
        if self.several:
            values = single_values(self.keys, values)
        with session.lock:  # an interrupt between acquire() and try would leave it held for ever
            if self.running.value:
                raise within_itself()
            self.running.value = 1
            try:
                ready = self.ready
                if ready is None or session.closed or ready.states_version != session.state.version:
                    results = None
                else:
                    used = values if self.in_order else self._used(values)
                    results = None if used is None else ready.run_plain(used)
                    if results is not None:
                        self.repeats += 1
                        if self.repeats >= TURNS or self.key not in session.state.ways:
                            self._admit(ready)
            except RefusedValue as failure:
                raise self._explained(failure, values) from None
            finally:
                self.running.value = 0
        if results is None:
            results = self._run_with_care(values)
        return self.rebuild(results)

    def refuse(self, executable: Executable, status: int, values: Sequence[Any]) -> None:
        """Raises what was wrong in the last run of a version, which returned that status."""
        try:
            executable.refuse(status)
        except RefusedValue as failure:
            raise self._explained(failure, values) from None

    def _used(self, values: Sequence[Any]) -> list[Any] | None:
        """The values that the step reads; None where another one is not like the last, and must be checked."""
        for place, kind in self.unread.items():
            if kind is None or _kind(values[place]) != kind:
                return None
        return [values[place] for place in self.used]

    def _explained(self, failure: RefusedValue, values: Sequence[Any]) -> errors.InvalidArgumentError:
        """The error of a step that refused a value, by the names of the user's graph."""
        fed = [feed_value(tensor, value) for tensor, value in zip(self.feeds, values, strict=True)]
        step, state = self.step, self.session.state
        known = dict(zip(step.feeds.values(), (fed[n] for n in self.used), strict=True))
        known.update((place, state.arrays[op]) for op, place in step.states.items() if op in state.arrays)
        known.update((place, np.array(op in state.initialised)) for op, place in step.flags.items())
        return explained(failure, self.session.graph, step.graph, known)

    def _run_with_care(self, values: Sequence[Any]) -> list[Array]:
        """A run that takes nothing for granted."""
        session = self.session
        session.check_open()
        kinds = {n: _kind(values[n]) for n in range(len(values)) if n not in self.used}
        values = [feed_value(tensor, value) for tensor, value in zip(self.feeds, values, strict=True)]
        if self.staged is not None:
            return self.staged.run(session, dict(zip(self.feeds, values, strict=True)))
        used = [values[n] for n in self.used]
        with session.lock:
            if self.running.value:
                raise within_itself()
            self.running.value = 1
            try:
                if self.untouched:
                    self.untouched -= 1
                    return self._set_constants()
                results, executable = self._compiled_run(used)
                # Every variable is initialised now and stays so: from here on only the feeds can differ.
                before, self.ready, self.repeats = self.ready, None, 0
                if executable.is_new:  # then older ones may have to give their memory back
                    session.state.ways.pop(self.key, None)
                elif before is not None and before is not executable and self.key not in session.state.ways:
                    self._admit(before)
                if not self.step.flags and self.versions.serves(executable, used):
                    self.unread = kinds
                    executable.expect(used)
                    self.ready = executable
            except RefusedValue as failure:
                raise self._explained(failure, values) from None
            finally:
                self.running.value = 0
        return results

    def _set_constants(self) -> list[Array]:
        """A run of a step that does nothing else, which has no results."""
        self.session.check_open()
        state, constants = self.session.state, constants_of(self.step)
        rooms = [state.room(variable, value.shape) for variable, value in constants]  # or none is changed
        for room, (_, value) in zip(rooms, constants):
            room[...] = value
        state.initialised.update(self.step.updates)
        return []

    def _compiled_run(self, used: list[Array]) -> tuple[list[Array], Executable]:
        """The results of the version for these feeds, compiled now if it must be, and that version."""
        self.session.check_open()  # it may have been closed while this run waited
        state = self.session.state
        missing = self.step.read - state.initialised
        if missing:
            return self._run_first_values(used, frozenset(missing))
        used = used + [np.array(variable in state.initialised) for variable in self.step.flags]
        results, executable = self.versions.run(used, state)
        state.initialised.update(self.step.updates)
        return results, executable

    def _run_first_values(self, used: list[Array], missing: frozenset[Operation]) -> tuple[list[Array], Executable]:
        """A run while variables have no value that branches hand on."""
        from graphc.first_values import FirstValues, may_branch, unset_in  # few steps run without all values

        if not may_branch(missing, self.step.graph.nodes):
            self.session.check_initialised(self.step)
        if missing not in self.first_values:
            self.first_values[missing] = FirstValues(*self.captured, self.feeds, missing, self.session.threads)
        run = self.first_values[missing]
        if run.step.read & missing:
            self.session.check_initialised(self.step)
        try:
            return run.run(dict(zip(self.step.feeds, used, strict=True)), self.session.state)
        except RefusedValue as failure:
            unset = unset_in(failure, missing)
            raise uninitialised(unset) if unset else failure from None


def _kind(value: Any) -> Any:
    """What decides whether a feed is right: of an array dtype and shape, of a number all of it; None elsewhere."""
    if type(value) is np.ndarray:
        return value.dtype, value.shape
    return (type(value), value) if isinstance(value, (bool, int, float)) else None


def staged(step: Step, threads: int) -> Any:
    """The step cut into native calls and calls of Python."""
    from graphc.staging import Staged  # few steps need it

    return Staged(step, threads)


def _check_local(target: Any) -> None:
    if target not in ("", b"", "local", None):
        raise NotImplementedError(f"Session(target={target!r}): graphc runs in this process; leave the target out")


class BaseSession:
    """Runs operations of one graph."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None):
        self._graph = get_default_graph() if graph is None else graph
        if not isinstance(self._graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        _check_local(target)
        if config is not None and not isinstance(config, ConfigProto):
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        self.closed = False
        self.config = config
        self.threads = getattr(config, "intra_op_parallelism_threads", 0) or settings.thread_count()
        self.state = State()
        self.resources: dict[Any, Any] = {}  # what host operations keep from run to run
        ending = weakref.finalize(self, end_all, self.resources)  # threads that prepare data end with it
        ending.atexit = False  # when the process ends, nobody need hear that they were cancelled
        # Held while a step runs. A thread may take it again: signal handlers and finalizers run wherever they find the
        # thread, and may read variables, save them, run another step, or close the session.
        self.lock = threading.RLock()
        with _forking:
            _sessions.add(self)
        self._plans: dict[Any, _Plan] = {}
        self._gate: Gate | None = None  # made when a step runs again, and kept: threads may be in it

    @property
    def graph(self) -> Graph:
        """The graph that is run."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """Empty: there is no remote target."""
        return ""

    def run(
        self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Computes ``fetches``: a tensor, an operation, a name, or nested lists, tuples and dicts of them.

        ``feed_dict`` gives values for placeholders or stands in for any tensors. Tensors come back as NumPy arrays
        (scalars for rank 0), operations as None. Raises ``RuntimeError`` after close, ``TypeError`` and ``ValueError``
        for fetches and feeds that do not fit, and ``errors.OpError`` where the step fails; variables are then as before
        the run.
        """
        if self._gate is not None:  # most runs have been here before
            results = self._gate.enter(fetches, feed_dict)
            if results is not NotImplemented:
                return results
        feeds: Mapping[Any, Any] = feed_dict or {}
        plan: _Plan | None = None
        if type(feeds) is dict:  # most runs have a plan already, and in a closed session none has
            try:
                plan = self._plans.get(((list, *fetches) if type(fetches) is list else fetches, *feeds))
            except TypeError:
                plan = None  # lists in lists, and dictionaries
        if plan is None:
            self.check_open()
            plan = self._plan(fetches, feeds)
        return plan.run(tuple(feeds.values()))

    def _plan(self, fetches: Any, feeds: Mapping[Any, Any]) -> _Plan:
        if type(feeds) is not dict and not isinstance(feeds, Mapping):
            raise TypeError(f"feed_dict must be a dictionary, not {type(feeds).__name__}")
        try:
            key = (key_of(fetches), *feeds)
            plan = self._plans.get(key)
        except TypeError:  # something unhashable was asked for: let the parser say what is wrong with it
            return _Plan(self, fetches, list(feeds))
        if plan is None:
            if self._graph.version == 0:
                raise _nothing_declared(self._graph, fetches)
            plan = self._plans[key] = _Plan(self, fetches, list(feeds))
            plan.key = key
        return plan

    def admit(self, plan: _Plan, executable: Executable) -> None:
        """Lets a plan through the gate whose step is ready, as often as it is asked for with feeds of these shapes."""
        has_moved = executable.states_version != self.state.version  # what interrupted the run has done so
        executable.open_door()
        if executable.job is None or plan.places is None or self.closed or has_moved:
            return
        from graphc.codegen import gate  # late: for runs after the second

        if self._gate is None:
            self._gate = gate.Gate(self.lock, self.state.ways)
        if plan.key in self.state.ways:
            *_, plan.ready = self.state.ways[plan.key]
        plan.repeats = 0
        refuse = partial(plan.refuse, executable)
        self.state.ways[plan.key] = gate.way(executable.job, plan.running, refuse, *plan.places, executable)

    def compiled(self, fetches: Any, feed_dict: Mapping[Any, Any]) -> tuple[Any, list[Array]]:
        """The compiled step that a run of these would use, and the arrays it would be given: for profiling."""
        plan = self._plan(fetches, feed_dict)
        given: Sequence[Any] = tuple(feed_dict.values())
        if plan.several:
            given = single_values(plan.keys, given)
        values = [feed_value(tensor, value) for tensor, value in zip(plan.feeds, given, strict=True)]
        used = [values[n] for n in plan.used]
        with self.lock:
            used += [np.array(variable in self.state.initialised) for variable in plan.step.flags]
            executable = plan.versions.bound(used, self.state)
        return executable, used

    def state_arrays(self, executable: Any) -> list[Array]:
        """The variables that a compiled step reads or replaces, in its order."""
        return [self.state.arrays[operation] for operation in executable.operations]

    def variable_values(self, variables: Sequence[Operation]) -> list[Array]:
        """Copies of what the variables hold, all of one moment; ``FailedPreconditionError`` where one holds nothing."""
        self.check_open()
        with self.lock:
            missing = [operation for operation in variables if operation not in self.state.initialised]
            if missing:
                raise uninitialised(missing)
            return [self.state.arrays[operation].copy() for operation in variables]

    def load_variables(self, values: Mapping[Operation, Array]) -> None:
        """Sets variables from outside the graph, all in one moment; ``ValueError`` where a shape does not fit."""
        self.check_open()
        with self.lock:
            for operation, value in values.items():
                check_loadable(operation, value)
            for operation, value in values.items():
                self.state.load(operation, value)

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function of the values for ``feed_list`` that returns those of ``fetches``: ``run`` with less overhead."""
        self.check_open()
        keys = list(feed_list or [])
        plan, count = _Plan(self, fetches, keys), len(keys)
        plan.key = key = (object(),)  # not the plan: that would outlive the callable until garbage is collected

        def call(*values: Any) -> Any:
            if len(values) != count:
                raise ValueError(f"this callable takes {count} values, not {len(values)}")
            if self._gate is not None:
                results = self._gate.serve(key, values)
                if results is not NotImplemented:
                    return results
            return plan.run(values)

        ending = weakref.finalize(call, self.state.ways.pop, key, None)
        ending.atexit = False
        return call

    def partial_run_setup(self, *_: Any, **__: Any) -> None:
        """Not provided: a step is one native program."""
        raise errors.UnimplementedError(None, None, "partial_run is not provided; run what you need in one run")

    def list_devices(self) -> list[str]:
        """The one device."""
        return ["/job:localhost/replica:0/task:0/device:CPU:0"]

    def close(self) -> None:
        """Frees variables and compiled steps; running anything afterwards raises ``RuntimeError``."""
        self.closed = True
        self.state.ways.clear()
        end_all(self.resources)  # what waits inside a run must not wait for ever
        with self.lock:  # no run is under way in another thread
            self._plans.clear()
            self.state.ways.clear()
            self.state = State()
        self.resources.clear()

    def check_open(self) -> None:
        """``RuntimeError`` after close."""
        if self.closed:
            raise RuntimeError("Attempted to use a closed Session.")

    def check_initialised(self, step: Step) -> None:
        """``FailedPreconditionError`` where the step reads a variable that has no value."""
        if not step.read <= self.state.initialised:
            raise uninitialised([op for op in step.states if op in step.read - self.state.initialised])

    def as_default(self) -> AbstractContextManager[Any]:
        """Makes this the session in which ``eval()`` and ``Operation.run()`` run, inside a ``with``."""
        return default_sessions.entered(self)


# A fork waits until no run is under way: then the child has whole variables, and locks that nobody holds.
_sessions: weakref.WeakSet[BaseSession] = weakref.WeakSet()
_forking = threading.RLock()  # one fork at a time, and no session begins meanwhile
_held_for_fork: list[BaseSession] = []


def _before_fork() -> None:
    busy = _hold_all()
    while busy is not None:
        with busy.lock:  # held alone until its run is over: that run may fork itself, or run other sessions
            busy = _hold_all()


def _hold_all() -> BaseSession | None:
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


class Session(BaseSession):
    """Runs operations; as a context manager it is the default session and closes at the end."""

    def __enter__(self) -> Session:
        self._graph_scope, self._session_scope = self._graph.as_default(), self.as_default()
        self._graph_scope.__enter__()
        self._session_scope.__enter__()
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        self._session_scope.__exit__(kind, value, traceback)
        self._graph_scope.__exit__(kind, value, traceback)
        self.close()
