"""How a contraction is cut into tasks, and in which groups its panels are copied and read: the last part of a plan."""

from __future__ import annotations

import math

from graphc.codegen.kernels.affine import Shape
from graphc.codegen.plan import TASKS_WANTED, Plan, element_bytes, guess
from graphc.codegen.target import LINE, PAGE, Target
from graphc.dims import product
from graphc.records import replace

# Steps of K in one turn of the innermost loop, where a register or two are left: 1 to 4 % faster, 8 % where there are
# few registers; 4 steps gain half as much again, and compile a third slower. Products of less than a task would take
# many thousand runs to gain what LLVM takes for the second.
STEPS_TOGETHER = 2
# A task should be worth waking a thread for (about 5 us), and there should be some for every thread; not many more,
# as each task that shares rows reads them from the third cache again.
TASK_FLOPS = 1 << 19
# Tasks that share columns each copy B, which costs as much as the products of some ten rows: one for so many.
ROWS_PER_COPY = 1024
# The same where a core would else have none: a copy of its own costs a tenth of that many rows.
ROWS_FOR_A_CORE = 128
# The same where A is copied as well: one task of 1024 rows took 0.96 to 0.98 of the time of two.
ROWS_PER_COPIES = 2048
LARGEST_SUMS = 1 << 20  # Elements of a task's sums that wait in scratch for the next part of K: of every thread 4 MB.
# Tasks by depth that stay in the second cache read the rows around them, too: of windows 5 x 5 that took 1.05 as long.
SMALL_WINDOW = 9
SHORT_PART = 128  # Steps of K, beside whose products the sums that wait for the next part count little.
MANY_ROWS = 64  # From so many on a copy of B pays although each of its lines is read once.
WIDE_PANEL = 3  # Vectors, as the panels of most tiles have.
# Filters that are few for images whose channels lie a page apart. Fewer take wider panels.
FEWEST_FILTERS, FEW_FILTERS = 8, 32
# How many panels ahead such images are asked for: one or three measured 1.0 to 1.2 times as long.
PANELS_AHEAD = 2
WAYS = 16  # Lines of the second cache that share a set, of most targets.
READ_ONCE = 8  # Rows of A: 10 measured 0.8 to 1.05, and with 12 the sums that wait took 1.3 times as long.
# Sums over fewer products cost less than to write the result.
SHORT_K = 128


