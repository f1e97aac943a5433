"""``tf.data.Iterator``: the next element of a dataset, a new one in each run."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.data.elements import Element, Elements, from_types_and_shapes
from graphc.data.stage import Run, Stage
from graphc.graph import needed_nodes
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, Placeholder, PlaceholderWithDefault, convert_to_tensor
from graphc.ops.host import host_call, resources, source
from graphc.ops.state import VariableV2
from graphc.session import BaseSession
from graphc.shapes import TensorType, is_compatible

_numbers = count()


class Running:
    """An iterator in a session: where it is in its dataset."""

    def __init__(self, stage: Stage, run: Run):
        self.elements = stage.elements
        self._run = run
        self._iterator = stage.iterate(run)
        self._lock = threading.Lock()

    def following(self) -> Element:
        """The leaves of the next element; ``OutOfRangeError`` at the end."""
        with self._lock:
            try:
                return next(self._iterator)
            except StopIteration:
                raise errors.OutOfRangeError(None, None, "End of sequence") from None
            except errors.OpError as error:
                if error.op is None:
                    raise
                # the node that failed stands in the graph of a function; what the user ran is get_next
                raise errors.exception_type_from_error_code(error.error_code)(None, None, error.message) from error

    def end(self) -> None:
        """Stops what runs beside it; the session calls this when it is closed."""
        self._run.end()


class Iterator:
    """Gives one element after another of a dataset: ``get_next()`` are tensors that have new values in every run."""

    def __init__(self, elements: Elements, stage: Stage | None = None, initializer: Operation | None = None):
        self._elements = elements
        self._one_shot = stage
        self._initializer = initializer
        self._number = next(_numbers)

    # -- making one ------------------------------------------------------------------------------------------

    @classmethod
    def one_shot(cls, stage: Stage) -> Iterator:
        """One that needs no initialisation; ``ValueError`` where the dataset depends on what is fed or on variables."""
        for node in needed_nodes(stage.needed()):
            if isinstance(node.kind, (Placeholder, PlaceholderWithDefault, VariableV2)):
                raise ValueError(
                    f"make_one_shot_iterator: Cannot capture a placeholder or variable by value: {node.describe()}; "
                    "use make_initializable_iterator"
                )
        return cls(stage.elements, stage)

    @classmethod
    def initializable(cls, stage: Stage) -> Iterator:
        """One whose ``initializer`` begins the dataset, with the values that are fed then."""
        made = cls(stage.elements)
        made._initializer = made._begin(stage, "MakeIterator")
        return made

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """One for any dataset of these types and shapes: ``make_initializer(dataset)`` begins one of them."""
        return Iterator(from_types_and_shapes(output_types, output_shapes, output_classes))

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator whose ``string_handle()`` is fed: which one may change from run to run."""
        handle = convert_to_tensor(string_handle, dtypes.string)
        return _Fed(from_types_and_shapes(output_types, output_shapes, output_classes), handle)

    @property
    def initializer(self) -> Operation:
        """The operation that begins the dataset; ``ValueError`` where there is no one dataset."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Operation:
        """An operation after which the iterator is at the beginning of ``dataset``; ``TypeError`` for other types."""
        _check_fits(dataset.stage.elements, self._elements, TypeError)
        return self._begin(dataset.stage, name or "MakeIterator")

    def _begin(self, stage: Stage, name: str) -> Operation:
        tensors = [tensor for tensor in stage.needed() if not isinstance(tensor.op.kind, Const)]

        def begin(*values: Any) -> tuple[Any, ...]:
            self._start(stage, dict(zip(tensors, values, strict=True)))
            return ()

        return host_call(begin, tensors, [], "MakeIterator", name)

    def _start(self, stage: Stage, values: dict[Tensor, Any]) -> Running:
        store = resources()
        before = store.pop(self, None)
        if before is not None:
            before.end()
        running = store[self] = Running(stage, Run(values, store))
        return running

    # -- using it --------------------------------------------------------------------------------------------

    def get_next(self, name: str | None = None) -> Any:
        """The next element: tensors in the structure of the dataset; ``OutOfRangeError`` after the last one.

        All tensors of one ``get_next()`` belong to one element; every call gives another one.
        """
        outputs = source(self._following, self._elements.tensors, "IteratorGetNext", name or "IteratorGetNext")
        return self._elements.packed(outputs)

    def _following(self) -> Element:
        return self._running().following()

    def _running(self) -> Running:
        store = resources()
        running = store.get(self)
        if running is None:
            if self._one_shot is None:
                raise errors.FailedPreconditionError(
                    None,
                    None,
                    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                    "initializer operation for this iterator before getting the next element.",
                )
            with _starting:
                running = store.get(self) or self._start(self._one_shot, _values_of(self._one_shot))
        return running

    def string_handle(self, name: str | None = None) -> Tensor:
        """A string that stands for this iterator in the session: for ``from_string_handle``."""
        handle = f"iterator {self._number}".encode()

        def register() -> Any:
            resources()["iterator", handle] = self
            return np.array(handle, object)

        return source(register, [TensorType(dtypes.string, ())], "IteratorToStringHandle", name)[0]

    @property
    def output_types(self) -> Any:
        """The dtypes of an element, in its structure."""
        return self._elements.output_types

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element, in its structure."""
        return self._elements.output_shapes

    @property
    def output_classes(self) -> Any:
        """``Tensor`` or ``SparseTensor``, in the structure of an element."""
        return self._elements.output_classes


