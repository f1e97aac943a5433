"""``tf.train.batch`` and its kin: queues that put examples together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.sparse_tensor import SparseTensor
from graphc.queues.producers import note_fullness
from graphc.queues.queue import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from graphc.queues.runner import QueueRunner, add_queue_runner
from graphc.scopes import name_scope
from graphc.shapes import Shape, as_shape


class Examples:
    """What several threads enqueue: lists (or dictionaries) of tensors, alike in number and dtypes."""

    def __init__(self, tensors_list: Sequence[Any], enqueue_many: bool, keep_input: Any):
        self.first = tensors_list[0]
        self.rows = [_tensor_list(tensors) for tensors in tensors_list]
        if len({tuple(x.dtype for x in row) for row in self.rows}) != 1:
            raise TypeError(f"Expected types to be consistent: {[[x.dtype.name for x in row] for row in self.rows]}")
        self.many = enqueue_many
        self.keep = None if keep_input is True else convert_to_tensor(keep_input, dtypes.bool)
        if self.keep is not None and self.keep.type.rank not in ((0, 1) if enqueue_many else (0,)):
            raise ValueError(f"keep_input must be a scalar, or a vector with enqueue_many, not {self.keep.type}")

    def shapes(self, given: Any) -> list[Shape]:
        """The shape of each component of one example."""
        if given is not None:
            return [as_shape(shape) for shape in given]
        columns = zip(*self.rows)
        return [self._common([x.type.shape for x in column]) for column in columns]

    def _common(self, shapes: Sequence[Shape]) -> Shape:
        """What is known of the shapes of all: a size that differs is unknown."""
        if any(shape is None or len(shape) != len(shapes[0] or ()) for shape in shapes):
            return None
        first, *others = [shape[1:] if self.many and shape else shape for shape in shapes]
        assert first is not None
        return tuple(
            size if all(other is not None and other[axis] == size for other in others) else None
            for axis, size in enumerate(first)
        )

    def start(self, queue: QueueBase, threads: int = 1) -> None:
        """Adds the runner: a thread for each list of tensors, or ``threads`` for the only one."""
        enqueues = [queue.enqueue_where(self.keep, row, self.many) for row in self.rows]
        add_queue_runner(QueueRunner(queue, enqueues * threads))

    def batches(self, queue: QueueBase, batch_size: Any, smaller: bool, name: str) -> Any:
        """What the queue gives, in the structure of the examples."""
        found = queue.dequeue_up_to(batch_size, name) if smaller else queue.dequeue_many(batch_size, name)
        return self.packed(found if isinstance(found, list) else [found])

    def packed(self, found: Sequence[Tensor]) -> Any:
        """One tensor for each component, in the structure of the examples; one alone stands for a list of one."""
        if isinstance(self.first, dict):
            return dict(zip(sorted(self.first), found, strict=True))
        return list(found) if len(found) > 1 else found[0]


def _tensor_list(tensors: Any) -> list[Tensor]:
    values = [tensors[key] for key in sorted(tensors)] if isinstance(tensors, dict) else tensors
    if isinstance(values, Tensor):
        values = [values]
    values = list(values)
    if not values:
        raise ValueError("Expected at least one tensor in batch().")
    if any(isinstance(value, SparseTensor) for value in values):
        raise NotImplementedError("batches of sparse tensors are not provided; use tf.sparse_tensor_to_dense before")
    return [convert_to_tensor(value) for value in values]


def _fifo(
    examples: Examples, batch_size: Any, threads: int, capacity: int, shapes: Any, pad: bool, smaller: bool,
    shared_name: str | None, name: str,
) -> Any:  # fmt: skip
    types = [x.dtype for x in examples.rows[0]]
    kind: Any = PaddingFIFOQueue if pad else FIFOQueue
    queue = kind(capacity, types, complete(examples.shapes(shapes), pad), shared_name=shared_name)
    examples.start(queue, threads)
    note_fullness(queue, capacity)
    return examples.batches(queue, batch_size, smaller, name)


def complete(shapes: list[Shape], pad: bool) -> list[Shape]:
    """The shapes; ``ValueError`` where they are not known as far as a batch needs it."""
    for shape in shapes:
        if shape is None or (not pad and None in shape):
            raise ValueError(
                f"All shapes must be fully defined: {shapes}; set_shape says more, dynamic_pad takes sizes that differ"
            )
    return shapes


def _random(
    examples: Examples, batch_size: Any, threads: int, capacity: int, least: int, seed: int | None, shapes: Any,
    smaller: bool, shared_name: str | None, name: str,
) -> Any:  # fmt: skip
    types = [x.dtype for x in examples.rows[0]]
    queue = RandomShuffleQueue(
        capacity, least, types, complete(examples.shapes(shapes), False), seed=seed, shared_name=shared_name
    )
    examples.start(queue, threads)
    note_fullness(queue, capacity)
    return examples.batches(queue, batch_size, smaller, name)


def batch(
    tensors: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """``batch_size`` examples along a new first axis, in the structure of ``tensors``: one example for each run of it.

    A queue and its runner are added to the graph: ``start_queue_runners`` starts its ``num_threads`` threads. With
    ``enqueue_many`` the tensors are rows of examples; with ``dynamic_pad`` sizes may differ and are filled up with
    zeros. ``ValueError`` where shapes are not fully known; ``OutOfRangeError`` at the end of the data.
    """
    return maybe_batch(
        tensors, True, batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name or "batch",
    )  # fmt: skip


def maybe_batch(
    tensors: Any, keep_input: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32,
    enqueue_many: bool = False, shapes: Any = None, dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False, shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The same of those examples for which ``keep_input`` is true."""
    with name_scope(name, "maybe_batch") as scope:
        examples = Examples([tensors], enqueue_many, keep_input)
        return _fifo(
            examples, batch_size, num_threads, capacity, shapes, dynamic_pad, allow_smaller_final_batch, shared_name,
            scope,
        )  # fmt: skip


