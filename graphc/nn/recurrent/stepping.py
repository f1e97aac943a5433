"""What the loops over sequences share: batch sizes, first states, and steps past the end of a sequence."""

from __future__ import annotations

from functools import partial
from typing import Any

from graphc import dtypes
from graphc.nest import flatten, is_nested, map_leaves, pack_as, skeleton
from graphc.nn.recurrent.cell import batch_size_of
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.checks import fitting
from graphc.ops.reshaping import expand_dims
from graphc.shapes import TensorType


def lengths_of(sequence_length: Any, batch: Tensor, axis: int) -> Tensor | None:
    """The lengths as int32 [batch]; ``ValueError`` where they do not fit the sequences ``batch``."""
    if sequence_length is None:
        return None
    lengths = e.cast(convert_to_tensor(sequence_length), dtypes.int32)
    if lengths.type.rank not in (None, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    if lengths.type.rank is None:
        lengths.set_shape([None])
    lengths = e.identity(lengths, name="sequence_length")
    return fitting(lengths, batch, _CHECKS[axis], "Assert", "sequence_length")


def _check_count(lengths: TensorType, x: TensorType, axis: int) -> None:
    if lengths.shape is None or x.shape is None:
        return
    came, wanted = lengths.shape[0], x.shape[axis]
    if isinstance(came, int) and isinstance(wanted, int) and came != wanted:
        raise ValueError(f"sequence_length has {came} lengths for {wanted} sequences: the inputs are {x}")


# One for each axis that may be the batch's, always the same: equal checks are equal nodes.
_CHECKS = (partial(_check_count, axis=0), partial(_check_count, axis=1))


def first_state(cell: Any, initial_state: Any, batch_size: Any, dtype: Any) -> Any:
    """The state given, as tensors, or the cell's zeros of ``dtype``."""
    if initial_state is not None:
        if is_nested(cell.state_size) and isinstance(initial_state, Tensor):
            size = cell.state_size
            raise TypeError(
                f"initial_state of {type(cell).__name__} must be {len(flatten(size))} tensors in the structure of its "
                f"state_size {size}, not {initial_state!r}"
            )
        return map_leaves(_as_state, initial_state)
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch_size, dtype)


def _as_state(value: Any) -> Any:
    return value if hasattr(value, "with_flow") else convert_to_tensor(value)


def same_state(before: Any, after: Any) -> Any:
    """The state after a step, in the structure of the one before; ``ValueError`` where it has another."""
    if len(flatten(before)) != len(flatten(after)) or is_nested(before) != is_nested(after):
        raise ValueError(
            f"The cell's state has another structure after a step: it was {skeleton(before)} and is {skeleton(after)}"
        )
    return pack_as(before, flatten(after))


def within(goes_on: Tensor | None, new: Any, old: Any) -> Any:
    """``new`` for the sequences that go on (bool [batch]), ``old`` for those that have ended."""
    if goes_on is None:
        return new
    return pack_as(old, [_chosen(goes_on, x, y) for x, y in zip(flatten(new), flatten(old), strict=True)])


def within_or_zero(goes_on: Tensor | None, new: Any) -> Any:
    """``new`` for the sequences that go on, zeros for those that have ended."""
    if goes_on is None:
        return new
    return map_leaves(lambda x: _chosen(goes_on, x, 0), new)


def _chosen(goes_on: Tensor, new: Any, old: Any) -> Any:
    if hasattr(new, "with_flow"):
        return new
    new = convert_to_tensor(new)
    if new.type.rank == 0:
        return new
    mask = goes_on
    for _ in range((new.type.rank or 1) - 1):
        mask = expand_dims(mask, -1)
    return e.select(mask, new, old)


def common_batch_size(inputs: list[Tensor], axis: int = 0) -> Any:
    """The size of the batch, a number where one of the inputs knows it."""
    sizes = [batch_size_of(x, axis) for x in inputs]
    return next((size for size in sizes if isinstance(size, int)), sizes[0])
