"""Cells around a tensor: constant, or its own elements mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.arrays import concat
from graphc.ops.assertions import provided
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.blocks import PadFrom, along, pad_edges
from graphc.ops.elementwise import identity, less_equal
from graphc.ops.late import late_one
from graphc.ops.reshaping import shape
from graphc.ops.shape_values import static_sizes

MODES = ("CONSTANT", "REFLECT", "SYMMETRIC")


@telling_line
def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """``tensor`` with ``paddings[i] = (before, after)`` cells around axis i.

    They hold ``constant_values`` or mirror the elements at the edge: without the edge itself for REFLECT, with it for
    SYMMETRIC.
    """
    x = convert_to_tensor(tensor)
    if str(mode).upper() not in MODES:
        raise ValueError(f"Unknown padding mode: {mode}")
    if x.dtype.is_string and isinstance(constant_values, int):
        constant_values = x.dtype.zero
    edges = static_sizes(paddings if not isinstance(paddings, (list, tuple)) else convert_to_tensor(paddings))
    if edges is not None and None not in edges:
        return _pad_by_numbers(x, _pairs(x, edges), mode.upper(), name, constant_values)  # type: ignore[arg-type]
    if mode.upper() != "CONSTANT":
        return late_one("MirrorPad", lambda x, edges: pad(x, edges, mode), x, [paddings], rank=x.type.rank, name=name)
    return apply(PadFrom(_plain(constant_values)), x, convert_to_tensor(paddings), name=name or "Pad")


def _pairs(x: Tensor, edges: Sequence[int]) -> list[tuple[int, int]]:
    pairs = list(zip(edges[0::2], edges[1::2], strict=True))
    if x.type.rank is not None and len(pairs) != x.type.rank:
        raise ValueError(f"pad of {x.type} needs {x.type.rank} pairs of paddings, not {len(pairs)}")
    if any(edge < 0 for edge in edges):
        raise ValueError(f"paddings must be at least 0, not {[list(pair) for pair in pairs]}")
    return pairs


def _pad_by_numbers(
    x: Tensor, pairs: Sequence[tuple[int, int]], mode: str, name: str | None, constant_values: Any
) -> Tensor:
    if mode == "CONSTANT":
        low, high = ([pair[side] for pair in pairs] for side in range(2))
        return pad_edges(x, low, high, _plain(constant_values), name=name or "Pad")
    with graph_of([x]).name_scope(name or "MirrorPad") as scope:
        for axis, (before, after) in enumerate(pairs):
            if before or after:
                x = _mirrored(x, axis, before, after, 0 if mode == "SYMMETRIC" else 1)
        return identity(x, name=scope)


def _mirrored(x: Tensor, axis: int, before: int, after: int, skipped: int) -> Tensor:
    """One axis with its first and last elements mirrored, ``skipped`` of them left out at the edge."""
    size = None if x.type.shape is None else x.type.shape[axis]
    if isinstance(size, int) and max(before, after) > size - skipped:
        most = size - skipped
        raise ValueError(f"a mirror of axis {axis} of {x.type} has at most {most} cells, not {max(before, after)}")
    if not isinstance(size, int):
        cells, most = constant(max(before, after)), shape(x)[axis] - skipped
        said = ["a mirror of axis", constant(axis), "has at most", most, "cells, not", cells]
        x = provided(x, less_equal(cells, most), "MirrorPad", said)
    parts = [x]
    if before:
        end = skipped - 1 if skipped else None
        parts.insert(0, along(x, axis, before + skipped - 1, end, -1))
    if after:
        parts.append(along(x, axis, -1 - skipped, -1 - skipped - after, -1))
    return concat(parts, axis)


def _plain(value: Any) -> Any:
    """A number from a number or a constant tensor."""
    known = value if not isinstance(value, Tensor) else getattr(value.op.kind, "value", None)
    if known is None:
        raise ValueError(f"pad needs constant_values that are known while declaring, not {value!r}")
    return known.item() if hasattr(known, "item") else known
