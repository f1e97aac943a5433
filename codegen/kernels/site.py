"""What every part of one contraction's code shares: the plan, sizes as numbers, and positions in merged axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from graphc.codegen import ir
from graphc.codegen.kernels.affine import Group
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.microtile import Tile
from graphc.codegen.plan import Plan
from graphc.codegen.target import Target
from graphc.dims import DimLike
from graphc.records import record

Size = Callable[[ir.IRBuilder, DimLike], ir.Value]
Coordinates = dict[int, Index]  # By position among the axes of C; those of extent 1 are left out.


class Sizes:
    """Sizes as numbers: constants, or values loaded once, in a block before all loops."""

    def __init__(self, builder: ir.IRBuilder, size: Size):
        self.builder, self.size = builder, size
        self.known: dict[DimLike, ir.Value] = {}
        self.block = builder.block
        work = builder.append_basic_block("work")
        builder.branch(work)
        builder.position_at_end(work)

    def __call__(self, dim: DimLike) -> Index:
        if isinstance(dim, int):
            return dim
        if dim not in self.known:
            with self.builder.goto_block(self.block):
                self.known[dim] = self.size(self.builder, dim)
        return self.known[dim]


@record
class KStep:
    """One loop of K: its trip count, and how far A, B and a copy with nothing else in it move in a turn.

    It begins at ``start`` of the axis with the edge of this number.
    """

    extent: Index
    a: Index
    b: Index
    packed: Index
    edge: int | None = None
    start: Index = 0


@record
class Site:
    """One contraction under construction."""

    code: Code
    plan: Plan
    target: Target
    sizes: Sizes

    @cached_property
    def tile(self) -> Tile:
        return Tile(self.plan.mr, self.plan.nv, self.plan.lanes, self.plan.direct)

    @cached_property
    def m(self) -> Index:
        """The number of rows that tiles run along."""
        return self.sizes(self.plan.tiled_extent)

    @cached_property
    def n(self) -> Index:
        return self.sizes(self.plan.shape.n)

    @cached_property
    def lanes(self) -> int:
        """Lanes of a whole vector register, however narrow C is."""
        return self.target.lanes(self.plan.shape.dtype)

    def offsets(self, groups: Sequence[Group], index: Index) -> tuple[Index, Index, Coordinates]:
        """How far A and B move to position ``index`` of ``groups`` (the last one fastest), and where C is there."""
        code = self.code
        in_a: Index = 0
        in_b: Index = 0
        coordinates: Coordinates = {}
        for place in reversed(range(len(groups))):
            group = groups[place]
            rest: Index
            if place > 0:
                index, rest = code.divmod(index, self.sizes(group.extent))
            else:
                rest = index
            in_a = code.add(in_a, code.mul(rest, self.sizes(group.a)))
            in_b = code.add(in_b, code.mul(rest, self.sizes(group.b)))
            coordinates |= self.coordinates((group,), rest)
        return in_a, in_b, coordinates

    def coordinates(self, groups: Sequence[Group], index: Index) -> Coordinates:
        """The coordinates of C at position ``index`` of merged axes."""
        axes = [axis for group in groups for axis in group.places]
        found: Coordinates = {}
        for position, extent in reversed(axes[1:]):
            index, found[position] = self.code.divmod(index, self.sizes(extent))
        if axes:
            found[axes[0][0]] = index
        return found