_starting = threading.Lock()


class _Fed(Iterator):
    """The iterator of a handle that is fed."""

    def __init__(self, elements: Elements, handle: Tensor):
        super().__init__(elements)
        self._handle = handle

    def get_next(self, name: str | None = None) -> Any:
        types = self._elements.tensors

        def following(handle: Any) -> Element:
            found = resources().get(("iterator", np.asarray(handle)[()]))
            if found is None:
                raise errors.InvalidArgumentError(
                    None, None, f"{np.asarray(handle)[()]!r} is no handle of an iterator of this session"
                )
            _check_fits(found._elements, self._elements, _invalid)
            return found._following()

        node = host_call(following, [self._handle], types, "IteratorGetNext", name or "IteratorGetNext")
        return self._elements.packed(node.outputs)

    def string_handle(self, name: str | None = None) -> Tensor:
        return self._handle


def _invalid(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def _check_fits(dataset: Elements, iterator: Elements, error: Any) -> None:
    """An error unless the elements of the dataset are what the iterator promises."""
    if not dataset.same_form(iterator):
        raise error(f"Expected output classes and structure {iterator} but got dataset with {dataset}.")
    for theirs, ours in zip(dataset.tensors, iterator.tensors, strict=True):
        if theirs.dtype is not ours.dtype:
            raise error(f"Expected output types {iterator} but got dataset with output types {dataset}.")
        if not is_compatible(theirs.shape, ours.shape):
            raise error(f"Expected output shapes compatible with {iterator} but got dataset with {dataset}.")


def _values_of(stage: Stage) -> dict[Tensor, Any]:
    """The values of the tensors that a stage has captured, which depend on nothing that is fed."""
    tensors = [tensor for tensor in stage.needed() if not isinstance(tensor.op.kind, Const)]
    if not tensors:
        return {}
    session = BaseSession(graph=tensors[0].op.graph)
    session.resources = resources()
    return dict(zip(tensors, session.run(tensors), strict=True))


def get_single_element(dataset: Any) -> Any:
    """The only element of a dataset as tensors; ``InvalidArgumentError`` when it runs and there is another number."""
    stage: Stage = dataset.stage
    tensors = [tensor for tensor in stage.needed() if not isinstance(tensor.op.kind, Const)]

    def only(*values: Any) -> Element:
        run = Run(dict(zip(tensors, values, strict=True)), resources())
        try:
            found = [element for element, _ in zip(stage.iterate(run), range(2))]
        finally:
            run.end()
        if len(found) != 1:
            raise _invalid("Dataset was empty." if not found else "Dataset had more than one element.")
        return found[0]

    node = host_call(only, tensors, stage.elements.tensors, "DatasetToSingleElement")
    return stage.elements.packed(node.outputs)
