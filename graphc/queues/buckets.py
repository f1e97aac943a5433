"""``tf.contrib.training.bucket``: batches of examples that are alike, from queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.elementwise import cast
from graphc.ops.host import source
from graphc.ops.reduction import reduce_sum
from graphc.queues.batches import Examples, complete
from graphc.queues.producers import note_fullness
from graphc.queues.queue import FIFOQueue, PaddingFIFOQueue
from graphc.queues.runner import QueueRunner, add_queue_runner
from graphc.queues.stores import Element, Store
from graphc.scopes import name_scope
from graphc.shapes import TensorType


class BucketStore(Store):
    """Elements whose first component is the number of a bucket; what comes out are full buckets, as lists."""

    def __init__(self, label: str, capacity: int, sizes: Sequence[int], smaller: bool):
        super().__init__(label, capacity)
        self.sizes, self.smaller = sizes, smaller
        self._buckets: list[list[Element]] = [[] for _ in sizes]

    def add(self, item: Element) -> None:
        number = int(item[0])
        bucket = self._buckets[number]
        bucket.append(item)
        if len(bucket) == self.sizes[number]:
            self.items.append(bucket)
            self._buckets[number] = []

    def close(self, cancel: bool) -> None:
        """No more come; what waits for company goes out alone where ``smaller`` allows it."""
        if self.smaller and not self.closed:
            self.items.extend(bucket for bucket in self._buckets if bucket)
            self._buckets = [[] for _ in self.sizes]
        super().close(cancel)


def bucket(
    tensors: Any, which_bucket: Any, batch_size: Any, num_buckets: int, num_threads: int = 1, capacity: int = 32,
    bucket_capacities: Any = None, shapes: Any = None, dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: str | None = None,
    name: str | None = None,
) -> tuple[Tensor, Any]:  # fmt: skip
    """The bucket's number, int32 [], and a batch of examples of that bucket, in the structure of ``tensors``.

    ``batch_size`` is one number, or one for each of ``num_buckets``; ``capacity`` counts batches that wait. As
    :func:`graphc.train.batch`, it adds a queue runner to the graph.
    """
    sizes = [
        int(size) for size in (batch_size if isinstance(batch_size, (list, tuple)) else [batch_size] * num_buckets)
    ]
    if len(sizes) != num_buckets:
        raise ValueError(f"If batch_size is a list it must have num_buckets elements: {len(sizes)}, {num_buckets}")
    with name_scope(name, "bucket"):
        examples = Examples([tensors], False, keep_input)
        (row,) = examples.rows
        types = [dtypes.int32, *(x.dtype for x in row)]
        kind: Any = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        queue = kind(capacity, types, [(), *complete(examples.shapes(shapes), dynamic_pad)], shared_name=shared_name)
        queue.make_store = lambda label: BucketStore(label, capacity, sizes, allow_smaller_final_batch)
        number = cast(convert_to_tensor(which_bucket), dtypes.int32)
        enqueue = queue.enqueue_where(examples.keep, [number, *row], False)
        add_queue_runner(QueueRunner(queue, [enqueue] * num_threads))
        note_fullness(queue, capacity)
        known = sizes[0] if len(set(sizes)) == 1 and not allow_smaller_final_batch else None
        batched = [TensorType(dtype, (known, *shape.sizes)) for dtype, shape in zip(types, queue.shapes, strict=True)]

        def take() -> Any:
            (elements,) = queue.store().take(1)
            columns = zip(*elements)
            numbers, *others = (queue.together(list(column), x) for column, x in zip(columns, batched, strict=True))
            return numbers[0], *others

        outputs = source(take, [TensorType(dtypes.int32, ()), *batched[1:]], "QueueDequeueV2", "dequeue_top")
        return outputs[0], examples.packed(outputs[1:])


def bucket_by_sequence_length(
    input_length: Any, tensors: Any, batch_size: Any, bucket_boundaries: Sequence[int], num_threads: int = 1,
    capacity: int = 32, bucket_capacities: Any = None, shapes: Any = None, dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False, keep_input: Any = True, shared_name: str | None = None,
    name: str | None = None,
) -> tuple[Tensor, Any]:  # fmt: skip
    """The lengths, int32 [batch], and a batch of examples of similar length, in the structure of ``tensors``.

    Bucket i holds lengths in ``[boundaries[i - 1], boundaries[i])``. ``ValueError`` unless the boundaries increase.
    """
    edges = list(bucket_boundaries)
    if not edges or edges != sorted(set(edges)):
        raise ValueError(f"bucket_boundaries must be strictly increasing whole numbers, not {bucket_boundaries}")
    with name_scope(name, "bucket_by_sequence_length"):
        length = cast(convert_to_tensor(input_length), dtypes.int32)
        which = reduce_sum(cast(constant(edges, dtypes.int32) <= length, dtypes.int32))
        whole: Any = {"": length, **tensors} if isinstance(tensors, dict) else [length, *tensors]
        if shapes is not None:
            shapes = [(), *shapes]
        _, found = bucket(
            whole, which, batch_size, len(edges) + 1, num_threads, capacity, bucket_capacities, shapes, dynamic_pad,
            allow_smaller_final_batch, keep_input, shared_name,
        )  # fmt: skip
        if isinstance(found, dict):
            return found.pop(""), found
        return found[0], found[1:]
