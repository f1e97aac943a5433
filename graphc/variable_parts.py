"""What variables offer for parts of them: reading and changing rows and elements, as methods."""

from __future__ import annotations

from functools import partial
from typing import Any

from graphc.nodes import Tensor
from graphc.ops import state_scatter
from graphc.ops.base import apply, convert_to_tensor
from graphc.ops.indexing import IndexedSlices
from graphc.ops.lookup import gather_nd
from graphc.ops.reshaping import broadcast_to, reshape, shape, size
from graphc.ops.scatter import Scatter, with_depth
from graphc.ops.sequences import range as number_range
from graphc.ops.state import assign
from graphc.shapes import broadcast, is_compatible


class HasParts:
    """Methods of a variable whose rows or elements are read and changed; each change gives the whole new value."""

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Assigns the rows of the IndexedSlices ``sparse_delta``."""
        return state_scatter.scatter_update(self, *_rows(sparse_delta), name=name)

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Adds the rows of the IndexedSlices ``sparse_delta``."""
        return state_scatter.scatter_add(self, *_rows(sparse_delta), name=name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Takes off the rows of the IndexedSlices ``sparse_delta``."""
        return state_scatter.scatter_sub(self, *_rows(sparse_delta), name=name)

    def scatter_mul(self, sparse_update: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Multiplies by the rows of the IndexedSlices ``sparse_update``."""
        return state_scatter.scatter_mul(self, *_rows(sparse_update), name=name)

    def scatter_div(self, sparse_update: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Divides by the rows of the IndexedSlices ``sparse_update``."""
        return state_scatter.scatter_div(self, *_rows(sparse_update), name=name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Takes the smaller of each element and that of the IndexedSlices ``sparse_delta``."""
        return state_scatter.scatter_min(self, *_rows(sparse_delta), name=name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Tensor:
        """Takes the greater of each element and that of the IndexedSlices ``sparse_delta``."""
        return state_scatter.scatter_max(self, *_rows(sparse_delta), name=name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Assigns ``updates`` at coordinates."""
        return state_scatter.scatter_nd_update(self, indices, updates, name=name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Adds ``updates`` at coordinates."""
        return state_scatter.scatter_nd_add(self, indices, updates, name=name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Tensor:
        """Takes off ``updates`` at coordinates."""
        return state_scatter.scatter_nd_sub(self, indices, updates, name=name)

    def _note_part(self, part: Tensor, key: Any) -> None:
        """Gives ``part``, which is ``self[key]``, its method ``assign``."""
        part.graph.extras.setdefault("parts_of_variables", {})[part] = partial(self._assign_part, part, key)

    def _assign_part(self, part: Tensor, key: Any, value: Any, use_locking: bool = False, name: Any = None) -> Tensor:
        """``self[key] := value``; the result is the whole new value. ``value`` broadcasts, or ``ValueError``."""
        given = convert_to_tensor(value, part.dtype)
        called = f"assigning to {part.op.describe()}, a part of variable '{self.op.name}'"  # type: ignore[attr-defined]
        if not _fits(given.type.shape, part.type.shape):
            raise ValueError(f"{called}: wanted {part.type}, {given.op.describe()} has {given.type}")
        with part.graph.current.name_scope(name or "strided_slice/assign"):
            old = self.read_value()  # type: ignore[attr-defined]
            places = reshape(number_range(size(old)), shape(old))[key]
            wide = broadcast_to(given, shape(places))
            flat = apply(Scatter("update"), reshape(old, [-1]), with_depth(reshape(places, [-1])), reshape(wide, [-1]))
            return assign(self, reshape(flat, shape(old)))

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The parts of the value at coordinates."""
        return gather_nd(self, indices, name=name)


def _rows(slices: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(slices, IndexedSlices):
        raise ValueError(f"sparse_delta is not IndexedSlices: {slices}")
    return slices.indices, slices.values


def _fits(shape: Any, wanted: Any) -> bool:
    """Whether what has this shape broadcasts to the other one, as far as is known."""
    if shape is None or wanted is None:
        return True
    try:
        return is_compatible(broadcast(shape, wanted), wanted)
    except ValueError:
        return False
