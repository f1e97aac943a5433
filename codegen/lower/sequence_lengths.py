"""A sequence reversed up to its length: read at a position that depends on the length."""

from __future__ import annotations

from graphc.codegen.loops import Apply, Expression, IndexValue, LoadedIndex
from graphc.codegen.lower.values import Index, Rule, Values, literal
from graphc.dims import atom
from graphc.nodes import Op, Operation
from graphc.ops.sequence_lengths import ReverseSequence


def _reverse_sequence(values: Values, node: Operation, index: Index) -> Expression:
    kind: ReverseSequence = node.kind  # type: ignore[assignment]
    x, lengths = node.inputs
    length = values.at(lengths, (index[kind.batch_axis],))
    dtype = length.dtype
    size, step = IndexValue(x.type.sizes[kind.seq_axis], dtype), IndexValue(index[kind.seq_axis], dtype)
    wrong = Apply("lt", (length, literal(0, dtype)), "bool"), Apply("gt", (length, size), "bool")
    values.fail_where(node, index, Apply("logical_or", wrong, "bool"))
    # Reads stay inside even where the check fails: the step stops only after the kernel.
    known = Apply("minimum", (length, size), dtype)
    turned = Apply("sub", (Apply("sub", (known, step), dtype), literal(1, dtype)), dtype)
    place = Apply("select", (Apply("lt", (step, known), "bool"), turned, step), dtype)
    at = atom(LoadedIndex(place))
    return values.at(x, (*index[: kind.seq_axis], at, *index[kind.seq_axis + 1 :]))


RULES: dict[type[Op], Rule] = {ReverseSequence: _reverse_sequence}
