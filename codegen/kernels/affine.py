"""What a contraction is: axes with a stride in each operand, and the few merged loops they come down to.

    C[batch..., rows..., cols...] = sum over inner of A[a_offset + strides . index] * B[b_offset + strides . index]

Matrix products with every transposition, batched products that broadcast (stride 0), convolutions over padded
inputs and both their gradients (negative strides included) are all of this form.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dims import DimLike, product
from graphc.records import record, replace


@record
class Axis:
    """An index that runs from 0 to ``extent - 1`` and moves ``a`` elements in A and ``b`` elements in B."""

    extent: DimLike
    a: DimLike = 0
    b: DimLike = 0


@record
class Edge:
    """A is read only where ``0 <= start + row_step * u + inner_step * v < size``, and counts as zero elsewhere.

    u is the position along row axis ``row``, v along inner axis ``inner``: the padding around a convolution's images.
    Cols are numbered after the rows; their edges are those of B, whose contraction is computed with both swapped.
    """

    row: int
    inner: int
    row_step: int
    inner_step: int
    start: int
    size: int


@record
class Contraction:
    """A sum of products of two arrays; rows do not move in B, cols do not move in A, paired axes move as they like.

    An operand that is ``fed`` is an array of the caller's, which need not begin on a cache line.
    """

    dtype: str
    batch: tuple[Axis, ...]
    rows: tuple[Axis, ...]
    cols: tuple[Axis, ...]
    inner: tuple[Axis, ...]
    a_offset: DimLike = 0
    b_offset: DimLike = 0
    paired: tuple[Axis, ...] = ()
    edges: tuple[Edge, ...] = ()
    fed_a: bool = False
    fed_b: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in ("f32", "f64", "i32", "i64"):
            raise ValueError(f"a contraction has no elements of type {self.dtype}")
        if any(axis.b != 0 for axis in self.rows) or any(axis.a != 0 for axis in self.cols):
            raise ValueError("rows of a contraction have stride 0 in B, and cols stride 0 in A")
        if self.cols and self.paired:
            raise ValueError("a contraction has cols or paired axes, not both")

    @property
    def cuts_b(self) -> bool:
        """Whether the edges are edges of B."""
        return any(edge.row >= len(self.rows) for edge in self.edges)

    @property
    def output(self) -> tuple[Axis, ...]:
        """The axes of C in order."""
        return self.batch + self.rows + self.cols + self.paired


@record
class Group:
    """Neighbouring axes that walk as one; ``places`` are their positions among the axes of C, with extents.

    ``edge`` is the number of the edge of which this is an axis: such an axis stands alone.
    """

    extent: DimLike
    a: DimLike
    b: DimLike
    places: tuple[tuple[int, DimLike], ...] = ()
    edge: int | None = None


@record
class Shape:
    """A contraction with trivial axes dropped and neighbours merged; vectors run along ``col``.

    ``swapped`` says that A and B changed roles: then ``col`` is made of the contraction's rows. A ``col`` that is a
    paired axis may move in A too.
    """

    dtype: str
    outer: tuple[Group, ...]
    rows: tuple[Group, ...]
    col: Group
    inner: tuple[Group, ...]
    swapped: bool = False
    edges: tuple[Edge, ...] = ()
    fed_b: bool = False

    @property
    def m(self) -> DimLike:
        return product(group.extent for group in self.rows)

    @property
    def n(self) -> DimLike:
        return self.col.extent

    @property
    def k(self) -> DimLike:
        return product(group.extent for group in self.inner)


ONE = Group(1, 0, 0)


def shape_of(spec: Contraction, swapped: bool = False) -> Shape:
    """The merged loops of ``spec``: vectors run along one axis, so all but the last of its cols become outer loops."""
    places = iter(range(len(spec.output)))
    batch = [_group(axis, next(places)) for axis in spec.batch]
    rows = [_group(axis, next(places), _edge_of(spec, row=n)) for n, axis in enumerate(spec.rows)]
    cols = [
        _group(axis, next(places), _edge_of(spec, row=len(rows) + n))
        for n, axis in enumerate((*spec.cols, *spec.paired))
    ]
    inner = [Group(axis.extent, axis.a, axis.b, (), _edge_of(spec, inner=n)) for n, axis in enumerate(spec.inner)]
    if swapped:
        rows, cols = [_swap(group) for group in cols], [_swap(group) for group in rows]
        outer = [_swap(group) for group in batch]
        # What was a batch of A meets one and the same B: rows, so that a copy of B serves all of them.
        joins = any(group.extent != 1 for group in rows)
        rows = [group for group in outer if joins and group.b == 0] + rows
        batch = [group for group in outer if not joins or group.b != 0]
        inner = [_swap(group) for group in inner]
    cols = [group for group in cols if group.extent != 1]
    return Shape(
        dtype=spec.dtype,
        outer=_merge(batch + cols[:-1]),
        rows=_merge(rows),
        col=cols[-1] if cols else ONE,
        inner=_merge(inner),
        swapped=swapped,
        edges=spec.edges,
        fed_b=spec.fed_a if swapped else spec.fed_b,
    )


def _group(axis: Axis, place: int, edge: int | None = None) -> Group:
    return Group(axis.extent, axis.a, axis.b, ((place, axis.extent),), edge)


def _edge_of(spec: Contraction, row: int | None = None, inner: int | None = None) -> int | None:
    return next((n for n, edge in enumerate(spec.edges) if edge.row == row or edge.inner == inner), None)


def _swap(group: Group) -> Group:
    return replace(group, a=group.b, b=group.a)


def _merge(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Axes of extent 1 dropped, and each pair of neighbours that walk like one longer axis joined."""
    merged: list[Group] = []
    for group in groups:
        if group.extent == 1 and group.edge is None:
            continue
        if merged and _walk_as_one(merged[-1], group):
            outer = merged.pop()
            group = Group(outer.extent * group.extent, group.a, group.b, outer.places + group.places)
        merged.append(group)
    return tuple(merged)


def _walk_as_one(outer: Group, inner: Group) -> bool:
    if outer.edge is not None or inner.edge is not None:
        return False
    return outer.a == inner.extent * inner.a and outer.b == inner.extent * inner.b