def with_tasks(chosen: Plan, target: Target) -> Plan:
    """Tasks as a grid over C: halve blocks while their work stays worth a thread.

    The longer side is halved; where only B is copied, first the columns, as tasks that share columns each copy them,
    unless rows are many, which would come from memory once for every task, and not once for every group of panels as
    they do anyway; where only A is, first the rows.
    """
    tiles, panels = max(1, guess(chosen.tiles)), max(1, guess(chosen.column_panels))
    flops_per_tile = 2 * max(1, guess(chosen.shape.k)) * chosen.mr * chosen.nv * chosen.lanes
    blocks = max(1, guess(chosen.outer))
    flops = blocks * tiles * panels * flops_per_tile
    copies = bool(chosen.pack_a) and chosen.pack_b
    joins = _reads_parts_once(chosen)
    near = _panels_near(chosen, target)
    rows_per_copy = ROWS_PER_COPIES if copies else ROWS_PER_COPY
    wanted = max(2, target.cores) if copies or joins else max(TASKS_WANTED, 2 * target.cores)
    while blocks < wanted and tiles * panels * flops_per_tile >= 2 * TASK_FLOPS:
        rows, columns = tiles * chosen.mr, panels * chosen.nv * chosen.lanes
        if bool(chosen.pack_a) == chosen.pack_b:
            by_columns = columns > rows
        else:
            by_columns = chosen.pack_b and (rows < ROWS_PER_COPY or panels >= 2 * near)
        by_columns = by_columns and panels > 1
        if by_columns or (tiles == 1 and panels > 1):
            panels = -(-panels // 2)
        elif tiles > 1 and (not chosen.pack_b or rows >= (ROWS_FOR_A_CORE if blocks < target.cores else rows_per_copy)):
            tiles = -(-tiles // 2)
        else:
            break
        blocks *= 2
    if chosen.form == "paired" and chosen.k_blocks == 1 and guess(chosen.shape.k) <= SMALL_WINDOW:
        tiles = _tiles_near(chosen, tiles, panels, target)
    if chosen.k_blocks != 1:
        tiles, panels = _sums_that_fit(chosen, tiles, panels)
    else:
        panels = _even_panels(chosen, tiles, panels, target)
    a_tiles = tiles
    if chosen.pack_a:
        # Tiles are read one after the other, so the third cache serves as well as the second.
        most = max(target.l2 * 3 // 8, target.l3 // 8) // (guess(chosen.tile_elements) * element_bytes(chosen.shape))
        a_tiles = max(1, min(tiles, most))
    group = _group(chosen, tiles, panels, target)
    streams = _b_streams(chosen, group, target)
    free = target.vector_registers - (chosen.mr + 1) * chosen.nv - 1
    is_large = flops >= TASK_FLOPS
    together = STEPS_TOGETHER if free >= target.vector_registers // 16 and is_large else 1
    sizes = {"row_tiles": tiles, "a_tiles": a_tiles, "panels": panels, "group": group}
    direct = chosen.direct if is_large else 0  # which is four more instructions for LLVM, too
    ahead = PANELS_AHEAD if _meets_in_place(chosen, target) else 0
    follows = _next_rows_are_far(chosen, target)
    asked = {"streams": streams, "panels_ahead": ahead, "follows": follows}
    asked["parts_follow"] = _next_part_is_far(chosen, target)
    asked["joins"] = joins
    return replace(chosen, **sizes, **asked, together=together, direct=direct)


def is_read_once(shape: Shape) -> bool:
    """Whether so few rows meet B that it counts alone how B comes from memory, where it lies there.

    That is from end to end of its rows, so a thread's tasks are done as one: with 1024 columns a quarter of them at a
    time took 1.25 times as long, half of them 1.15.
    """
    return guess(shape.m) <= READ_ONCE


def _reads_parts_once(chosen: Plan) -> bool:
    plain = chosen.form == "tile" and not chosen.pack_b and not chosen.shape.outer and chosen.tiles == 1
    sums = guess(chosen.shape.n) * chosen.mr
    return plain and chosen.k_blocks != 1 and is_read_once(chosen.shape) and sums <= LARGEST_SUMS


def is_met_in_place(shape: Shape, target: Target) -> bool:
    """Whether few rows meet each row of B in another page, as filters the channels of images that come first.

    Then a panel is asked for ahead where it is, which took 0.6 to 1 of the time of products from a copy, as long as it
    stays in the first cache until the last rows; of twice as many rows 0.8 to 0.95, where the first cache holds two of
    them and sums are not so short that only the result counts. Rows of B in the same sets of the second cache are
    copied: they took twice the time in place.
    """
    step = shape.inner[-1].b if len(shape.inner) == 1 and shape.col.b == 1 else 0
    row = abs(step) * element_bytes(shape) if isinstance(step, int) else 0
    m, k = guess(shape.m), guess(shape.k)
    if row < PAGE or k * math.gcd(row, target.l2 // WAYS) > target.l2:
        return False
    panel = k * WIDE_PANEL * target.vector_bytes
    few = FEWEST_FILTERS <= m <= FEW_FILTERS and panel <= target.l1
    return few or (FEW_FILTERS < m <= min(2 * FEW_FILTERS, 2 * k - 1) and 2 * panel <= target.l1)


def sums_far_products(shape: Shape, target: Target) -> bool:
    """Whether C is a long sum of outer products of what lies beyond the second cache, as the adjoint of a filter 1 x 1.

    Each step of K is in lines of A and B of its own, and a line of A holds the rows of several tiles. So K is summed in
    parts, of which the second cache keeps A and the first a copied panel of B, and each asks for the A of the next, as
    processors see no stream in columns of lines. Measured with 64 to 672 rows: 0.5 to 0.95 of the time.
    """
    if len(shape.rows) != 1 or len(shape.inner) != 1 or shape.edges:
        return False
    m, n, k, size = guess(shape.m), guess(shape.n), guess(shape.k), element_bytes(shape)
    step = shape.inner[0].a
    is_apart = isinstance(step, int) and abs(step) * size >= LINE and shape.rows[0].a == shape.col.b == 1
    of_all = guess(product(group.extent for group in shape.outer)) * m * k * size
    stays_near = max(n, SHORT_PART) * m * size <= target.l2 // 4
    return is_apart and stays_near and m >= MANY_ROWS and k >= max(m, n) and of_all > target.l2 // 2


def _meets_in_place(chosen: Plan, target: Target) -> bool:
    return chosen.form == "tile" and not chosen.pack_b and is_met_in_place(chosen.shape, target)


def _tiles_near(chosen: Plan, tiles: int, panels: int, target: Target) -> int:
    """As few tiles a task that its results stay in the second cache: the phases of an adjoint take turns, and what one
    writes lies between what the others do.
    """
    tile_bytes = chosen.mr * chosen.nv * chosen.lanes * element_bytes(chosen.shape)
    while tiles * panels * tile_bytes > target.l2 // 8 and tiles > 1:
        tiles = -(-tiles // 2)
    return tiles


def _sums_that_fit(chosen: Plan, tiles: int, panels: int) -> tuple[int, int]:
    """As few tiles, then panels, a task that its sums have room in scratch, where they wait for the next part of K."""
    while tiles * panels * chosen.mr * chosen.nv * chosen.lanes > LARGEST_SUMS:
        tiles, panels = (-(-tiles // 2), panels) if tiles > 1 else (tiles, -(-panels // 2))
    return tiles, panels


def _even_panels(chosen: Plan, tiles: int, panels: int, target: Target) -> int:
    """As many panels a task, or down to half, that all cores get as many: of three equal tasks two make two rounds."""
    total = max(1, guess(chosen.column_panels))
    others = max(1, guess(chosen.outer)) * -(-max(1, guess(chosen.tiles)) // tiles)
    flops = 2 * max(1, guess(chosen.shape.k)) * tiles * chosen.mr * chosen.nv * chosen.lanes
    least = max(-(-panels // 2), -(-TASK_FLOPS // flops))
    if target.cores == 1 or panels >= total or least >= panels:
        return panels

    def slowest(length: int) -> int:
        return -(-others * -(-total // length) // target.cores) * length

    return min(range(panels, least - 1, -1), key=slowest)


def _b_streams(chosen: Plan, group: int, target: Target) -> bool:
    """Whether to ask for B ahead: it comes from the second cache, and loads leave time for that.

    A panel that all tiles meet before the next one is a single stream, which processors see themselves, and those with
    the widest vectors see the runs of several too: there to ask for each line of a copy measured 4 to 8 % slower.
    """
    if chosen.pack_b and target.broadcasts:
        return False
    shape = chosen.shape
    size = guess(shape.k) * guess(shape.n) * element_bytes(shape)
    # Loads that straddle lines take so long that asking costs nothing.
    has_time = chosen.mr >= 4 or (shape.fed_b and size <= target.l2)
    return chosen.form == "tile" and has_time and (group > 1 if chosen.pack_b else size > target.l1)


def _next_rows_are_far(chosen: Plan, target: Target) -> bool:
    """Whether to ask for the rows of the next tile while this one is summed: they lie one behind the other, beyond the
    second cache.

    Processors do so themselves only within a row, and each tile begins several. Measured with 512 and 1024 squares: 1
    to 3 % faster.
    """
    shape = chosen.shape
    if chosen.form != "tile" or guess(shape.m) * guess(shape.k) * element_bytes(shape) <= target.l2 // 4:
        return False
    if len(shape.inner) != 1 or chosen.pack_a:
        return bool(chosen.pack_a) and len(shape.inner) == 1
    rows, inner = shape.rows[chosen.tiled or 0], shape.inner[0]
    return chosen.k_blocks == 1 and inner.a == 1 and rows.a == inner.extent


def _next_part_is_far(chosen: Plan, target: Target) -> bool:
    """Whether to ask for the next part of K while this one is summed."""
    is_cut = chosen.form == "tile" and not chosen.pack_a and chosen.k_blocks != 1
    return is_cut and sums_far_products(chosen.shape, target)


def _group(chosen: Plan, tiles: int, panels: int, target: Target) -> int:
    """As many panels as stay in the second cache, so that rows come from afar once for all of them.

    One where they need not: the panel stays in the first cache, or nearly, and the rows in the second. Over a short K
    it is the result that counts, and its rows are written from end to end.
    """
    k_bytes = _bytes_of_k(chosen)
    panel_bytes = chosen.nv * chosen.lanes * k_bytes
    if chosen.form == "paired":  # Images are read from end to end as long as the first cache keeps the filters.
        return max(1, min(panels, target.l1 // 3 // panel_bytes))
    if _meets_in_place(chosen, target):
        return 1
    if chosen.pack_b and chosen.shape.outer:
        # Every image is copied: from memory, so that long runs of its rows are wanted, beside which little is kept.
        return max(1, min(panels, target.l2 * 3 // 8 // panel_bytes))
    if chosen.form != "tile":
        one = chosen.mr <= chosen.nv * chosen.lanes
    else:
        stays = panel_bytes <= target.l1 * 3 // 2 and tiles * chosen.mr * k_bytes <= target.l2 // 2
        one = stays and guess(chosen.shape.k) >= SHORT_K
    return 1 if one else max(1, min(panels, _panels_near(chosen, target)))


def _panels_near(chosen: Plan, target: Target) -> int:
    """As many panels as leave room in the second cache for rows on their way, and for whoever shares it.

    Two panels, or a quarter of that cache, measured up to 10 % better than a half.
    """
    return max(2, target.l2 // 4 // (chosen.nv * chosen.lanes * _bytes_of_k(chosen)))


def _bytes_of_k(chosen: Plan) -> int:
    """Of one column, over a block of K."""
    return max(1, guess(chosen.k_elements) * element_bytes(chosen.shape))
