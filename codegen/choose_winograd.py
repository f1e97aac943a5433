"""Which convolutions are computed with fewer multiplications, and the sizes of their blocks.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015): F(2x2, 3x3) takes 16 products for four
results of a window of 3 x 3 instead of 36. All sizes follow from shapes and the target.

Only where the user asks for it (``GRAPHC_WINOGRAD=1``). A sum of products errs in proportion to its own terms; here the
largest cell of a tile and the largest tap of a filter count for all of its results: with taps of one size it errs about
as much, beside a tap that is 10^4 times as large a result may be off by a hundredth.
"""

from __future__ import annotations

from functools import lru_cache

from graphc.codegen.choose_tile import cycles_per_step
from graphc.codegen.kernels.affine import Contraction
from graphc.codegen.plan import APART, TASKS_WANTED, guess
from graphc.codegen.target import Target
from graphc.dims import DimLike, ceildiv
from graphc.records import record

CELLS = 16  # Of a tile of images, and of a filter, when both are transformed.
# A task transforms its filters by itself, which costs as much as the products of some two tiles.
TILES_OF_TASK = 64
FEWEST_TILES = 16  # Of so few, those two are an eighth.
# Of more channels too few filters stay in the second cache: 512 took 1.8 times as long as the sum of products.
MOST_CHANNELS = 256


@record
class Side:
    """Height or width: results, steps of images and filters, and where in the images the first window begins.

    Cells at ``start + position`` exist where that is at least 0 and less than ``size``.
    """

    results: int
    step: int
    tap: int
    start: int
    size: int
    turned: bool

    @property
    def tiles(self) -> int:
        return -(-self.results // 2)


@record
class WinogradPlan:
    """How a convolution by F(2x2, 3x3) is cut: a task is some tiles of images times some columns of filters."""

    spec: Contraction
    height: Side
    width: Side
    lanes: int
    mr: int
    nv: int
    columns: int  # Of a task.
    block: int  # Tiles that are transformed, multiplied and finished before the next ones.
    chunk: int  # Tiles of a task.

    def __str__(self) -> str:
        size = f"{self.tiles} x {self.channels} x {guess(self.spec.cols[0].extent)}"
        tile = f"{self.mr} x {self.nv} x {self.lanes}"
        return f"F(2x2, 3x3) {size}: {tile}; 16 products for the 4 results of a tile, which rounds otherwise"

    @property
    def channels(self) -> int:
        return guess(self.spec.inner[2].extent)

    @property
    def panels(self) -> int:
        return guess(self.spec.cols[0].extent) // self.columns

    @property
    def tiles(self) -> DimLike:
        return self.spec.rows[0].extent * self.height.tiles * self.width.tiles

    @property
    def tasks(self) -> DimLike:
        return ceildiv(self.tiles, self.chunk) * self.panels

    @property
    def image_part(self) -> int:
        """Elements of one transformed cell of the images of a block."""
        return self.block * self.channels + APART

    @property
    def filter_part(self) -> int:
        return self.channels * self.columns + APART

    @property
    def sum_part(self) -> int:
        return self.block * self.columns + APART

    @property
    def scratch_parts(self) -> tuple[int, ...]:
        """Elements of scratch: filters, images, sums, four results, a tile beyond an edge, a mark for each tile."""
        parts = (CELLS * part for part in (self.filter_part, self.image_part, self.sum_part))
        return (*parts, 4 * self.columns, CELLS * self.channels, -(-self.block // APART) * APART)

    @property
    def scratch_elements(self) -> int:
        """All of them."""
        return sum(self.scratch_parts)

    @property
    def a_offset(self) -> DimLike:
        return self.spec.a_offset - sum(2 * side.step for side in (self.height, self.width) if side.turned)

    @property
    def b_offset(self) -> DimLike:
        """The place of the filter that meets the first cell of a window."""
        return self.spec.b_offset - sum(2 * side.tap for side in (self.height, self.width) if side.turned)


@lru_cache(maxsize=1024)
def winograd_plan(spec: Contraction, target: Target) -> WinogradPlan | None:
    """The plan of a convolution that is faster by F(2x2, 3x3); None for every other contraction."""
    if not _is_convolution(spec, target):
        return None
    height, width = _side(spec, 0), _side(spec, 1)
    if height is None or width is None or min(height.results, width.results) < 4:
        return None
    lanes, channels, filters = target.lanes("f32"), guess(spec.inner[2].extent), guess(spec.cols[0].extent)
    tiles = guess(spec.rows[0].extent) * height.tiles * width.tiles
    if tiles < FEWEST_TILES or channels > MOST_CHANNELS:
        return None
    columns = _columns(channels, filters, lanes, target)
    mr, nv = _tile(columns // lanes, target)
    wanted = -(-max(TASKS_WANTED, 2 * target.cores) // (filters // columns))
    chunks = max(1, min(wanted, tiles // TILES_OF_TASK))
    chunk = -(-tiles // chunks)
    most = max(mr, target.l2 // 3 // (4 * CELLS * (channels + columns)) // mr * mr)
    block = min(most, -(-chunk // mr) * mr)
    return WinogradPlan(spec, height, width, lanes, mr, nv, columns, block, chunk)


def _is_convolution(spec: Contraction, target: Target) -> bool:
    """Whether channels and filters fill vectors and one of them is contiguous in the filters."""
    if not target.winograd or spec.dtype != "f32" or spec.batch or spec.paired or not target.masks:
        return False
    if (len(spec.rows), len(spec.cols), len(spec.inner)) != (3, 1, 3):
        return False
    channels, filters, lanes = spec.inner[2], spec.cols[0], target.lanes("f32")
    sizes = channels.extent, filters.extent
    fill = all(isinstance(size, int) and size >= 16 and size % lanes == 0 for size in sizes)
    return fill and channels.a == 1 and 1 in (channels.b, filters.b)


def _side(spec: Contraction, number: int) -> Side | None:
    """Height (0) or width (1) of a convolution without strides whose window is three long there."""
    row, tap = spec.rows[1 + number], spec.inner[number]
    if not (isinstance(row.extent, int) and isinstance(row.a, int) and isinstance(tap.a, int)):
        return None
    if tap.extent != 3 or not isinstance(tap.b, int) or row.a <= 0 or abs(tap.a) != row.a:
        return None
    turned = tap.a < 0
    sign = -1 if turned else 1
    edge = next((edge for edge in spec.edges if edge.row == 1 + number), None)
    if edge is None:
        return Side(row.extent, row.a, sign * tap.b, 0, row.extent + 2, turned)
    if (edge.inner, edge.row_step, edge.inner_step) != (number, 1, sign):
        return None
    return Side(row.extent, row.a, sign * tap.b, edge.start - (2 if turned else 0), edge.size, turned)


def _columns(channels: int, filters: int, lanes: int, target: Target) -> int:
    """As many filters as keep their transformed panel in half of the second cache."""
    most = target.l2 // 2 // (4 * CELLS * channels)
    fitting = [n for n in range(lanes, filters + 1, lanes) if filters % n == 0 and n <= most]
    return max(fitting, default=lanes)


def _tile(vectors: int, target: Target) -> tuple[int, int]:
    """The rows and vectors of sums in registers that take the fewest cycles for each product."""
    costs = []
    for nv in range(1, min(vectors, 8) + 1):
        for mr in range(1, 29):
            if vectors % nv == 0 and mr * nv + nv + 1 <= target.vector_registers:
                costs.append((cycles_per_step(mr, nv, False) / (mr * nv), mr, nv))
    return min(costs)[1:]
