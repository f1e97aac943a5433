"""What variables offer for parts of them: reading and changing rows and elements, as methods."""

from __future__ import annotations

from typing import Any

from graphc.nodes import Tensor
from graphc.ops import state_scatter
from graphc.ops.indexing import IndexedSlices
from graphc.ops.lookup import gather_nd


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

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The parts of the value at coordinates."""
        return gather_nd(self, indices, name=name)


def _rows(slices: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(slices, IndexedSlices):
        raise ValueError(f"sparse_delta is not IndexedSlices: {slices}")
    return slices.indices, slices.values
