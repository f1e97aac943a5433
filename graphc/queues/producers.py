"""Queues of what is read again and again: names of files, numbers, rows of tensors; batches of what they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes, errors, summary
from graphc.decoding.files import matching_files
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.elementwise import cast, identity
from graphc.ops.host import host_call, resources
from graphc.ops.lookup import gather
from graphc.ops.reshaping import shape
from graphc.ops.sampling import random_shuffle
from graphc.ops.sequences import range as number_range
from graphc.ops.state import assign_add
from graphc.queues.queue import FIFOQueue, QueueBase
from graphc.queues.runner import QueueRunner, add_queue_runner
from graphc.scopes import GraphKeys, control_dependencies, name_scope
from graphc.shapes import TensorType, merge
from graphc.variables import Variable


def match_filenames_once(pattern: Any, name: str | None = None) -> Tensor:
    """The names of the files that fit a pattern, looked up once in a session: strings [n]."""
    with name_scope(name, "matching_filenames"):
        found = matching_files(pattern)

        def once(names: Any) -> Any:
            return resources().setdefault(found, names)

        return host_call(once, [found], [found.type], "MatchFilenamesOnce").outputs[0]


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """The tensor, ``num_epochs`` times: then ``OutOfRangeError`` when it runs.

    It counts in a local variable "epochs", which ``tf.local_variables_initializer()`` sets to 0.
    """
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with name_scope(name, "input_producer"):
        value = convert_to_tensor(tensor)
        epochs = Variable(np.int64(0), name="epochs", trainable=False, collections=[GraphKeys.LOCAL_VARIABLES])

        def check(seen: Any) -> tuple[Any, ...]:
            if int(seen) >= num_epochs:
                raise errors.OutOfRangeError(None, None, f"Reached limit of {num_epochs}")
            return ()

        checked = host_call(check, [epochs.value()], [], "CountUpTo", "CountUpTo")
        with control_dependencies([checked]):
            counted = assign_add(epochs, np.int64(1))
        with control_dependencies([counted.op]):
            return identity(value, name=name)


def input_producer(
    input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None, shuffle: bool = True,
    seed: int | None = None, capacity: int = 32, shared_name: str | None = None, summary_name: str | None = None,
    name: str | None = None, cancel_op: Any = None,
) -> QueueBase:  # fmt: skip
    """A queue of the rows of a tensor, over and over, in a new order each time where ``shuffle`` says so.

    A QueueRunner for it is added to the graph. ``num_epochs`` limits it: then ``OutOfRangeError`` comes when the queue
    is empty, and ``tf.local_variables_initializer()`` must have been run.
    """
    with name_scope(name, "input_producer") as scope:
        tensor = convert_to_tensor(input_tensor, name="input_tensor")
        rest = None if tensor.type.shape is None else tensor.type.shape[1:]
        form = merge(rest, None if element_shape is None else _sizes(element_shape))
        if form is None or None in form:
            raise ValueError(
                "Either `input_tensor` must have a fully defined shape or `element_shape` must be specified"
            )
        if shuffle:
            tensor = _shuffled_rows(tensor, seed)
        tensor = limit_epochs(tensor, num_epochs)
        queue = FIFOQueue(capacity, [tensor.dtype], [form], shared_name=shared_name, name=scope)
        enqueue = queue.enqueue_many([tensor])
        add_queue_runner(QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        note_fullness(queue, capacity, summary_name)
        return queue


def note_fullness(queue: QueueBase, capacity: int, called: str | None = None) -> None:
    """A summary of how full the queue is, as TensorFlow adds one."""
    full = cast(queue.size(), dtypes.float32) * (1.0 / capacity)
    summary.scalar(called or f"fraction_of_{capacity}_full", full)


def _sizes(given: Any) -> Any:
    return given.sizes if hasattr(given, "sizes") else tuple(given)


def _shuffled_rows(tensor: Tensor, seed: int | None) -> Tensor:
    """The rows in a new order each time; of strings too, which live on the host."""
    if not tensor.dtype.is_string:
        return random_shuffle(tensor, seed=seed)
    return gather(tensor, random_shuffle(number_range(shape(tensor)[0]), seed=seed))


def string_input_producer(
    string_tensor: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None, cancel_op: Any = None,
) -> QueueBase:  # fmt: skip
    """A queue of strings, such as the names of files, over and over; ``ValueError`` for an empty list.

    The same as :func:`input_producer`; where none turn out to be there when it runs, ``InvalidArgumentError``.
    """
    text = "string_input_producer requires a non-null input tensor"
    if not isinstance(string_tensor, Tensor) and not len(string_tensor):
        raise ValueError(text)
    with name_scope(name, "input_producer") as scope:
        strings = convert_to_tensor(string_tensor, dtypes.string)

        def check(names: Any) -> Any:
            if not len(names):
                raise errors.InvalidArgumentError(None, None, text)
            return names

        type = TensorType(dtypes.string, strings.type.shape or (None,))
        checked = host_call(check, [strings], [type], "Assert").outputs[0]
        return input_producer(
            checked,
            (),
            num_epochs,
            shuffle,
            seed,
            capacity,
            shared_name,
            f"fraction_of_{capacity}_full",
            scope,
            cancel_op,
        )


def range_input_producer(
    limit: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None, capacity: int = 32,
    shared_name: str | None = None, name: str | None = None,
) -> QueueBase:  # fmt: skip
    """A queue of the numbers below ``limit``, over and over."""
    with name_scope(name, "input_producer") as scope:
        return input_producer(number_range(limit), [], num_epochs, shuffle, seed, capacity, shared_name, None, scope)


def slice_input_producer(
    tensor_list: Sequence[Any], num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None,
) -> list[Tensor]:  # fmt: skip
    """A row of each tensor, the same of all, another one in every run: a list of tensors."""
    with name_scope(name, "input_producer"):
        tensors = [convert_to_tensor(tensor) for tensor in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        sizes = {x.type.shape[0] for x in tensors if x.type.shape}
        known = [size for size in sizes if isinstance(size, int)]
        if len(known) > 1:
            raise ValueError(f"slice_input_producer: the first axes differ: {', '.join(str(x.type) for x in tensors)}")
        limit: Any = known[0] if known else shape(tensors[0])[0]
        queue = range_input_producer(limit, num_epochs, shuffle, seed, capacity, shared_name)
        index = queue.dequeue()
        return [gather(tensor, index) for tensor in tensors]
