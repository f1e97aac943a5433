"""Every decision about sizes: which form a contraction takes, and which operands it copies.

`choose_tile.py` has its tile, `choose_paired.py` that of two operands by vectors, `choose_parts.py` its parts of K,
`choose_tasks.py` its tasks, and `choose_rows.py` what else a product of any batch is written as.
Pure functions of sizes, strides and the target. Each plan says why it is what it is; ``print(plan)`` shows it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from graphc.codegen.choose_paired import MOST_PAIRED, paired_plan
from graphc.codegen.choose_parts import block_of_k, even_part, whole_k
from graphc.codegen.choose_tasks import (
    FEW_FILTERS,
    WIDE_PANEL,
    is_met_in_place,
    is_read_once,
    sums_far_products,
    with_tasks,
)
from graphc.codegen.choose_tile import best_tile, direct_rows, is_one_tile, is_windowed, lanes_for, lanes_taken
from graphc.codegen.kernels.affine import Contraction, Shape, shape_of
from graphc.codegen.loops import ITEM_BYTES
from graphc.codegen.plan import Plan, element_bytes, guess, summed_at_once
from graphc.codegen.target import LINE, PAGE, Target
from graphc.dims import DimLike
from graphc.records import replace

if TYPE_CHECKING:
    from graphc.codegen.choose_winograd import WinogradPlan

FED_ALIGNMENT = 16  # Bytes: where the caller's arrays begin.
# How far apart the columns of a strided convolution are.
STRIDES = range(2, 5)
# Small windows of colours sum few products, so that it counts how these are stored: with 75 terms transposed tiles took
# 1.15 times as long, with 125 to 363 from 0.7 to 0.95.
FEW_CHANNELS, FEW_TERMS = 8, 100
# Images of fewer places leave lanes empty at the end of each.
FEW_PLACES = 256
# A sum this long reads its operands once, so that it counts which of them is copied.
LONG_K = 512
# Bytes between two steps of K from which on a row is copied. How many more lanes may be empty before roles are changed.
FAR_ROW, FEWER_LANES = 1024, 1.2
# Rows up to which the copied operand is chosen by its size; up to twice as many by the lanes that stay empty.
MOST_TURNED = 128
FAR_FILTERS = 256  # The same where A are the filters that every image meets.
# From so many rows on B is copied where every load of it lies across two lines, and where its rows fall in the same
# sets. Cores that start more than four instructions a cycle do not wait for either: there a copy measured 1.2 times as
# long with 64 rows, 1.05 with 192, and as long with 256.
ROWS_OF_FED, ROWS_OF_SETS, WIDE_ROWS = 32, 48, 256
# So few rows do not pay for a copy of what the second cache cannot hold: with 1024 columns and sums of 1024, 1 to 64
# rows took 0.55 to 0.85 of the time, 128 rather longer. (`choose_rows.py` has rows of unknown number.)
FEW_ROWS = 64
# Of rows so many bytes apart at most the cache keeps what a part of K has of them, whichever sets they fall in.
FAR_APART = 16 * 1024
# Rows of B that few rows of A meet at a time, each from end to end: memory sends what follows, and nothing waits for
# the next row, which lies in another page. Measured 0.95 of the time of whole sums; with 3 to 8 rows of A longer parts
# took 0.8 to 1.0, and these 1.1, as more sums wait.
PART_READ_ONCE, PART_OF_SEVERAL = 8, 64
# From so many rows on a copy of B that leaves lanes empty is as good as free.
HIGH = 512


@lru_cache(maxsize=1024)
def plan(spec: Contraction, target: Target) -> Plan:
    """The way ``spec`` is computed on ``target`` as sums of products."""
    shape = shape_of(spec)
    if shape.col.a != 0:
        return paired_plan(shape, target)
    if _images_serve_as_rows(spec, shape, target):
        shape = _longer_loop_inside(shape_of(spec, swapped=True))
        places = ("vectors run along the filters, places are rows",)
        copy_of_a = "" if shape.edges else _copy_of_a(shape, target)
        return tile_plan(shape, target, copy_of_a, _copying_b_pays(shape, target), places)
    if _runs_along_k(shape):
        if _rows_cost_less_to_turn(shape, target):
            return tile_plan(shape_of(spec, swapped=True), target, "", True, ("vectors run along the rows",))
        if _dot_pays(shape, target):
            return dot_plan(shape, target)
    if shape.edges:
        return tile_plan(shape, target, "", _copying_b_pays(shape, target), ("the edges of A are cut off",))
    if shape.n == 1 and shape.rows and shape.rows[-1].a == 1:
        return tile_plan(shape_of(spec, swapped=True), target, "", False, ("one column: vectors run along the rows",))
    reasons: tuple[str, ...] = ()
    if _columns_are_few(shape, target):
        shape, reasons = shape_of(spec, swapped=True), ("few columns: vectors run along the rows",)
    elif _rows_fill_vectors_better(shape, shape_of(spec, swapped=True), target):
        shape, reasons = shape_of(spec, swapped=True), ("fewer rows than columns: vectors run along the rows",)
    return tile_plan(shape, target, _copy_of_a(shape, target), _copying_b_pays(shape, target), reasons)


def way(spec: Contraction, target: Target) -> Plan | WinogradPlan:
    """How ``spec`` is computed on ``target``: by fewer multiplications where that is wanted and faster."""
    if target.winograd:
        from graphc.codegen.choose_winograd import winograd_plan  # late: few programs want it

        if (fewer := winograd_plan(spec, target)) is not None:
            return fewer
    many = plan(spec, target)
    if isinstance(many.shape.m, int):
        return many
    from graphc.codegen.choose_rows import with_few_rows  # late: only a step for any batch wants it

    return with_few_rows(many, spec, target)


def tasks(spec: Contraction, target: Target) -> DimLike:
    """The number of independent tasks, from shapes alone."""
    return way(spec, target).tasks


def scratch_bytes(spec: Contraction, target: Target) -> DimLike:
    """Bytes of private memory that a thread needs to perform tasks."""
    return way(spec, target).scratch_elements * ITEM_BYTES[spec.dtype]


# Which form.


def _runs_along_k(shape: Shape) -> bool:
    """Whether both operands are contiguous along the innermost loop of K.

    Or A a few elements apart where one column meets it: images with their channels first under a stride, for the
    adjoint of a filter by depth.
    """
    if not shape.inner or shape.inner[-1].edge is not None:
        return False
    last = shape.inner[-1]
    if shape.n == 1 and last.a in STRIDES:
        return last.b == 1 and isinstance(last.extent, int)
    return last.a == 1 and (last.b == 1 or last.extent == 1)


def _dot_pays(shape: Shape, target: Target) -> bool:
    """A dot product adds up its lanes at the end (some 6 cycles) and does not do quite as many products a cycle.

    The other way is to transpose B, half a cycle for each element, and to leave lanes empty where columns are few: with
    512 rows and more that measured 1.2 to 2 times as fast for 20 and 24 columns, and for 10 and 12 with sums of 144.
    """
    if shape.n == 1:
        return True
    if not isinstance(shape.n, int) or shape.col.b == 1:
        return False
    k, lanes, is_high = guess(shape.k), target.lanes(shape.dtype), guess(shape.m) >= HIGH
    # A row's vectors of K meet some eight columns: they come from the second cache where the first cannot hold them.
    far = k / 25 if 10 * k * element_bytes(shape) > target.l1 else k / 200
    leaves_lanes_empty = shape.n < (1 if is_high else 2) * lanes and 4 * shape.n <= 3 * lanes * -(-shape.n // lanes)
    few = 4 * shape.n <= lanes and guess(shape.inner[-1].extent) >= lanes
    enough = 512 if is_high and not few else 128
    return guess(shape.m) * (6 + far) < k / 2 or (leaves_lanes_empty and k >= enough)


def _copying_b_pays(shape: Shape, target: Target) -> bool:
    """B is read from afar again and again, or its rows make every load straddle two lines or fall in the same sets.

    A plain product reads it in place as long as it fills half of the second cache, or an eighth where very many rows
    read it; with several loops of K (the windows of a convolution) that pays only while it stays in the first.
    An array of the caller's begins anywhere: loads of wide vectors may all straddle lines.
    """
    if sums_far_products(shape, target):
        return True
    if is_met_in_place(shape, target) or _parts_pay(shape, target) or _is_met_once(shape, target):
        return False
    size = element_bytes(shape)
    kept = target.l1 if is_windowed(shape) else target.l2 // (8 if guess(shape.m) >= 512 else 2)
    large = guess(shape.k) * guess(shape.n) * size > kept
    row = abs(shape.inner[-1].b) * size if shape.inner and isinstance(shape.inner[-1].b, int) else 0
    collides = row % 2048 == 0 and guess(shape.k) > 64
    straddles = row % target.vector_bytes != 0 and guess(shape.n) > target.lanes(shape.dtype)
    fills_l1 = guess(shape.k) * guess(shape.n) * size >= target.l1
    begins_anywhere = shape.fed_b and target.vector_bytes > FED_ALIGNMENT and fills_l1 and not is_windowed(shape)
    waits = target.starts <= 4
    if begins_anywhere and guess(shape.m) >= (ROWS_OF_FED if waits else WIDE_ROWS):
        return True
    # Not even a panel stays near until the next tile of rows.
    leaves = guess(shape.k) * WIDE_PANEL * target.vector_bytes > target.l2
    # Channels of images lie in a page each: 16 rows took 1.6 times as long in place as from a copy.
    leaves = leaves or (bool(shape.outer) and row >= PAGE and not is_windowed(shape))
    rows_of_sets = ROWS_OF_SETS if waits or is_windowed(shape) else WIDE_ROWS
    return guess(shape.m) >= (16 if leaves else 24 if large else rows_of_sets) and (large or collides or straddles)


def _is_met_once(shape: Shape, target: Target) -> bool:
    """Whether one tile holds all rows, those of a small window of few channels: a copy of B took 1.2 to 1.9 times."""
    lanes = lanes_for(shape, target)
    if not is_one_tile(shape, target) or shape.col.b != 1 or not isinstance(shape.n, int):
        return False
    return (shape.n >= lanes or target.masks) and best_tile(shape, lanes, target, "", False)[0] is None


def _parts_pay(shape: Shape, target: Target) -> bool:
    """Whether few rows meet a B from beyond the second cache, so that it is read in place, one part of K at a time.

    Its rows lie far apart: a whole column of them fills few sets of the cache and is gone before the next rows come.
    Panels of narrow vectors would read a line of each row at a time: with those of AVX2 a copy takes half as long.
    Of images with their channels first, 48 and 64 filters took 0.75 to 0.95 of the time with a copy, where the first
    cache holds a panel of all channels.
    """
    if (
        target.vector_bytes < LINE
        or len(shape.inner) != 1
        or shape.col.b != 1
        or not isinstance(shape.m, int)
        or not isinstance(shape.n, int)
    ):
        return False
    few = shape.m <= FEW_ROWS and shape.n >= target.lanes(shape.dtype)
    if shape.m > FEW_FILTERS and any(group.a == 0 for group in shape.outer):
        few = few and guess(shape.k) * WIDE_PANEL * target.vector_bytes > target.l1
    return few and guess(shape.k) * shape.n * element_bytes(shape) > target.l2 // 2


def _part_in_place(shape: Shape, target: Target) -> int:
    """How many rows of B are read in place before those that wait are met again."""
    if not is_read_once(shape):
        return max(1, target.l2 // FAR_APART)
    return PART_READ_ONCE if guess(shape.m) <= 2 else PART_OF_SEVERAL


def _copy_of_a(shape: Shape, target: Target) -> str:
    """How to copy A, or '' to read it in place, which costs nothing while its rows run along K.

    By columns when A is contiguous along its rows instead: each k of a tile would touch a page of its own. Of few
    pages, a copy pays only for many columns; of a plain product, only of a large A (`_kept_in_place`). A filter 1 x 1
    under images with their channels first meets whole images: copies measured 2 to 10 % faster, whatever its size.
    """
    if not all(isinstance(group.a, int) for group in shape.rows):
        return "rows"
    if sums_far_products(shape, target):
        return ""
    size = element_bytes(shape)
    beside_images = shape.swapped or (bool(shape.outer) and all(group.a == 0 for group in shape.outer))
    meets_images = beside_images and not is_windowed(shape)
    far_row = FAR_FILTERS if meets_images else FAR_ROW
    far = bool(shape.inner) and not (isinstance(shape.inner[-1].a, int) and abs(shape.inner[-1].a) * size < far_row)
    runs_along_rows = any(group.a == 1 and guess(group.extent) >= 8 for group in shape.rows)
    kept = target.l1 if is_windowed(shape) else _kept_in_place(shape, target)
    large = meets_images or guess(shape.m) * guess(shape.k) * size > kept
    few_pages = not is_windowed(shape) and guess(shape.k) < 256
    reused = guess(shape.n) >= (12 if few_pages or meets_images else 5) * target.lanes(shape.dtype)
    return "columns" if far and runs_along_rows and large and reused else ""


def _kept_in_place(shape: Shape, target: Target) -> int:
    """Bytes of an A contiguous along its rows up to which it is read in place, a line at a time.

    A quarter of the second cache: below, copies measured 5 to 20 % slower, and as fast up to half of it. On cores that
    start more than four instructions a cycle, and whose second cache is larger, 4 to 20 % slower up to all of it, but
    not where lines a multiple of a page apart share its sets.
    """
    step = shape.inner[-1].a if shape.inner else 0
    collides = isinstance(step, int) and step * element_bytes(shape) % PAGE == 0
    return target.l2 if target.starts > 4 and not collides else target.l2 // 4


def _images_serve_as_rows(spec: Contraction, shape: Shape, target: Target) -> bool:
    """Whether a convolution whose images have their channels first is computed as if they were last.

    Vectors of filters fill their lanes and are aligned, which those along the width of images are not: they begin
    anywhere, so that most loads meet two lines, or are picked from several; and where all places of an image are one
    row, the last vector is cut. Each tile is transposed at its end, which sums over few channels are too short for.
    """
    if spec.edges:
        return spec.cuts_b
    if is_windowed(shape) and guess(shape.inner[-1].extent) < FEW_CHANNELS and guess(shape.k) < FEW_TERMS:
        return False
    filters = shape.rows[0].extent if len(shape.rows) == 1 else 0
    places_apart = is_windowed(shape) or shape.col.b in STRIDES or guess(shape.n) <= FEW_PLACES
    images_move_alone = bool(shape.outer) and all(group.a == 0 for group in shape.outer)
    enough = isinstance(filters, int) and filters >= target.lanes(shape.dtype) and isinstance(shape.n, int)
    return places_apart and images_move_alone and enough


def _longer_loop_inside(shape: Shape) -> Shape:
    """The last two loops of K in the order that has the longer one inside, as few turns cost more than they do."""
    if not is_windowed(shape):
        return shape
    *outside, width, channels = shape.inner
    return replace(shape, inner=(*outside, channels, width)) if guess(channels.extent) < guess(width.extent) else shape


def _columns_are_few(shape: Shape, target: Target) -> bool:
    """Whether columns fill half a vector at most, many times over, and rows fill one.

    Then C is finished element by element, which costs less than the lanes that would be idle: the places of small
    images with their channels before them.
    """
    lanes = target.lanes(shape.dtype)
    rows_fit = len(shape.rows) == 1 and guess(shape.m) >= lanes
    few = isinstance(shape.n, int) and 2 * shape.n <= lanes
    return few and rows_fit and len(shape.outer) > 1 and guess(shape.k) >= 64


def _rows_cost_less_to_turn(shape: Shape, target: Target) -> bool:
    """Whether of operands that both run along K, of which one is transposed into a copy, that should be A.

    Where its rows are fewer and leave no more lanes empty, or where they leave far fewer lanes empty: that measured
    0.5 to 0.9 of the time. Of more rows the copy that is read is as large, and the result had to be transposed.
    """
    m, n, lanes = shape.m, shape.n, target.lanes(shape.dtype)
    single = len(shape.rows) == 1 and shape.inner[-1].a == 1 and not shape.edges
    if not single or not isinstance(m, int) or not isinstance(n, int) or n < lanes // 2:
        return False
    if not lanes <= m <= min(2 * MOST_TURNED, guess(shape.k)):
        return False
    empty, empty_swapped = lanes_taken(n, lanes), lanes_taken(m, lanes)
    return (m < n and m <= MOST_TURNED and empty_swapped <= empty) or empty >= FEWER_LANES * empty_swapped


def _rows_fill_vectors_better(shape: Shape, swapped: Shape, target: Target) -> bool:
    """Whether a long sum of outer products, as the adjoint of a filter 1 x 1, has its vectors along its rows.

    They are copied, which costs less than to copy more columns, if these can then be read in place: a few in each page,
    or those of one part of K. Or the columns leave many lanes empty.
    """
    m, n, size, lanes = shape.m, shape.n, element_bytes(shape), target.lanes(shape.dtype)
    runs = len(shape.rows) == 1 and shape.rows[0].a == 1 and shape.col.b == 1
    if not runs or not isinstance(m, int) or not isinstance(n, int) or guess(shape.k) < LONG_K or min(m, n) == 0:
        return False
    empty, empty_swapped = lanes_taken(n, lanes), lanes_taken(m, lanes)
    in_place = n * size < FAR_ROW or sums_far_products(swapped, target)
    return (m < n and in_place and empty_swapped <= empty) or empty > FEWER_LANES * empty_swapped


# The forms.


def dot_plan(shape: Shape, target: Target) -> Plan:
    """Vectors run along K: some rows of A against some columns of B, a dot product for each pair."""
    at_once = _rows_of_window(shape)
    tiled = len(shape.rows) - 1 if shape.rows and not at_once else None
    rows = 1 if tiled is None else shape.rows[tiled].extent
    mr, columns = (at_once, 1) if at_once else _dot_tile(shape, rows, target)
    lanes = min(columns & -columns, target.lanes(shape.dtype))  # Columns that are finished as one vector.
    result = Plan(
        "dot",
        shape,
        lanes,
        mr,
        columns // lanes,
        tiled,
        "",
        False,
        0,
        whole_k(shape),
        1,
        1,
        1,
        ("both operands run along K",),
    )
    return with_tasks(result, target)


def _rows_of_window(shape: Shape) -> int:
    """How many rows one column meets, if these are few and along several axes, else 0.

    So it is for the adjoint of a filter by depth, whose rows are the places of its window. All share the loads of the
    column and the loops around: 9 instead of 3 dot products at a time took 0.65 to 0.95 of the time, and half as long
    as outer products of 3 elements under a stride.
    """
    few = shape.n == 1 and len(shape.rows) > 1 and isinstance(shape.m, int) and 0 < shape.m <= MOST_PAIRED
    few = few and not shape.edges
    return guess(shape.m) if few else 0


def _dot_tile(shape: Shape, rows: DimLike, target: Target) -> tuple[int, int]:
    """The rows and columns, whose sums fit the registers beside a row's vectors of A, that take the fewest cycles.

    A step costs its products or its loads, two a cycle, and at least the latency of a multiply-add. The lanes of a sum
    are added by some ten instructions, shared by sums that end in one vector.
    """
    n = shape.n if isinstance(shape.n, int) else 1
    steps = -(-guess(shape.k) // target.lanes(shape.dtype))
    candidates = []
    for mr in range(1, max(1, min(guess(rows), 8)) + 1):
        for columns in range(1, max(1, min(n, 8)) + 1):
            if mr * columns + mr + 1 > target.vector_registers:
                continue
            several = summed_at_once(mr * columns, target.lanes(shape.dtype))
            step = max(mr * columns / 2, (mr + columns) / 2, 4)
            tile = 20 + steps * step + mr * columns * (2 + 10 / several)
            candidates.append((-(-guess(rows) // mr) * -(-guess(shape.n) // columns) * tile, mr, columns))
    return min(candidates)[1:]


def tile_plan(shape: Shape, target: Target, pack_a: str, pack_b: bool, reasons: tuple[str, ...] = ()) -> Plan:
    """Registers hold a tile of C."""
    if pack_b:
        reasons += ("B is copied: it is large, or its rows lie badly",)
    elif shape.n != 1 and (shape.col.b != 1 or not isinstance(shape.n, int)):
        pack_b = True
        reasons += ("B is copied: " + ("its columns are apart" if shape.col.b != 1 else "their number is a symbol"),)
    lanes = lanes_for(shape, target)
    tiled, mr, nv = best_tile(shape, lanes, target, pack_a, pack_b)
    k_level, k_block = 0, whole_k(shape)
    if pack_b:
        k_level, k_block = block_of_k(shape, nv * lanes, target, tiled)
    elif _parts_pay(shape, target) and not is_met_in_place(shape, target):
        k_block = even_part(k_block, _part_in_place(shape, target))
    if pack_a:
        reasons += (f"A is copied by {pack_a}",)
    result = Plan(
        "tile",
        shape,
        lanes,
        mr,
        nv,
        tiled,
        pack_a,
        pack_b,
        k_level,
        k_block,
        1,
        1,
        1,
        reasons or ("operands read in place",),
        direct_rows(mr, nv, target.starts) if target.broadcasts and shape.dtype in ("f32", "f64") else 0,
    )
    return with_tasks(result, target)
