"""How one contraction is computed: the choices that ``choose.py`` makes, and the sizes that follow from them."""

from __future__ import annotations

from graphc.codegen.kernels.affine import Group, Shape
from graphc.codegen.loops import ITEM_BYTES
from graphc.dims import DimLike, ceildiv, product, substitute
from graphc.records import record

# What a symbolic size is taken to be where a choice needs a number (a batch, mostly).
USUAL = 256
# What batches really are: a choice that fits one of them by chance, such as the height of a tile, weighs all.
BATCHES = (8, 16, 32, 64, 128, 256)
# At least so many tasks, where there is work for them: a target that is only named has one core, and may have more.
TASKS_WANTED = 4
# Elements of a cache line: parts of scratch lie so far apart beyond their size, so that they fall in different sets.
APART = 16


@record
class Plan:
    """How one contraction is computed; the fields name the loops of ``kernels/contraction.py``."""

    form: str  # "tile": registers hold a tile of C; "dot": vectors run along K; "paired": A is read by vectors too.
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
    reasons: tuple[str, ...]
    direct: int = 0  # Rows of a tile whose multiply-adds each read A from memory, not from a register.
    group: int = 1  # How many panels meet one tile of rows before the next tile.
    streams: bool = False  # Whether a panel of B comes from the second cache, and is asked for ahead.
    panels_ahead: int = 0  # How many panels ahead lines of B are asked for, where each step of K is in another page.
    follows: bool = False  # Whether the rows of the next tile come from afar, and are asked for during this one.
    parts_follow: bool = False  # The same of the next part of K, whose lines hold many rows of a step.
    joins: bool = False  # Whether tasks that follow each other are done as one, with all their panels.
    together: int = 1  # How many steps of K are written in one turn of the innermost loop.
    few: Plan | None = None  # Another way where the number of rows is known only when the step runs,
    few_rows: int = 0  # and up to how many it is taken.

    def __str__(self) -> str:
        size = " x ".join(str(x) for x in (self.shape.m, self.shape.k, self.shape.n))
        one = f"{self.form} {size}: {self.mr} x {self.nv} x {self.lanes}; " + "; ".join(self.reasons)
        return one if self.few is None else f"{one}; up to {self.few_rows} rows as {self.few}"

    @property
    def may_lack_rows(self) -> bool:
        """Whether C may have fewer rows than a tile, which no copy of A makes up for."""
        return not isinstance(self.tiled_extent, int) and not self.pack_a and self.few_rows < self.mr

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
        assert isinstance(self.k_block, int), "only a loop cut into pieces of known length has several"
        outside = product(group.extent for group in inner[: self.k_level])
        return outside * ceildiv(inner[self.k_level].extent, self.k_block)

    @property
    def k_elements(self) -> DimLike:
        """How much of K a block holds."""
        return self.k_block * product(group.extent for group in self.shape.inner[self.k_level + 1 :])

    @property
    def row_elements(self) -> DimLike:
        """The length of a row in a copy of A, a line longer than needed, so that rows fall in different sets."""
        return ceildiv(self.k_elements, APART) * APART + APART

    @property
    def tile_elements(self) -> DimLike:
        """The length of the rows of one tile in a copy of A."""
        if self.pack_a == "rows":
            return self.mr * self.row_elements
        return ceildiv(self.k_elements * self.mr, APART) * APART + APART

    @property
    def panel_elements(self) -> DimLike:
        """The length of a panel in a copy of B, a line longer than needed, so that panels fall in different sets."""
        return self.k_elements * self.nv * self.lanes + APART

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

    @property
    def run_panels(self) -> int:
        """How many panels are done together, at most."""
        return guess(self.column_panels) if self.joins else self.panels

    @property
    def b_panels(self) -> int:
        """How many panels of B are copied at once: a group just before it is used, unless rows of A are as well."""
        return self.group if self.a_tiles >= self.row_tiles else self.panels

    @property
    def turned_lanes(self) -> int:
        """Lanes of a vector along the rows of a tile where the result is contiguous along them, else 0.

        That is where the operands changed roles and a tile runs along the last of the contraction's columns alone.
        """
        last = len(self.shape.rows) - 1
        if not self.shape.swapped or self.tiled != last or len(self.shape.rows[last].places) != 1:
            return 0
        lanes = self.lanes
        while lanes // 2 >= self.mr:
            lanes //= 2
        return lanes if lanes > 1 else 0

    @property
    def turned_height(self) -> int:
        """Rows of a tile that was transposed, as whole vectors."""
        return -(-self.mr // self.turned_lanes) * self.turned_lanes

    @property
    def turned_place(self) -> DimLike:
        """Where in scratch a transposed tile stands: behind the sums of the others."""
        tile = self.mr * self.nv * self.lanes
        return tile * (1 if self.k_blocks == 1 else 1 + self.row_tiles * self.run_panels)

    @property
    def scratch_parts(self) -> tuple[DimLike, DimLike, DimLike]:
        """Elements of scratch for sums, for the copy of A and for that of B, each a whole number of cache lines."""
        turned = self.turned_height * self.nv * self.lanes if self.turned_lanes else 0
        sums = self.turned_place + turned + self.lanes
        a_copy = self.a_tiles * self.tile_elements if self.pack_a else 0
        b_copy = self.b_panels * self.panel_elements if self.pack_b else 0
        return _whole_lines(sums), _whole_lines(a_copy), _whole_lines(b_copy)

    @property
    def scratch_elements(self) -> DimLike:
        """All of them, for whichever way is taken."""
        own: DimLike = sum(self.scratch_parts)
        others: DimLike = self.few.scratch_elements if self.few is not None else 0
        return max(own, others) if isinstance(own, int) and isinstance(others, int) else own + others


def _whole_lines(elements: DimLike) -> DimLike:
    return ceildiv(elements, APART) * APART


def guess(size: DimLike, batch: int = USUAL) -> int:
    """``size``, with every symbol taken as a usual batch."""
    return size if isinstance(size, int) else max(0, _number(substitute(size, lambda _: batch)))


def pieces(size: DimLike, length: int) -> float:
    """How many pieces of a length ``size`` is cut into; of a symbol, what batches need on average, as of the usual."""
    if isinstance(size, int):
        return -(-size // length)
    sizes = [max(guess(size, batch), 1) for batch in BATCHES]
    return guess(size) * sum(-(-each // length) / each for each in sizes) / len(sizes)


def _number(size: DimLike) -> int:
    assert isinstance(size, int)
    return size


def element_bytes(shape: Shape) -> int:
    return ITEM_BYTES[shape.dtype]


def summed_at_once(sums: int, lanes: int) -> int:
    """How many of the vectors of so many dot products have their lanes added up together: a power of two."""
    return min(sums & -sums, lanes)
