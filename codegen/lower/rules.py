"""Which op is lowered how: the families' tables, put together.

``RULES`` hold ops that have a value at any position asked for; ``ROOTS`` those with loops of their own.
"""

from __future__ import annotations

from graphc.codegen.lower import (
    arrays,
    blocks,
    decompositions,
    elementwise,
    indexing,
    matrices,
    pooling,
    pooling_adjoints,
    positions,
    random,
    reshaping,
    row_writes,
    sampling,
    scatter,
    sequence_lengths,
    sequences,
    sorting,
)
from graphc.codegen.lower.values import Root, Rule
from graphc.nodes import Op

RULES: dict[type[Op], Rule] = {
    **elementwise.RULES,
    **reshaping.RULES,
    **blocks.RULES,
    **indexing.RULES,
    **scatter.RULES,
    **positions.RULES,
    **sequences.RULES,
    **sequence_lengths.RULES,
}

ROOTS: dict[type[Op], Root] = {
    **blocks.ROOTS,
    **arrays.ROOTS,
    **indexing.ROOTS,
    **sequences.ROOTS,
    **pooling.ROOTS,
    **pooling_adjoints.ROOTS,
    **positions.ROOTS,
    **random.ROOTS,
    **row_writes.ROOTS,
    **matrices.ROOTS,
    **decompositions.ROOTS,
    **scatter.ROOTS,
    **sampling.ROOTS,
    **sorting.ROOTS,
}
