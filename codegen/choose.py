"""Every decision about sizes, in one place: which form a contraction takes, its tile, its blocks, its tasks.

Pure functions of sizes, strides and the target. Each plan says why it is what it is; ``print(plan)`` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from graphc.codegen.kernels.affine import Contraction, Group, Shape, shape_of
from graphc.codegen.target import DTYPE_BYTES, Target
from graphc.dims import DimLike, ceildiv, product

# What a symbolic size is taken to be where a choice needs a number (a batch, mostly).
USUAL = 256
# A task should be worth waking a thread for (about 5 us), and there should be some for every thread.
TASK_FLOPS = 1 << 19
TASKS_WANTED = 16


@dataclass(frozen=True)
class Plan:
    """How one contraction is computed; the fields name the loops of ``kernels/contraction.py``."""

    form: str  # "tile": registers hold a tile of C; "dot": vectors run along K.
    shape: Shape
    lanes: int
    mr: int
    nv: int
    tiled: int | None  # The group of rows that tiles run along; None: all rows, flattened (A is packed by rows).
    pack_a: str  # "" (read in place), "rows" (each row of a tile contiguous), "columns" (each k contiguous).
    pack_b: bool
    k_level: int  # Which loop of K is cut into blocks,
    k_block: DimLike  # and how long each block is: a number where there are several.
    row_tiles: int  # Per task.
    a_tiles: int  # Of those, how many are copied at once.
    panels: int  # Per task: a panel is nv * lanes columns.
    unroll: int  # Steps of K per turn of the innermost loop, where K is known and divides.
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        size = " x ".join(str(x) for x in (self.shape.m, self.shape.k, self.shape.n))
        return f"{self.form} {size}: {self.mr} x {self.nv} x {self.lanes}; " + "; ".join(self.reasons)

    @property
    def tiled_extent(self) -> DimLike:
        """The number of rows that tiles run along."""
        return self.shape.m if self.tiled is None else self.shape.rows[self.tiled].extent

    @property
    def untiled(self) -> tuple[Group, ...]:
        """The rows that are plain loops around the tiles."""
        if self.tiled is None:
            return ()
        return self.shape.rows[: self.tiled] + self.shape.rows[self.tiled + 1 :]

    @property
    def tiles(self) -> DimLike:
        """Tiles over all rows."""
        return product(group.extent for group in self.untiled) * ceildiv(self.tiled_extent, self.mr)

    @property
    def k_blocks(self) -> DimLike:
        """The number of parts that K is summed in."""
        inner = self.shape.inner
        if not inner or self.k_block == inner[self.k_level].extent:
            return 1
        outside = product(group.extent for group in inner[: self.k_level])
        return outside * ceildiv(inner[self.k_level].extent, self.k_block)

    @property
    def k_elements(self) -> DimLike:
        """How much of K a block holds."""
        return self.k_block * product(group.extent for group in self.shape.inner[self.k_level + 1 :])

    @property
    def row_elements(self) -> DimLike:
        """The length of a row in a copy of A: one cache line longer than needed, so that rows fall in different sets."""
        return ceildiv(self.k_elements, 16) * 16 + 16

    @property
    def tile_elements(self) -> DimLike:
        """The length of the rows of one tile in a copy of A."""
        return self.mr * (self.row_elements if self.pack_a == "rows" else self.k_elements)

    @property
    def panel_elements(self) -> DimLike:
        """The length of a panel in a copy of B."""
        return self.k_elements * self.nv * self.lanes

    @property
    def row_chunks(self) -> DimLike:
        return ceildiv(self.tiles, self.row_tiles)

    @property
    def column_panels(self) -> DimLike:
        return ceildiv(self.shape.n, self.nv * self.lanes)

    @property
    def column_chunks(self) -> DimLike:
        return ceildiv(self.column_panels, self.panels)

    @property
    def outer(self) -> DimLike:
        return product(group.extent for group in self.shape.outer)

    @property
    def tasks(self) -> DimLike:
        return self.outer * self.row_chunks * self.column_chunks


@lru_cache(maxsize=1024)
def plan(spec: Contraction, target: Target) -> Plan:
    """The way ``spec`` is computed on ``target``."""
    shape = shape_of(spec)
    return tile_plan(shape, target)


def tile_plan(shape: Shape, target: Target, pack_a: str = "", pack_b: bool = False) -> Plan:
    """Registers hold a tile of C."""
    reasons = []
    if not pack_b and shape.n != 1 and (shape.col.b != 1 or not isinstance(shape.n, int)):
        pack_b = True
        reasons.append("B is copied: " + ("its columns are apart" if shape.col.b != 1 else "their number is a symbol"))
    lanes = lanes_for(shape, target)
    tiled, mr, nv = None, 0, 0
    if pack_a == "rows" or not shape.rows:
        _, mr, nv = tile_for(shape, shape.m, lanes, target, pack_b)
    else:
        places = range(len(shape.rows))
        if pack_a == "columns":
            places = [place for place in places if shape.rows[place].a == 1]
        (_, mr, nv), tiled = min((tile_for(shape, shape.rows[p].extent, lanes, target, pack_b), -p) for p in places)
        tiled = -tiled
    k_level, k_block = _block_of_k(shape, target) if pack_a and pack_b else (0, _whole_k(shape))
    result = Plan(
        "tile", shape, lanes, mr, nv, tiled, pack_a, pack_b, k_level, k_block, 1, 1, 1, 1, tuple(reasons),
    )
    return _with_tasks(result, target)


def _whole_k(shape: Shape) -> DimLike:
    return shape.inner[0].extent if shape.inner else 1


def _block_of_k(shape: Shape, target: Target, most: int = 512) -> tuple[int, DimLike]:
    """Which loop of K to cut, and into what length, so that a block has at most ``most`` steps."""
    inside = 1
    for level in reversed(range(len(shape.inner))):
        extent = shape.inner[level].extent
        if not isinstance(extent, int) or inside * extent > most:
            length = max(1, most // inside)
            if isinstance(extent, int):
                length = -(-extent // -(-extent // length))
            return level, length
        inside *= extent
    return 0, _whole_k(shape)


def lanes_for(shape: Shape, target: Target) -> int:
    """Lanes of a vector of C: the target's width, or the next power of two when there are fewer columns."""
    lanes = target.lanes(shape.dtype)
    if isinstance(shape.n, int):
        while lanes // 2 >= max(shape.n, 1):
            lanes //= 2
    return lanes


