"""Rows of a table by number, and whether a number is among the best."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nn.classification import class_mask, is_class
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.late import late
from graphc.ops.lookup import gather
from graphc.ops.positions import positions
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import broadcast_to, expand_dims, reshape, shape
from graphc.ops.scatter import Scatter, with_depth
from graphc.shapes import TensorType


@telling_line
def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Tensor:
    """The rows ``ids`` of the table ``params``; with ``max_norm``, longer rows are shortened to it.

    Several tables are parts of one: row ``i`` is in part ``i % n`` (``mod``), or the parts follow each other (``div``).
    """
    parts = [convert_to_tensor(part) for part in (params if isinstance(params, (list, tuple)) else [params])]
    if not parts:
        raise ValueError("Need at least one param")
    numbers = convert_to_tensor(ids)
    with graph_of(parts).name_scope(name or "embedding_lookup") as scope:
        if len(parts) > 1:
            rows = _from_parts(parts, numbers, partition_strategy)
        elif max_norm is None:
            return gather(parts[0], numbers, name=scope)
        else:
            rows = gather(parts[0], numbers)
        return e.identity(rows, name=scope) if max_norm is None else _shortened(rows, numbers, max_norm, scope)


def _from_parts(parts: list[Tensor], ids: Tensor, strategy: str) -> Tensor:
    """Each row from the part that it is in: of every part only the rows that are asked for are read."""
    if strategy not in ("mod", "div"):
        raise ValueError(f"Unrecognized partition strategy: {strategy}")
    flat = reshape(ids, [-1])
    number, place = _places(parts, flat, strategy)
    row = shape(parts[0])[1:]
    result = broadcast_to(convert_to_tensor(0, parts[0].dtype), concat([shape(flat), row], 0))
    for n, part in enumerate(parts):
        own = positions(e.equal(number, convert_to_tensor(n, number.dtype)))
        result = apply(Scatter(), result, with_depth(own), gather(part, gather(place, own)))
    found = reshape(result, concat([shape(ids), row], 0))
    if ids.type.shape is not None and parts[0].type.shape is not None:
        found.set_shape((*ids.type.shape, *parts[0].type.shape[1:]))
    return found


def _places(parts: list[Tensor], ids: Tensor, strategy: str) -> tuple[Tensor, Tensor]:
    """The part that each row is in, and where; an id outside of all is outside of the last part that could be asked."""
    count = convert_to_tensor(len(parts), ids.dtype)
    if strategy == "mod":
        return e.floormod(ids, convert_to_tensor(count, ids.dtype)), e.floordiv(
            ids, convert_to_tensor(count, ids.dtype)
        )
    first, starts = 0, []
    for part in parts:
        starts.append(first)
        rows = part.type.shape[0] if part.type.shape else None
        if not isinstance(rows, int):
            raise ValueError(f"the part {part.op.describe()} has type {part.type}; wanted a known number of rows")
        first += rows
    number = reduce_sum(e.cast(e.greater_equal(expand_dims(ids, 1), constant(starts[1:], ids.dtype)), ids.dtype), 1)
    return number, ids - gather(constant(starts, ids.dtype), number)


def _shortened(rows: Tensor, ids: Tensor, max_norm: float, scope: str) -> Tensor:
    over = tuple(range(ids.type.rank or 0, rows.type.rank or 0))
    squares = reduce_sum(e.square(rows), over, keepdims=True)
    # TensorFlow clips by norm: rows shorter than the limit stay as they are.
    length = e.sqrt(e.maximum(squares, convert_to_tensor(max_norm**2, rows.dtype)))
    return e.realdiv(rows * max_norm, length, name=scope)


@telling_line
def in_top_k(predictions: Any, targets: Any, k: int, name: str | None = None) -> Tensor:
    """Whether fewer than ``k`` classes score higher than the target: [batch] from predictions [batch, class].

    False where the target is no class or its score is not finite.
    """
    scores, classes = convert_to_tensor(predictions), convert_to_tensor(targets)
    if None in (scores.type.rank, classes.type.rank):
        kind = TensorType(dtypes.bool, (None if scores.type.shape is None else scores.type.shape[0],))
        return late("InTopKV2", lambda x, y: in_top_k(x, y, k), [scores, classes], [], kind, name=name)[0]
    if scores.type.rank != 2 or classes.type.rank != 1:
        raise ValueError(f"in_top_k of predictions {scores.type} and targets {classes.type}; wanted 2 axes and 1 axis")
    with graph_of([scores]).name_scope(name or "in_top_k") as scope:
        own = reduce_sum(e.select(class_mask(classes, scores), scores, 0), 1)
        better = reduce_sum(e.cast(scores > expand_dims(own, 1), dtypes.int32), 1)
        valid = e.logical_and(is_class(classes, scores), e.is_finite(own))
        return e.logical_and(better < k, valid, name=scope)
