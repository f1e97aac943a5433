"""Sequences of different lengths side by side in one tensor: reversed each for itself, and masked."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, apply, axis_of, check_dtype, constant, convert_to_tensor, graph_of
from graphc.ops.checks import Refused, in_numbers
from graphc.ops.indexing import INDICES
from graphc.ops.late import needs_ranks
from graphc.ops.reduction import reduce_max
from graphc.ops.reshaping import expand_dims
from graphc.ops.sequences import range
from graphc.records import record
from graphc.shapes import TensorType


@record
class ReverseSequence(Op):
    """``y[b, t] = x[b, n[b] - 1 - t]`` for ``t < n[b]``, and ``x[b, t]`` behind that."""

    seq_axis: int
    batch_axis: int

    def infer(self, x: TensorType, lengths: TensorType) -> TensorType:
        check_dtype(lengths, INDICES, "seq_lengths")
        if lengths.rank not in (1, None):
            raise ValueError(f"seq_lengths must be a vector, not {lengths}")
        if x.shape is not None and lengths.shape is not None:
            batch, count = x.shape[self.batch_axis], lengths.shape[0]
            if isinstance(batch, int) and isinstance(count, int) and batch != count:
                raise ValueError(
                    f"{count} lengths for {batch} sequences: x is {x}, with its sequences along axis {self.batch_axis}"
                )
        return x

    def evaluate(self, x: Any, lengths: Any) -> Any:
        size = x.shape[self.seq_axis]
        if np.any(_no_length(lengths, size)):
            raise InvalidArgumentError(message=f"seq_lengths must be in [0, {size}], not {lengths.tolist()}")
        moved = np.moveaxis(x, (self.batch_axis, self.seq_axis), (0, 1)).copy()
        for row, length in zip(moved, lengths, strict=True):
            row[:length] = row[:length][::-1].copy()
        return np.moveaxis(moved, (0, 1), (self.batch_axis, self.seq_axis))

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where a length does not fit."""
        x, lengths = node.inputs
        known = in_numbers(x, self.seq_axis, size)
        size = x.type.sizes[self.seq_axis] if size is None else size
        return f"a length in {lengths.user_label} is not in [0, {size}], the steps of {known}"

    def refused(self, node: Operation) -> Refused:
        """A length that the axis does not have."""
        return Refused(1, _no_length, node.inputs[0].type.sizes[self.seq_axis])

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(ReverseSequence(self.seq_axis, self.batch_axis), grad, node.inputs[1]), None]


def _no_length(values: Any, size: Any) -> Any:
    return (values < 0) | (values > size)


@needs_ranks("ReverseSequence", "input", "seq_lengths")
def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """``input`` with the first ``seq_lengths[b]`` steps of sequence ``b`` backwards, the other steps as they are.

    Steps go along ``seq_axis``, sequences along ``batch_axis`` (0 unless given). A length that is not in [0, steps] is
    an ``InvalidArgumentError`` when the graph runs.
    """
    x, lengths = convert_to_tensor(input), convert_to_tensor(seq_lengths)
    steps, batch = seq_dim if seq_axis is None else seq_axis, batch_dim if batch_axis is None else batch_axis
    if steps is None:
        raise ValueError("reverse_sequence needs seq_axis, the axis of the steps")
    along, across = axis_of(x, steps, "reverse_sequence"), axis_of(x, batch or 0, "reverse_sequence")
    if along == across:
        raise ValueError(f"reverse_sequence of {x.type}: batch_axis == seq_axis == {along}")
    return apply(ReverseSequence(along, across), x, lengths, name=name or "ReverseSequence")


@telling_line
def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Tensor:
    """``mask[..., t] = t < lengths[...]`` for ``t`` from 0 to ``maxlen``, the greatest of the lengths unless given."""
    counts = convert_to_tensor(lengths)
    check_dtype(counts.type, INDICES, "lengths")
    with graph_of([counts]).name_scope(name or "SequenceMask") as scope:
        limit = convert_to_tensor(_greatest(counts) if maxlen is None else maxlen)
        if limit.type.rank not in (0, None):
            raise ValueError("maxlen must be scalar for sequence_mask")
        mask = e.less(e.cast(range(limit), counts.dtype), expand_dims(counts, -1))
        return e.identity(mask, name=scope) if dtypes.as_dtype(dtype).is_bool else e.cast(mask, dtype, name=scope)


def _greatest(lengths: Tensor) -> Tensor:
    """The greatest length: a number where the lengths are numbers."""
    if isinstance(lengths.op.kind, Const):
        return constant(lengths.op.kind.value.max(initial=0))
    return e.maximum(reduce_max(lengths), convert_to_tensor(0, lengths.dtype))