def tile_for(
    shape: Shape, rows: DimLike, lanes: int, target: Target, pack_b: bool
) -> tuple[float, int, int]:
    """The cost in cycles, and the rows and vectors, of the cheapest tile along ``rows`` that fits the registers."""
    others = max(1, _guess(shape.m)) / max(_guess(rows), 1)
    vectors = -(-_guess(shape.n) // lanes)
    # Without a copy of B the last panel moves back to end with the last column, so it must not be wider than C.
    most = max(1, min(8, vectors if pack_b else _guess(shape.n) // lanes))
    candidates = []
    for mr in range(1, _largest_rows(rows) + 1):
        for nv in range(1, most + 1):
            if mr * nv + nv + 1 > target.vector_registers:
                continue
            tiles = (-(-rows // mr) if isinstance(rows, int) else USUAL / mr) * -(-vectors // nv) * others
            cost = tiles * (_guess(shape.k) * cycles_per_step(mr, nv) + tile_overhead(mr, nv))
            candidates.append((cost, -mr * nv, mr, nv))
    cost, _, mr, nv = min(candidates)
    return cost, mr, nv


def cycles_per_step(mr: int, nv: int) -> float:
    """Cycles for one k of a tile on a core with two multiply-add ports, two load ports, four instructions a cycle.

    The chain of additions into one register bounds it from below: a multiply-add takes about four cycles. B comes
    from the second level of cache, a vector in two cycles.
    """
    products, loads = mr * nv, mr + nv
    return max(products / 2, loads / 2, (products + loads + 2) / 4, 2 * nv, 4)


def tile_overhead(mr: int, nv: int) -> float:
    """Cycles a tile costs beside K: clearing it, spilling it, and the loop that finishes it."""
    return 20 + 3 * mr * nv


def _largest_rows(rows: DimLike) -> int:
    return max(1, min(rows, 30)) if isinstance(rows, int) else 16


def _with_tasks(chosen: Plan, target: Target) -> Plan:
    """Tasks as a grid over C: halve the longer side of a block while its work stays worth a thread."""
    tiles, panels = max(1, _guess(chosen.tiles)), max(1, _guess(chosen.column_panels))
    flops_per_tile = 2 * max(1, _guess(chosen.shape.k)) * chosen.mr * chosen.nv * chosen.lanes
    blocks = max(1, _guess(chosen.outer))
    while blocks < max(TASKS_WANTED, 4 * target.cores) and tiles * panels * flops_per_tile >= 2 * TASK_FLOPS:
        if tiles * chosen.mr >= panels * chosen.nv * chosen.lanes and tiles > 1 or panels == 1:
            if tiles == 1:
                break
            tiles = -(-tiles // 2)
        else:
            panels = -(-panels // 2)
        blocks *= 2
    return replace(chosen, row_tiles=tiles, a_tiles=tiles, panels=panels)


def _guess(size: DimLike) -> int:
    """``size``, with every symbol taken as a usual batch."""
    if isinstance(size, int):
        return size
    return sum(factor * prod(USUAL for _ in monomial) for monomial, factor in size.terms.items())


def element_bytes(shape: Shape) -> int:
    return DTYPE_BYTES[shape.dtype]
