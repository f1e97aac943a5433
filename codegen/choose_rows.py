"""Other ways for few rows, of products whose number of rows is known only when the step runs, as that of a batch.

What pays depends on that number: a copy of B serves all rows, and is work of its own. So such a product is written
in two ways or more, of which one is taken when it runs.
"""

from __future__ import annotations

from graphc.codegen import choose
from graphc.codegen.choose_tasks import with_tasks
from graphc.codegen.kernels.affine import Axis, Contraction, Shape, shape_of
from graphc.codegen.plan import Plan, element_bytes, guess
from graphc.codegen.target import PAGE, Target
from graphc.records import replace

# Up to how many rows a way is taken, and for how many it is chosen. B in place: two tiles of eight.
IN_PLACE = ((64, 16),)
# Where the columns of B are apart, rows and columns change roles, for a vector of rows at a time; up to half a vector
# of them are done as dot products. Columns a multiple of a page apart share a set of the first cache, so that tiles
# have few of them, and two vectors: but then up to two are idle.
TURNED = ((8, 8), (128, 16))
TURNED_FAR = ((8, 8), (16, 16), (128, 32))


def with_few_rows(many: Plan, spec: Contraction, target: Target) -> Plan:
    """The same plan, with others for few rows where these do not pay for its copy of B.

    The copy took 1.1 to 3.8 times as long with 4 to 64 rows.
    """
    if many.form != "tile" or not many.pack_b or not _rows_alone_are_unknown(many.shape):
        return many
    few: Plan | None = None
    few_rows = 0
    for most, rows in _chosen_for(many.shape):
        way = _way_for(rows, most, many.shape, spec, target)
        if way is not None and guess(many.shape.m, batch=1) <= most:
            few, few_rows = replace(way, few=few, few_rows=few_rows), most
    return replace(many, few=few, few_rows=few_rows)


def _chosen_for(shape: Shape) -> tuple[tuple[int, int], ...]:
    step = shape.col.b
    if step == 1:
        return IN_PLACE
    return TURNED_FAR if isinstance(step, int) and step * element_bytes(shape) % PAGE == 0 else TURNED


def _way_for(rows: int, most: int, shape: Shape, spec: Contraction, target: Target) -> Plan | None:
    """The way of the product with so many rows, in tasks as of the ``most``; None if it copies B."""
    few = choose.plan(_with_rows(shape, rows), target)
    own = shape_of(spec, few.shape.swapped)
    if (few.pack_b and not few.shape.swapped) or own.outer or len(own.rows) != len(few.shape.rows):
        return None
    few = with_tasks(replace(few, shape=shape_of(_with_rows(shape, most), few.shape.swapped)), target)
    return replace(few, shape=own)


def _rows_alone_are_unknown(shape: Shape) -> bool:
    """Whether the rows are one loop, and nothing else of the product is unknown."""
    plain = len(shape.rows) == len(shape.inner) == 1 and not (shape.outer or shape.edges or shape.swapped)
    steps = [step for group in (*shape.rows, *shape.inner, shape.col) for step in (group.a, group.b)]
    return plain and all(isinstance(size, int) for size in (shape.n, shape.k, *steps))


def _with_rows(shape: Shape, rows: int) -> Contraction:
    """The product, for so many rows."""
    groups = (*shape.rows, shape.col, *shape.inner)
    m, n, k = (Axis(size, group.a, group.b) for size, group in zip((rows, shape.n, shape.k), groups, strict=True))
    return Contraction(shape.dtype, (), (m,), (n,), (k,), fed_b=shape.fed_b)
