"""The tile of a contraction: the rows and vectors of C that the registers hold, for the fewest cycles."""

from __future__ import annotations

from graphc.codegen.choose_tasks import TASK_FLOPS, is_met_in_place
from graphc.codegen.kernels.affine import Group, Shape
from graphc.codegen.plan import element_bytes, guess, pieces
from graphc.codegen.target import LINE, PAGE, Target
from graphc.dims import DimLike, product

MOST_ROWS = 30
# Rows of A a multiple of a page apart share one set of the first cache, whose lines they leave two of to others.
OTHERS = 2
# What it costs a tile of a convolution to have its rows in different pages, as a factor: measured 1.25 to 1.35.
FAR_ROWS = 1.25
# What it costs to end with a lower tile, as a factor: 25 and 7 rows took 1.01 to 1.03 times as long as 16 and 16.
UNEVEN = 1.03
# What it costs to read the images once more for every panel of filters, as a factor: measured 1.07 to 1.15.
SEVERAL_PANELS = 1.1
# Products of less than a task are done in the smallest tile of so many sums that is so nearly the cheapest: LLVM takes
# a millisecond less for its code, which such a product gains by a larger one in ten thousand runs.
MANY_SUMS, NEARLY = 16, 1.08
# Loads that a core does in a cycle for each of two threads that share it.
LOADS_SHARED = 1.2


def is_windowed(shape: Shape) -> bool:
    """Whether K is more than one loop, as the cells that the windows of a convolution see."""
    return len(shape.inner) > 1


def lanes_for(shape: Shape, target: Target) -> int:
    """Lanes of a vector of C: the target's width, or the next power of two when there are fewer columns."""
    lanes = target.lanes(shape.dtype)
    if isinstance(shape.n, int):
        while lanes // 2 >= max(shape.n, 1):
            lanes //= 2
    return lanes


