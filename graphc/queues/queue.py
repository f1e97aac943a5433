"""``tf.FIFOQueue`` and its kin: elements that one thread's runs put in and another's take out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, convert_to_tensor
from graphc.ops.host import host_array, host_call, resources, source
from graphc.ops.random import fresh_seeds, get_seed
from graphc.queues.stores import Element, PriorityStore, RandomStore, Store, filled_up
from graphc.shapes import Shape, TensorShape, TensorType, as_shape, is_compatible, shape_text


class QueueBase:
    """A queue of elements: tuples of tensors of fixed dtypes, and of fixed shapes where these are given."""

    def __init__(
        self, dtypes_: Any, shapes: Any, names: Any, name: str, make: Callable[[str], Store],
        shared_name: str | None = None,
    ):  # fmt: skip
        self._dtypes = [dtypes.as_dtype(dtype) for dtype in _as_list(dtypes_)]
        self._given_shapes = shapes is not None
        self._shapes: list[Shape] = _shapes(shapes, len(self._dtypes))
        self._names = None if names is None else [str(n) for n in _as_list(names)]
        if self._names is not None and len(self._names) != len(self._dtypes):
            raise ValueError(f"Queue names must have the same length as dtypes, got {self._names} and {self._dtypes}")
        (self._ref,) = source(self._handle, [TensorType(dtypes.string, ())], f"{type(self).__name__}V2", name)
        self._short = self.name.rsplit("/", 1)[-1]
        self.make_store = make
        self._key = ("queue", shared_name) if shared_name else self

    def _handle(self) -> Any:
        return np.array(self._ref.op.name.encode(), object)

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def queue_ref(self) -> Tensor:
        """The tensor that stands for the queue."""
        return self._ref

    @property
    def name(self) -> str:
        """The name of the queue's operation."""
        return self._ref.op.name

    @property
    def dtypes(self) -> list[dtypes.DType]:
        """The dtypes of the components."""
        return list(self._dtypes)

    @property
    def shapes(self) -> list[Any]:
        """The shapes of the components, as far as they are fixed."""
        return [TensorShape(shape) for shape in self._shapes]

    @property
    def names(self) -> list[str] | None:
        """The names of the components; elements are dictionaries then."""
        return self._names

    @staticmethod
    def from_list(index: Any, queues: Sequence[QueueBase]) -> QueueBase:
        """The queue numbered ``index``, which must be known while declaring."""
        if not queues or not all(isinstance(queue, QueueBase) for queue in queues):
            raise TypeError("A list of queues expected")
        tensor = convert_to_tensor(index)
        if not isinstance(tensor.op.kind, Const):
            raise NotImplementedError("QueueBase.from_list with a computed index is not provided; use tf.case")
        return queues[int(tensor.op.kind.value)]

    def store(self) -> Store:
        """What it holds in the session that runs: made when it is first used."""
        held = resources()
        found = held.get(self._key)
        if found is None:
            found = held.setdefault(self._key, self.make_store(f"{type(self).__name__} '{self.name}'"))
        return found

    # -- putting in ------------------------------------------------------------------------------------------

    def enqueue(self, vals: Any, name: str | None = None) -> Operation:
        """The operation that adds one element; it waits for room.

        ``vals`` is a tensor, a list of the components, or a dictionary where they have names. ``CancelledError`` when
        it runs and the queue is closed.
        """
        return self.enqueue_where(None, self._components(vals, self._shapes), False, name)

    def enqueue_many(self, vals: Any, name: str | None = None) -> Operation:
        """The operation that adds elements, one for each row of the components."""
        shapes = [None if shape is None else (None, *shape) for shape in self._shapes]
        return self.enqueue_where(None, self._components(vals, shapes), True, name)

    def enqueue_where(
        self, keep: Tensor | None, tensors: Sequence[Tensor], many: bool, name: str | None = None
    ) -> Operation:
        """The same, where ``keep`` is true: one truth value, or of rows one for each."""

        def put(*arrays: Any) -> tuple[Any, ...]:
            kept, columns = (True, arrays) if keep is None else (arrays[0], arrays[1:])
            elements = list(zip(*columns)) if many else [columns]
            chosen = np.broadcast_to(kept, len(elements))
            checked = [self._checked(element) for element, wanted in zip(elements, chosen, strict=True) if wanted]
            if checked:
                self.store().put(checked)
            return ()

        inputs = [*([] if keep is None else [keep]), *tensors]
        return host_call(put, inputs, [], *self._named(many, name))

    def _named(self, many: bool, name: str | None) -> tuple[str, str]:
        """The type and the name of an operation that puts in."""
        if many:
            return "QueueEnqueueManyV2", name or f"{self._short}_EnqueueMany"
        return "QueueEnqueueV2", name or f"{self._short}_enqueue"

    def _components(self, vals: Any, shapes: Sequence[Shape]) -> list[Tensor]:
        """The components as tensors; ``ValueError`` where number, dtypes or shapes are others."""
        if isinstance(vals, dict):
            if self._names is None:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(vals) != sorted(self._names):
                raise ValueError(
                    f"Keys in dictionary to enqueue do not match names of Queue {self._names}: {list(vals)}"
                )
            vals = [vals[name] for name in self._names]
        elif self._names is not None:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        elif not isinstance(vals, (list, tuple)) or (len(self._dtypes) == 1 and len(vals) != 1):
            vals = [vals]
        if len(vals) != len(self._dtypes):
            raise ValueError(f"Queue '{self.name}' takes {len(self._dtypes)} components, but got {len(vals)}")
        tensors = [convert_to_tensor(value, dtype) for value, dtype in zip(vals, self._dtypes)]
        for number, (tensor, shape) in enumerate(zip(tensors, shapes)):
            if not is_compatible(tensor.type.shape, shape):
                raise ValueError(
                    f"Queue '{self.name}': component {number} has shape {shape_text(tensor.type.shape)}; wanted "
                    f"{shape_text(shape)}"
                )
        return tensors

    def _checked(self, element: Element) -> Element:
        """The element as arrays of its own; ``InvalidArgumentError`` where a shape is another than the queue's."""
        arrays = tuple(np.array(host_array(x, dtype)) for x, dtype in zip(element, self._dtypes))
        for number, (array, shape) in enumerate(zip(arrays, self._shapes)):
            if not is_compatible(shape, array.shape):
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"Shape mismatch in tuple component {number}. Expected {shape_text(shape)}, "
                    f"got {list(array.shape)}",
                )
        return arrays

    # -- taking out ------------------------------------------------------------------------------------------

    def dequeue(self, name: str | None = None) -> Any:
        """One element, as soon as there is one; ``OutOfRangeError`` when it runs and the queue is closed and empty.

        A tensor, a list of the components where there are several, or a dictionary where they have names.
        """
        types = [TensorType(dtype, shape) for dtype, shape in zip(self._dtypes, self._shapes)]

        def take() -> Any:
            return self.store().take(1)[0]

        return self._given(source(take, types, "QueueDequeueV2", name or f"{self._short}_Dequeue"))

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """``n`` elements along a new first axis, once there are so many; ``OutOfRangeError`` if there never are."""
        return self._several(n, False, "QueueDequeueManyV2", name or f"{self._short}_DequeueMany")

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """The same, but of a closed queue what is left."""
        return self._several(n, True, "QueueDequeueUpToV2", name or f"{self._short}_DequeueUpTo")

    def _several(self, n: Any, fewer: bool, called: str, name: str) -> Any:
        number = convert_to_tensor(n, dtypes.int32 if not isinstance(n, Tensor) else None)
        known = int(number.op.kind.value) if isinstance(number.op.kind, Const) and not fewer else None
        self._check_shapes(called)
        types = [
            TensorType(dtype, None if shape is None else (known, *shape))
            for dtype, shape in zip(self._dtypes, self._shapes)
        ]

        def take(count: Any) -> Any:
            elements = self.store().take(int(count), fewer)
            columns = list(zip(*elements)) if elements else [()] * len(types)
            return tuple(self.together(column, type) for column, type in zip(columns, types, strict=True))

        return self._given(host_call(take, [number], types, called, name).outputs)

    def _check_shapes(self, called: str) -> None:
        if not all(shape is not None and None not in shape for shape in self._shapes):
            raise ValueError(
                f"Queue '{self.name}': {called} puts elements together: all shapes must be fully defined, not "
                f"{', '.join(map(shape_text, self._shapes))}"
            )

    def together(self, arrays: Sequence[Any], type: TensorType) -> Any:
        """The arrays of one component along a new first axis."""
        if not arrays:
            assert type.shape is not None
            return np.empty((0, *type.shape[1:]), type.dtype.numpy)
        return np.stack(arrays)

    def _given(self, tensors: Sequence[Tensor]) -> Any:
        if self._names is not None:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else list(tensors)

    # -- the rest --------------------------------------------------------------------------------------------

    def size(self, name: str | None = None) -> Tensor:
        """How many elements it holds, int32."""
        types = [TensorType(dtypes.int32, ())]
        return source(lambda: len(self.store()), types, "QueueSizeV2", name or f"{self._short}_Size")[0]

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether it is closed."""
        types = [TensorType(dtypes.bool, ())]
        return source(lambda: self.store().closed, types, "QueueIsClosedV2", name or f"{self._short}_is_closed")[0]

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Operation:
        """The operation after which no element can be added; with the flag, those that wait for room are refused."""

        def close() -> tuple[Any, ...]:
            self.store().close(cancel_pending_enqueues)
            return ()

        return host_call(close, [], [], "QueueCloseV2", name or f"{self._short}_Close")


class FIFOQueue(QueueBase):
    """First in, first out."""

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str = "fifo_queue",
    ):  # fmt: skip
        super().__init__(dtypes, shapes, names, name, lambda label: Store(label, int(capacity)), shared_name)


class RandomShuffleQueue(QueueBase):
    """Elements come out in random order; ``min_after_dequeue`` of them stay until it is closed."""

    def __init__(
        self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None,
        seed: int | None = None, shared_name: str | None = None, name: str = "random_shuffle_queue",
    ):  # fmt: skip
        first, second = get_seed(seed)
        chosen = fresh_seeds() if first is None or second is None else (first, second)

        def make(label: str) -> Store:
            return RandomStore(label, int(capacity), int(min_after_dequeue), f"{chosen[0]} {chosen[1]}")

        super().__init__(dtypes, shapes, names, name, make, shared_name)


class PaddingFIFOQueue(QueueBase):
    """First in, first out; elements that are taken together are filled up with zeros to one shape.

    ``shapes`` may have unknown sizes, and must have known ranks: ``ValueError`` elsewhere.
    """

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ):  # fmt: skip
        super().__init__(dtypes, shapes, names, name, lambda label: Store(label, int(capacity)), shared_name)
        if not self._given_shapes or None in self._shapes:
            raise ValueError("PaddingFIFOQueue: shapes must be given, with known ranks")

    def _check_shapes(self, called: str) -> None:
        """Sizes may differ."""

    def together(self, arrays: Sequence[Any], type: TensorType) -> Any:
        assert type.shape is not None
        fixed = type.shape[1:]
        sizes: Any = [
            max((array.shape[axis] for array in arrays), default=0) if size is None else size
            for axis, size in enumerate(fixed)
        ]
        return filled_up(arrays, sizes, type.dtype.zero, type.dtype.numpy)


class PriorityQueue(QueueBase):
    """Elements in the order of their first component, an int64 scalar: the least first."""

    def __init__(
        self, capacity: int, types: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str = "priority_queue",
    ):  # fmt: skip
        types = _as_list(types)
        shapes = [(), *(_as_list(shapes) if shapes is not None else [None] * len(types))]
        super().__init__(
            [dtypes.int64, *types], shapes, names, name, lambda label: PriorityStore(label, int(capacity)), shared_name
        )


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shapes(shapes: Any, count: int) -> list[Shape]:
    """A shape for each of ``count`` components; one shape alone stands for that of a single component."""
    if shapes is None:
        return [None] * count
    alone = not isinstance(shapes, (list, tuple)) or all(isinstance(size, int) or size is None for size in shapes)
    given = [shapes] if alone and count == 1 and shapes != [None] else list(shapes)
    if len(given) == 0 and count == 1:
        given = [()]
    if len(given) != count:
        raise ValueError(f"Queue shapes must have the same length as dtypes: {len(given)} shapes, {count} dtypes")
    return [as_shape(shape) for shape in given]
