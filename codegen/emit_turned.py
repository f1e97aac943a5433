"""A transpose as blocks: the two loops that a schedule marked, by the copies that contractions make of theirs."""

from __future__ import annotations

from graphc.codegen import emit_index as index
from graphc.codegen.emit_state import Value, Writer
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.packing import copy_turned
from graphc.codegen.loops import ITEM_BYTES, For, Load, Store
from graphc.dims import coefficient

ELEMENTS = {4: "i32", 8: "i64"}  # What is copied are bits.


def emit_turned(writer: Writer, statement: For, start: Value, stop: Value) -> None:
    """The iterations ``start`` to ``stop`` of a loop that is turned, with all of the loop in it."""
    inner = statement.body[0]
    assert isinstance(inner, For)
    store = inner.body[0]
    assert isinstance(store, Store) and isinstance(store.value, Load)
    load = store.value
    size = ITEM_BYTES[load.dtype]
    writer.bindings[statement.variable] = start
    writer.bindings[inner.variable] = index.number(writer, 0)
    code = Code(writer.builder, ELEMENTS[size], fused=False)
    source = code.at(writer.pointers[load.buffer].ir, _number(index.position(writer, load.offset)))
    copy = code.at(writer.pointers[store.buffer].ir, _number(index.position(writer, store.offset)))
    rows = _number(index.arithmetic(writer, "sub", stop, start))
    column_step = coefficient(load.offset, inner.variable)
    row_step = coefficient(store.offset, statement.variable)
    assert column_step is not None and row_step is not None
    steps = [_number(index.position(writer, step)) for step in (column_step, row_step)]
    lanes = writer.target.vector_bytes // size
    columns = _number(index.position(writer, inner.extent))
    copy_turned(code, rows, columns, source, steps[0], copy, steps[1], lanes)


def _number(position: Value) -> Index:
    """The position as contractions take it: a number where it is known."""
    known = index.known(position)
    return position.ir if known is None else known
