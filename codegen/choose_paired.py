"""The tile of a contraction whose operands both move along its columns, as by depth: part of :mod:`choose`."""

from __future__ import annotations

from graphc.codegen.choose_parts import block_of_k, whole_k
from graphc.codegen.choose_tasks import TASK_FLOPS, with_tasks
from graphc.codegen.choose_tile import lanes_for
from graphc.codegen.kernels.affine import Shape
from graphc.codegen.plan import Plan, guess
from graphc.codegen.target import Target
from graphc.dims import DimLike, product

# Registers with sums where every product reads memory: enough to hide the latency of an addition.
MOST_PAIRED = 12
# Sums that are kept on the stack, where that lets a tile take the whole of longer rows: they come from memory.
MOST_SPILLED = 4


def paired_plan(shape: Shape, target: Target) -> Plan:
    """Both operands move along the columns: vectors of A times vectors (or one element) of B, as by depth.

    Nothing is reused but B by the rows of a tile, so tiles are as large as hides the latency of the additions.
    """
    lanes = lanes_for(shape, target) if isinstance(shape.n, int) else 1
    if _window_fits(shape, target):
        return _window_at_once(shape, lanes, target)
    tiled = len(shape.rows) - 1 if shape.rows else None
    rows: DimLike = 1 if tiled is None else shape.rows[tiled].extent
    vectors = _even_vectors(shape.n // lanes) if isinstance(shape.n, int) else 1
    most = max(1, MOST_PAIRED // vectors)
    mr = _even_share(rows, most) if isinstance(rows, int) else 4
    nv = max(1, min(vectors, MOST_PAIRED // mr))
    # The adjoint of a filter reads so many rows of images for all places of its window while the second cache has them.
    k_level, k_block = block_of_k(shape, guess(shape.n), target, tiled)
    result = Plan(
        "paired",
        shape,
        lanes,
        mr,
        nv,
        tiled,
        "",
        False,
        k_level,
        k_block,
        1,
        1,
        1,
        ("both operands move along columns",),
    )
    return with_tasks(result, target)


def _window_fits(shape: Shape, target: Target) -> bool:
    """Whether the registers hold a sum for each row, as for the places of a window in the adjoint of a filter.

    Its edges are written out, so that LLVM takes twice as long for it: less than a task does not gain that.
    """
    m, n, k = guess(shape.m), guess(shape.n), guess(shape.k)
    is_known = isinstance(shape.m, int) and isinstance(shape.n, int) and len(shape.rows) > 1
    flops = 2 * m * n * k * guess(product(group.extent for group in shape.outer))
    return is_known and m <= target.vector_registers - 2 and k >= 2 * m and flops >= TASK_FLOPS


def _window_at_once(shape: Shape, lanes: int, target: Target) -> Plan:
    """All rows in one tile, so that what all places of a window read comes once: 0.5 to 0.9 of the time."""
    m, vectors, registers = guess(shape.m), max(1, guess(shape.n) // lanes), target.vector_registers
    widths = range(1, max(1, min(4, vectors, (registers + MOST_SPILLED) // m)) + 1)
    nv = min(widths, key=lambda nv: _passes(vectors, nv) * (1.1 if m * nv + nv + 1 > registers else 1))
    k_level, k_block = block_of_k(shape, guess(shape.n), target, None) if nv < vectors else (0, whole_k(shape))
    reasons = ("both operands move along columns", "one tile of all rows")
    return with_tasks(Plan("paired", shape, lanes, m, nv, None, "", False, k_level, k_block, 1, 1, 1, reasons), target)


def _passes(vectors: int, nv: int) -> int:
    """What it costs to go over a row's vectors, so many in a tile: few of them done twice, and many at once."""
    return -(-vectors // nv) * nv * (14 - nv)


def _even_vectors(vectors: int) -> int:
    """How many of a row's vectors a tile takes."""
    return min(range(1, max(1, min(4, vectors)) + 1), key=lambda nv: _passes(vectors, nv))


def _even_share(extent: int, most: int) -> int:
    """The length of equal pieces of ``extent``, at most ``most`` long."""
    return -(-extent // -(-extent // most)) if extent > 0 else 1