def lanes_taken(columns: int, lanes: int) -> float:
    """How many lanes the vectors of so many columns have, for each that is used."""
    return -(-columns // lanes) * lanes / columns


def best_tile(shape: Shape, lanes: int, target: Target, pack_a: str, pack_b: bool) -> tuple[int | None, int, int]:
    """The group of rows to tile along (None: all, flattened), and the rows and vectors of a tile."""
    if pack_a == "rows" or not shape.rows:
        _, mr, nv = tile_for(shape, shape.m, lanes, target, pack_b, MOST_ROWS)
        return None, mr, nv
    costs: list[tuple[float, int, int, int | None]] = []
    for place, group in reversed(list(enumerate(shape.rows))):
        if (pack_a == "columns" and group.a != 1) or (shape.edges and not isinstance(group.extent, int)):
            continue
        collides = isinstance(group.a, int) and group.a * element_bytes(shape) % PAGE == 0
        most_rows = target.l1 // PAGE - OTHERS if collides and not pack_a else MOST_ROWS
        cost, mr, nv = tile_for(shape, group.extent, lanes, target, pack_b, most_rows, cuts=group.edge is not None)
        costs.append((cost * (1 if pack_a or _is_near(group, shape) else FAR_ROWS), mr, nv, place))
    if is_one_tile(shape, target) and not pack_a:
        costs.append((*tile_for(shape, shape.m, lanes, target, pack_b, MOST_ROWS, guess(shape.m)), None))
    _, mr, nv, tiled = min(costs, key=lambda choice: choice[0])
    return tiled, mr, nv


def is_one_tile(shape: Shape, target: Target) -> bool:
    """Whether several axes of rows fit one tile together: the window of a filter's adjoint of few channels."""
    fits = isinstance(shape.m, int) and 0 < shape.m <= min(MOST_ROWS, target.vector_registers - 2)
    return fits and len(shape.rows) > 1 and not shape.edges


def _is_near(group: Group, shape: Shape) -> bool:
    """Whether neighbouring rows lie within a page, where what is asked for ahead serves the next row too."""
    return isinstance(group.a, int) and abs(group.a) * element_bytes(shape) < PAGE


def tile_for(
    shape: Shape,
    rows: DimLike,
    lanes: int,
    target: Target,
    pack_b: bool,
    most_rows: int,
    lowest: int = 1,
    cuts: bool = False,
) -> tuple[float, int, int]:
    """The cost in cycles, and the rows and vectors, of the cheapest tile along ``rows`` that fits the registers.

    Tiles at edges are written for their place: there the last one ``cuts`` off the rows of the one before.
    """
    m, n, k = guess(shape.m), guess(shape.n), guess(shape.k)
    others = max(1, m) / max(guess(rows), 1)
    vectors = -(-n // lanes)
    line = lanes * element_bytes(shape)
    # Panels of images are copied many at once, and each tile of rows meets all of them.
    grouped = pack_b and bool(shape.outer) and not is_windowed(shape)
    asked_for = not pack_b and is_met_in_place(shape, target)
    panels_cost, turned = is_windowed(shape) and not shape.swapped, lanes if shape.swapped else 0
    # Without a copy of B the last panel moves back to end with the last column, so it must not be wider than C.
    widest = max(1, min(8, vectors if pack_b else n // lanes))
    highest = max(1, min(rows if isinstance(rows, int) else 16, most_rows))
    candidates = []
    for mr in range(lowest, highest + 1):
        lines_of_a = _lines_of_a(shape, mr)
        last = rows % mr if cuts and isinstance(rows, int) else 0
        whole = pieces(rows, mr) * others if not last else (rows // mr) * others  # type: ignore[operator]
        for nv in range(1, widest + 1):
            if mr * nv + nv + 1 > target.vector_registers:
                break
            # A panel that no second tile of rows reads comes from where all of B is.
            far = k * (vectors if mr == m and not pack_b else nv) * line > target.l1 or grouped or asked_for
            step = cycles_per_step(mr, nv, far, lines_of_a) + (nv / 2 if asked_for else 0)
            cost = whole * (k * step + tile_overhead(mr, nv, turned))
            if last:
                cost += others * (k * cycles_per_step(last, nv, far, lines_of_a) + tile_overhead(last, nv, turned))
                cost *= UNEVEN
            cost *= -(-vectors // nv)
            cost *= SEVERAL_PANELS if panels_cost and nv < vectors else 1
            candidates.append((cost, -mr * nv, mr, nv))
    cost, _, mr, nv = min(candidates)
    if mr * nv > MANY_SUMS and 2 * m * n * k * guess(product(group.extent for group in shape.outer)) < TASK_FLOPS:
        near = [candidate for candidate in candidates if candidate[0] <= NEARLY * cost and -candidate[1] >= MANY_SUMS]
        cost, _, mr, nv = min(near, key=lambda candidate: (-candidate[1], candidate[0]))
    return cost, mr, nv


def _lines_of_a(shape: Shape, mr: int) -> float:
    """The lines that a tile of places reads for each k, where these are channels of an image that come first.

    They come from the second cache for every panel. Windows read lines again for their next place.
    """
    if not shape.swapped or is_windowed(shape) or not shape.inner or shape.inner[-1].a == 1:
        return 0
    step = shape.rows[-1].a if shape.rows else 0
    return (mr - 1) * step * element_bytes(shape) / LINE + 1 if isinstance(step, int) and step < 16 else 0


def cycles_per_step(mr: int, nv: int, far: bool, lines_of_a: float = 0) -> float:
    """Cycles for one k of a tile on a core with two multiply-add ports, two load ports, four instructions a cycle.

    The chain of additions into one register bounds it from below: a multiply-add takes about four cycles. A vector of
    B comes in two cycles, or in three where it is ``far``, in the second level of cache, as lines of A may be. The
    rest is fitted to measurements: small tiles lose a cycle, and of tiles with equally many products those with fewer
    loads win.
    """
    products, loads = mr * nv, mr + nv
    lines = (3 if far else 2) * nv + 3 * lines_of_a
    return 1 + loads / 8 + max(products / 2, loads / 2, (products + loads + 2) / 4, lines, 4)


def direct_rows(mr: int, nv: int, starts: int) -> int:
    """The rows of a tile whose multiply-adds each read A from memory, so that no instruction spreads it in a register.

    Such a row costs one instruction less and ``nv - 1`` loads more. On a core of one's own neither counts; one that
    another machine's thread shares starts half of its ``starts`` a cycle for each, and 1.2 loads of two. Both
    measured on Cascade Lake, which starts four and where products of 512 and 1024 then do 63 to 70 % of the
    multiply-adds that registers alone would, instead of 59 to 65. Where it starts six the multiply-adds themselves
    take longer, and two such rows of six cost 5 %.
    """
    rows, products = 0, mr * nv
    while rows < mr and nv > 1:
        instructions, loads = products + nv + mr - (rows + 1), nv + mr + (rows + 1) * (nv - 1)
        cycles = instructions / (starts / 2)
        if max(loads / LOADS_SHARED, products / 2) > cycles:
            break
        rows += 1
    return rows


def tile_overhead(mr: int, nv: int, turned_lanes: int = 0) -> float:
    """Cycles a tile costs beside K: clearing it, spilling it, and the loop that finishes it.

    Where the tile is transposed it is finished column by column: some 17 instructions for each vector of rows.
    """
    return 20 + (8 * -(-mr // turned_lanes) * turned_lanes * nv if turned_lanes else 3 * mr * nv)
