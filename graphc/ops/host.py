"""Operations that run on the host: in Python, around or between the native calls of a step.

A :class:`HostOp` means what its ``evaluate`` does with NumPy arrays. A Session runs it once in each ``session.run``
that needs it: before the native part of the step where its inputs are feeds, constants or other host operations, else
between two native calls. It may raise any of ``tf.errors`` (what else it raises becomes one): variables are then as
before the run. What the outputs' types leave unknown is known once a value is there; ``Tensor.set_shape`` adds what the
user knows. There is no gradient, and ahead of time there is no host: compiling such a step is refused.

A *source* gives new values every run. It is an operation without inputs; it ends the data by raising
``errors.OutOfRangeError`` (or ``StopIteration``), which ``session.run`` passes on, naming the node::

    def following():                      # once per session.run
        store = resources()               # a dict that belongs to the session which runs it
        if counter not in store:
            store[counter] = iter(files)
        image, label = next(store[counter])
        return image, label               # an array (or what becomes one) for each output

    image, label = source(following, [TensorType(dtypes.uint8, None), TensorType(dtypes.int32, ())],
                          called="IteratorGetNext", name="next")

It is called while no lock of the session is held, so it may wait for another thread that runs the same session.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import declare
from graphc.records import record
from graphc.shapes import TensorType, is_compatible

Array = np.ndarray[Any, Any]


class HostOp(Op):
    """What is done in Python: ``evaluate`` takes arrays and gives what becomes one, or a tuple of such.

    Subclasses are records with a type rule; each node is its own computation.
    """

    on_host = True
    by_identity = True

    def gradient(self, node: Operation, *grads: Any) -> list[Tensor | None]:
        return [None] * len(node.inputs)


@record(eq=False)
class HostCall(HostOp):
    """``outputs = function(*inputs)``, for any Python function."""

    called: str
    function: Callable[..., Any]
    types: tuple[TensorType, ...]

    @property
    def type(self) -> str:
        return self.called

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return self.types

    def evaluate(self, *inputs: Any) -> Any:
        return self.function(*inputs)

    def attributes(self) -> dict[str, Any]:
        return {}


@record(eq=False)
class Done(HostOp):
    """True, when ``kind`` has run: what stands in a body for an operation that is there for its effect."""

    kind: Op

    @property
    def type(self) -> str:
        return self.kind.type

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType(dtypes.bool, ())

    def evaluate(self, *inputs: Any) -> Any:
        self.kind.evaluate(*inputs)
        return np.array(True)

    def attributes(self) -> dict[str, Any]:
        return {}


def host_call(
    function: Callable[..., Any],
    inputs: Sequence[Tensor],
    types: Sequence[TensorType],
    called: str,
    name: str | None = None,
) -> Operation:
    """The node that calls ``function`` with the values of ``inputs``; an output for each of ``types``."""
    return declare(HostCall(called, function, tuple(types)), *inputs, name=name)


def source(
    function: Callable[[], Any], types: Sequence[TensorType], called: str = "Source", name: str | None = None
) -> tuple[Tensor, ...]:
    """Tensors whose values ``function`` gives anew in every run that needs one of them."""
    return host_call(function, (), types, called, name).outputs


def runs_on_host(node: Operation) -> bool:
    """Whether the node is computed in Python: a host operation, or any that reads or gives strings."""
    if node.kind.on_host:
        return True
    for tensor in (*node.inputs, *node.outputs):  # noqa: SIM110 (a generator costs more, and every node is asked)
        if tensor.type.dtype is dtypes.string:
            return True
    return False


# -- running one -------------------------------------------------------------------------------------------


class _Running(threading.local):
    """What this thread runs."""

    def __init__(self) -> None:
        self.resources: list[dict[Any, Any]] = []


_running = _Running()


@contextmanager
def running_in(resources: dict[Any, Any]) -> Iterator[None]:
    """Inside, host operations are run for the session to which the resources belong, and NumPy warns of nothing."""
    _running.resources.append(resources)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _running.resources.pop()


def resources() -> dict[Any, Any]:
    """What host operations keep from run to run, by any key; it lives as long as the session that runs them.

    When the session is closed, ``end()`` is called on those that have it: what others wait for must let them go.
    """
    if not _running.resources:
        raise RuntimeError("no session is running a host operation in this thread")
    return _running.resources[-1]


def end_all(resources: dict[Any, Any]) -> None:
    """Ends those that have ``end()``."""
    for resource in list(resources.values()):
        if hasattr(resource, "end"):
            resource.end()


def call_on_host(node: Operation, arrays: Sequence[Any]) -> list[Array]:
    """The values of the node's outputs; ``errors.OpError`` that names it where the call fails.

    It is called inside :func:`running_in`.
    """
    try:
        results = node.kind.evaluate(*arrays)
        values = results if isinstance(results, tuple) else (results,) if node.outputs else ()
        if len(values) != len(node.outputs):
            raise ValueError(f"{len(values)} values came for {len(node.outputs)} outputs")
        return [_checked(value, output) for value, output in zip(values, node.outputs, strict=True)]
    except errors.OpError as error:
        raise _placed(error, node) from error
    except Exception as error:
        raise translated(error, node, node.describe()) from error


def _checked(value: Any, output: Tensor) -> Array:
    dtype = output.type.dtype
    as_it_is = type(value) is np.ndarray and value.dtype is dtype.numpy and value.flags.c_contiguous
    array = value if as_it_is and not dtype.is_string else host_array(value, dtype)
    if array.shape != output.type.shape and not is_compatible(output.type.shape, array.shape):
        raise ValueError(f"output {output.value_index} has shape {array.shape}; declared was {output.type}")
    return array


def host_array(value: Any, dtype: dtypes.DType) -> Array:
    """``value`` as a contiguous array of the dtype; of strings, an object array of bytes."""
    if dtype.is_string:
        return dtypes.as_bytes(value)
    if dtype.name.startswith("history of"):  # what a loop on the host keeps for its adjoint
        return value
    return np.asarray(value, dtype.numpy, order="C")


# What Python's errors are called by TF 1, as for py_func.
_CLASSES: tuple[tuple[type[Exception], type[errors.OpError]], ...] = (
    (StopIteration, errors.OutOfRangeError),
    (NotImplementedError, errors.UnimplementedError),
    (MemoryError, errors.ResourceExhaustedError),
    (FileNotFoundError, errors.NotFoundError),
    (PermissionError, errors.PermissionDeniedError),
    (ValueError, errors.InvalidArgumentError),
    (TypeError, errors.InvalidArgumentError),
    (Exception, errors.UnknownError),
)


def _placed(error: errors.OpError, node: Operation) -> errors.OpError:
    """The error, which names a node: this one, unless it names another already."""
    if error.op is not None:
        return error
    named: Any = type(error)
    if named is errors.OpError:
        return errors.OpError(node, node, f"{node.describe()}: {error.message}", error.error_code)
    return named(node, node, f"{node.describe()}: {error.message}")


def translated(error: Exception, node: Operation | None, what: str) -> errors.OpError:
    """TF 1's error for one of Python's, with the lines of the user's function in which it arose."""
    import traceback  # only an error needs it

    found: Any = next(ours for theirs, ours in _CLASSES if isinstance(error, theirs))
    text = f"{what}: {type(error).__name__}: {error}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    if frames and (node is None or isinstance(node.kind, HostCall)):
        text += "\n" + "".join(traceback.format_list(frames)).rstrip()
    return found(node, node, text)


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE)


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
