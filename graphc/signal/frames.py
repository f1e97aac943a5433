"""Stretches of a signal that overlap, and signals put together from such."""

from __future__ import annotations

from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import as_sizes, concat, zeros
from graphc.ops.base import axis_of, convert_to_tensor, graph_of
from graphc.ops.lookup import gather
from graphc.ops.padding import pad
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import reshape, shape, transpose
from graphc.ops.sequences import range as ramp
from graphc.ops.shape_values import static_sizes


def frame(
    signal: Any, frame_length: Any, frame_step: Any, pad_end: bool = False, pad_value: Any = 0, axis: int = -1,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Stretches of ``frame_length`` along ``axis``, each ``frame_step`` after the one before: the axis becomes two.

    With ``pad_end``, every step begins a frame, and ``pad_value`` stands beyond the end of the signal.
    """
    x = convert_to_tensor(signal)
    if x.type.rank is None:
        raise ValueError(f"frame needs a signal of known rank, not {x.type}")
    place = axis_of(x, int(axis), "frame")
    with graph_of([x]).name_scope(name or "frame"):
        length, step = whole_number(frame_length, "frame_length"), whole_number(frame_step, "frame_step")
        size = size_along(x, place)
        count = _most(0, -(-size // step) if pad_end else 1 + (size - length) // step)
        if pad_end:
            edges: list[Any] = [[0, 0] for _ in range(x.type.rank)]
            edges[place] = [0, _most(0, length + step * (count - 1) - size)]
            x = pad(x, edges if isinstance(size, int) else convert_to_tensor(edges), constant_values=pad_value)
        starts = ramp(count) * step
        places = starts[:, None] + ramp(length)
        return gather(x, places, axis=place)


@telling_line
def overlap_and_add(signal: Any, frame_step: Any, name: str | None = None) -> Tensor:
    """The sum of frames ``[..., frames, frame_length]``, each ``frame_step`` after the one before.

    Frames are cut in parts of one step; the parts of each number are a row that begins one step later than the last.
    """
    x = convert_to_tensor(signal)
    if x.type.rank is None or x.type.rank < 2:
        raise ValueError(f"signal must have at least 2 known axes, [..., frames, frame_length], not {x.type}")
    with graph_of([x]).name_scope(name or "overlap_and_add"):
        step, rank = whole_number(frame_step, "frame_step"), x.type.rank
        length, frames = size_along(x, rank - 1), size_along(x, rank - 2)
        if not isinstance(length, int):
            raise ValueError(f"overlap_and_add needs a frame length that is known while declaring, not {x.type}")
        outer = [size_along(x, axis) for axis in range(rank - 2)]
        parts = -(-length // step)
        padded = pad(x, [[0, 0]] * (rank - 1) + [[0, parts * step - length]])
        split = reshape(padded, as_sizes([*outer, frames, parts, step]))
        order = [*range(rank - 2), rank - 1, rank - 2, rank]
        rows = transpose(split, order)  # [..., parts, frames, step]
        blank = zeros(as_sizes([*outer, parts, parts, step]), x.dtype)
        longer = reshape(concat([rows, blank], rank - 1), as_sizes([*outer, parts * (frames + parts), step]))
        kept = longer[(..., slice(0, parts * (frames + parts - 1)), slice(None))]
        shifted = reshape(kept, as_sizes([*outer, parts, frames + parts - 1, step]))
        total = reshape(reduce_sum(shifted, rank - 2), as_sizes([*outer, (frames + parts - 1) * step]))
        return total[..., : (frames - 1) * step + length]


def whole_number(value: Any, called: str) -> int:
    """A number of samples, at least 1, that is known while declaring."""
    known = static_sizes(value)
    if known is None or len(known) != 1 or known[0] is None:
        raise ValueError(f"{called} must be a whole number that is known while declaring, not {value!r}")
    if known[0] < 1:  # type: ignore[operator]
        raise ValueError(f"{called} must be at least 1, not {known[0]}")
    return int(known[0])  # type: ignore[arg-type]


def size_along(x: Tensor, axis: int) -> Any:
    """A size: a number where it is known, else a scalar."""
    size = x.type.shape[axis]  # type: ignore[index]
    return shape(x)[axis] if size is None else size


def _most(a: Any, b: Any) -> Any:
    return e.maximum(a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else max(a, b)