def batch_join(
    tensors_list: Sequence[Any], batch_size: Any, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
    dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of what several lists of tensors give, each run by a thread of its own."""
    return maybe_batch_join(
        tensors_list, True, batch_size, capacity, enqueue_many, shapes, dynamic_pad, allow_smaller_final_batch,
        shared_name, name or "batch_join",
    )  # fmt: skip


def maybe_batch_join(
    tensors_list: Sequence[Any], keep_input: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The same of those examples for which ``keep_input`` is true."""
    with name_scope(name, "maybe_batch_join") as scope:
        examples = Examples(list(tensors_list), enqueue_many, keep_input)
        return _fifo(
            examples, batch_size, 1, capacity, shapes, dynamic_pad, allow_smaller_final_batch, shared_name, scope
        )


def shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The same as :func:`batch` in random order: each is drawn from at least ``min_after_dequeue`` examples."""
    return maybe_shuffle_batch(
        tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name or "shuffle_batch",
    )  # fmt: skip


def maybe_shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The same of those examples for which ``keep_input`` is true."""
    with name_scope(name, "maybe_shuffle_batch") as scope:
        examples = Examples([tensors], enqueue_many, keep_input)
        return _random(
            examples, batch_size, num_threads, capacity, min_after_dequeue, seed, shapes, allow_smaller_final_batch,
            shared_name, scope,
        )  # fmt: skip


def shuffle_batch_join(
    tensors_list: Sequence[Any], batch_size: Any, capacity: int, min_after_dequeue: int, seed: int | None = None,
    enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Batches in random order of what several lists of tensors give, each run by a thread of its own."""
    return maybe_shuffle_batch_join(
        tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many, shapes,
        allow_smaller_final_batch, shared_name, name or "shuffle_batch_join",
    )  # fmt: skip


def maybe_shuffle_batch_join(
    tensors_list: Sequence[Any], batch_size: Any, capacity: int, min_after_dequeue: int, keep_input: Any,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The same of those examples for which ``keep_input`` is true."""
    with name_scope(name, "maybe_shuffle_batch_join") as scope:
        examples = Examples(list(tensors_list), enqueue_many, keep_input)
        return _random(
            examples,
            batch_size,
            1,
            capacity,
            min_after_dequeue,
            seed,
            shapes,
            allow_smaller_final_batch,
            shared_name,
            scope,
        )
