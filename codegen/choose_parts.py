"""The parts that K is summed in: which of its loops is cut, and into what length."""

from __future__ import annotations

from graphc.codegen.choose_tasks import SHORT_PART, STEPS_TOGETHER, sums_far_products
from graphc.codegen.kernels.affine import Shape
from graphc.codegen.plan import element_bytes, guess
from graphc.codegen.target import LINE, Target
from graphc.dims import DimLike


def whole_k(shape: Shape) -> DimLike:
    return shape.inner[0].extent if shape.inner else 1


def block_of_k(shape: Shape, columns: int, target: Target, tiled: int | None) -> tuple[int, DimLike]:
    """Which loop of K to cut, and into what length, so that a panel of B stays in the second cache.

    Measured: a panel of a quarter of that cache need not be cut; longer ones do best with blocks of an eighth, or of
    the first cache where lines of A wait there for the next tile. Sums that are longer than the sides of their result,
    as the adjoint of a filter 1 x 1 has, take 5 to 20 % less time in such blocks even where the panel is short; those
    of a larger filter's 2 to 45 % where it is longer than twice that cache.
    """
    if sums_far_products(shape, target):
        return 0, even_part(shape.inner[0].extent, SHORT_PART)
    bytes_per_step = columns * element_bytes(shape)
    serves, of_window = lines_serve_neighbours(shape, tiled), len(shape.rows) > 1
    is_long = not of_window and guess(shape.k) >= 2 * max(guess(shape.m), guess(shape.n))
    near = (2 if of_window else 1) * target.l1
    uncut = near if serves and (of_window or is_long) else target.l2 // 4
    if guess(shape.k) * bytes_per_step <= uncut:
        return 0, whole_k(shape)
    kept = target.l1 if serves and (of_window or is_long) else target.l2 // 8
    most, inside = max(1, kept // bytes_per_step), 1
    outermost = level_seen_in_part(shape, tiled)
    for level in reversed(range(len(shape.inner))):
        extent = shape.inner[level].extent
        if level < outermost and (not isinstance(extent, int) or inside * extent > most):
            return level, even_part(extent, max(1, most // inside))
        inside *= guess(extent)
    return 0, whole_k(shape)


def even_part(extent: DimLike, most: int) -> DimLike:
    """The length of parts of ``extent``: about equally long, so long at most, unless steps are done together."""
    if not isinstance(extent, int):
        return most
    length = -(-extent // -(-extent // most))
    return length + (length % STEPS_TOGETHER if extent % STEPS_TOGETHER == 0 else 0)


def lines_serve_neighbours(shape: Shape, tiled: int | None) -> bool:
    """Whether each step of K is in another line of A, which holds the next tile's rows too, such as channels."""
    beside = tiled is not None and shape.rows[tiled].a == 1
    step = shape.inner[-1].a if shape.inner else 0
    return beside and isinstance(step, int) and abs(step) * element_bytes(shape) >= LINE


def level_seen_in_part(shape: Shape, tiled: int | None) -> int:
    """The loop of K of which tiles at an edge see only some turns, which are written out: it cannot be cut."""
    edge = None if tiled is None else shape.rows[tiled].edge
    levels = [level for level, group in enumerate(shape.inner) if edge is not None and group.edge == edge]
    return levels[0] if levels else len(shape.inner)
