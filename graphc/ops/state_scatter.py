"""Changing parts of a variable: at positions along its first axis, or at coordinates. Only they are touched."""

from __future__ import annotations

from typing import Any

from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops.arrays import concat
from graphc.ops.base import apply, convert_to_tensor
from graphc.ops.reshaping import broadcast_to, shape
from graphc.ops.scatter import Scatter, changed, with_depth
from graphc.ops.state import Assign, assigned, handle_of, value_for
from graphc.records import record
from graphc.shapes import TensorType


@record(eq=False)
class AssignScatter(Assign):
    """``variable[indices] := rows``, or ``variable[indices] := variable[indices] + rows`` and so on; the new value.

    ``how`` is as for :class:`Scatter`; with ``whole`` the last axis of ``indices`` holds coordinates.
    """

    how: str = "update"
    whole: bool = False
    checks: bool = True  # whether an index outside is an error; else its row is left out

    @property
    def type(self) -> str:
        return f"Scatter{'Nd' if self.whole else ''}{self.how.capitalize()}"

    def infer(self, variable: TensorType, indices: TensorType, rows: TensorType) -> TensorType:  # type: ignore[override]
        places = indices
        if not self.whole and indices.shape is not None:
            places = TensorType(indices.dtype, (*indices.shape, 1))
        return Scatter(self.how).infer(variable, places, rows)

    def checked(self, variable: Operation, value: Tensor) -> Tensor:
        """The indices or rows as they are: what changes parts of a variable leaves it its shape."""
        return value

    def new_value(self, old: Tensor, indices: Tensor, rows: Tensor) -> Tensor:  # type: ignore[override]
        """What the variable holds afterwards."""
        if self.checks:
            return changed(self.how, old, indices, rows, self.type, whole=self.whole)
        return apply(Scatter(self.how), old, indices if self.whole else with_depth(indices), rows)


def _scatter(how: str, whole: bool, ref: Any, indices: Any, updates: Any, name: str | None) -> Tensor:
    variable, places = handle_of(ref), convert_to_tensor(indices)
    rows = value_for(variable, updates)
    if not whole and rows.type.rank == 0 and _wants_more(variable, places):
        rows = broadcast_to(rows, concat([shape(places), shape(variable)[1:]], 0))
    return assigned(AssignScatter(how=how, whole=whole), ref, [places, rows], name)


def _wants_more(variable: Tensor, places: Tensor) -> bool:
    """Whether one number is to be written to several elements."""
    return (variable.type.rank or 0) > 1 or places.type.rank != 0


@telling_line
def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Tensor:
    """``ref[indices[i]] := updates[i]`` for each i; the result is the whole new value.

    ``ref`` is a Variable [rows, row...], ``indices`` whole numbers of any shape, ``updates`` [indices..., row...] or a
    scalar. An index outside is an ``InvalidArgumentError`` when the graph runs, and the variable is as before.
    """
    return _scatter("update", False, ref, indices, updates, name)


@telling_line
def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] += updates[i]`` for each i; equal indices add up."""
    return _scatter("add", False, ref, indices, updates, name)


@telling_line
def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] -= updates[i]`` for each i; equal indices add up."""
    return _scatter("sub", False, ref, indices, updates, name)


@telling_line
def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] *= updates[i]`` for each i, one after the other."""
    return _scatter("mul", False, ref, indices, updates, name)


@telling_line
def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] /= updates[i]`` for each i, one after the other; whole numbers towards zero."""
    return _scatter("div", False, ref, indices, updates, name)


@telling_line
def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] := min(ref[indices[i]], updates[i])`` for each i."""
    return _scatter("min", False, ref, indices, updates, name)


@telling_line
def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i]] := max(ref[indices[i]], updates[i])`` for each i."""
    return _scatter("max", False, ref, indices, updates, name)


@telling_line
def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """``ref[indices[i, 0], indices[i, 1], ...] := updates[i]`` for each i; the result is the whole new value."""
    return _scatter("update", True, ref, indices, updates, name)


@telling_line
def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i, 0], indices[i, 1], ...] += updates[i]`` for each i; equal coordinates add up."""
    return _scatter("add", True, ref, indices, updates, name)


@telling_line
def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
    """``ref[indices[i, 0], indices[i, 1], ...] -= updates[i]`` for each i; equal coordinates add up."""
    return _scatter("sub", True, ref, indices, updates, name)
