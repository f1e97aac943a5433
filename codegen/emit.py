"""A scheduled kernel as an LLVM function: ``void kernel(ptr buffers, ptr dims, ptr scratch, i64 begin, i64 end)``.

The emitter only translates; what is vectorised, unrolled or cut into tasks was decided before. Statements are here,
loops in :mod:`emit_loops`, values and memory in :mod:`emit_values`, positions in :mod:`emit_index`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.codegen import emit_index as index
from graphc.codegen import emit_loops as loops
from graphc.codegen import ir
from graphc.codegen.emit_state import I1, I8, I32, I64, POINTER, Lanes, Value, Writer, suffix
from graphc.codegen.emit_values import evaluate, neighbours, often_used, write_element, write_interleaved
from graphc.codegen.kernels import contraction
from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Check,
    Contract,
    Declare,
    Draw,
    For,
    If,
    Kernel,
    Let,
    Load,
    Statement,
    Store,
    postorder,
    statement_tasks,
)
from graphc.codegen.scratch import scratch_offsets
from graphc.codegen.target import Target
from graphc.codegen.traverse import (
    accumulated_names,
    accumulator_names,
    ends_stores,
    expressions_of,
    loaded_buffers,
    statements_below,
    stored_buffers,
)
from graphc.dims import DimLike, Symbol

# Epilogues of so little are written once for each vector of a tile: it is no more code than to spill the tile.
CHEAP, FEW_APPLIED = {"add", "sub", "mul", "neg", "maximum", "minimum", "relu"}, 2
KERNEL_TYPE = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, POINTER, I64, I64])


def emit_kernel(
    module: ir.Module, kernel: Kernel, target: Target, symbols: Sequence[str], name: str | None = None
) -> ir.Function:
    """Add the kernel to a module; ``symbols`` names the size symbols in the order of the ``dims`` array."""
    function = ir.Function(module, KERNEL_TYPE, name or kernel.name)
    function.attributes.add("nounwind")
    buffers, dims, scratch, begin, end = function.args
    writer = Writer(ir.IRBuilder(function.append_basic_block("entry")), target)
    _bind_symbols(writer, dims, symbols)
    _bind_buffers(writer, kernel, buffers, scratch)
    writer.shared = often_used(kernel.body)
    _emit_tasks(writer, kernel, Value(begin, 0), Value(end, 0))
    writer.builder.ret_void()
    return function


def _bind_symbols(writer: Writer, dims: ir.Value, symbols: Sequence[str]) -> None:
    for place, name in enumerate(symbols):
        address = writer.builder.gep(dims, [ir.Constant(I64, place)], source_etype=I64)
        writer.bindings[Symbol(name)] = Value(writer.builder.load(address, typ=I64), 0)


def _bind_buffers(writer: Writer, kernel: Kernel, buffers: ir.Value, scratch: ir.Value) -> None:
    builder = writer.builder
    for number, buffer in enumerate(kernel.arguments):
        address = builder.gep(buffers, [ir.Constant(I64, number)], source_etype=POINTER)
        writer.pointers[buffer] = Value(builder.load(address, typ=POINTER), 0)
    offsets = scratch_offsets(kernel)
    for buffer, offset in zip(kernel.scratch, offsets, strict=False):
        writer.pointers[buffer] = Value(_bytes_on(writer, scratch, offset), 0)
    if any(isinstance(statement, Contract) for statement in statements_below(kernel.body)):
        writer.scratch = _bytes_on(writer, scratch, offsets[-1])
    writer.written = stored_buffers(kernel.body)
    writer.reread = writer.written & loaded_buffers(kernel.body)


def _bytes_on(writer: Writer, pointer: ir.Value, offset: DimLike) -> ir.Value:
    return writer.builder.gep(pointer, [index.position(writer, offset).ir], source_etype=I8)


def _emit_tasks(writer: Writer, kernel: Kernel, begin: Value, end: Value) -> None:
    """The part of each top statement that lies in the range of tasks."""
    counts = [statement_tasks(statement) for statement in kernel.body]
    if kernel.tasks == 1 or any(count is None for count in counts):
        for statement in kernel.body:
            _statement(writer, statement)
        _flush(writer)
        return
    phases = [statement for statement in kernel.body if isinstance(statement, Contract) and statement.phase]
    if len(phases) == len(counts) > 1 and set(counts) == {counts[0]} != {1}:
        _phases_by_turns(writer, phases, begin, end)
        return
    first: DimLike = 0
    zero = index.number(writer, 0)
    for statement, count in zip(kernel.body, counts, strict=True):
        assert count is not None
        shift = index.position(writer, first)
        start, stop = (index.arithmetic(writer, "sub", limit, shift) for limit in (begin, end))
        if len(counts) > 1:  # tasks of other statements are among them
            start, stop = index.greatest(writer, start, zero), index.least(writer, stop, index.position(writer, count))
        if isinstance(statement, Contract):
            _contract(writer, statement, start, stop)
        elif isinstance(statement, Draw):
            _part_of_draw(writer, statement, start, stop)
        else:
            assert isinstance(statement, For)
            _part_of_loop(writer, statement, start, stop)
        first = first + count


def _phases_by_turns(writer: Writer, phases: Sequence[Contract], begin: Value, end: Value) -> None:
    """The first task of every phase, then the second of each: they read the same images and write neighbours."""
    count = ir.Constant(I64, len(phases))

    def one(number: Value) -> None:
        builder, depth = writer.builder, writer.depth
        task = builder.udiv(number.ir, count)
        turn = builder.sub(number.ir, builder.mul(task, count))
        for place, phase in enumerate(phases):
            is_next = builder.zext(builder.icmp_signed("==", turn, ir.Constant(I64, place)), I64)
            _contract(writer, phase, Value(task, depth), Value(builder.add(task, is_next), depth))

    loops.counted(writer, begin, end, 1, (), one)


def _part_of_loop(writer: Writer, statement: For, start: Value, stop: Value) -> None:
    grain = index.number(writer, statement.grain or 1)
    extent = statement.extent
    stop = index.least(writer, index.arithmetic(writer, "mul", stop, grain), index.position(writer, extent))
    start = index.arithmetic(writer, "mul", start, grain)
    if statement.turned:
        _turned(writer, statement, start, stop)
        return
    width = statement.width
    even = isinstance(extent, int) and extent % width == 0 and (statement.grain or 1) % width == 0
    loops.loop(writer, statement, start, stop, lambda s: _body(writer, s.body), even)


def _part_of_draw(writer: Writer, statement: Draw, start: Value, stop: Value) -> None:
    grain = index.number(writer, statement.grain or 1)
    stop = index.arithmetic(writer, "mul", stop, grain)
    stop = index.least(writer, stop, index.position(writer, statement.buffer.size))
    _draw(writer, statement, index.arithmetic(writer, "mul", start, grain), stop)


# Statements.


def _body(writer: Writer, body: Sequence[Statement]) -> None:
    writer.seen = {}
    for statement in body:
        _statement(writer, statement)
    _flush(writer)
    writer.seen = {}


def _statement(writer: Writer, statement: Statement) -> None:
    if writer.pending and ends_stores(statement):
        _flush(writer)
    WRITERS[type(statement)](writer, statement)


def _flush(writer: Writer) -> None:
    """Write the stores whose values are all computed."""
    waiting, writer.pending = writer.pending, []
    while waiting:
        together = neighbours(writer, waiting)
        if len(together) > 1:
            write_interleaved(writer, together)
        else:
            write_element(writer, *together[0])
        for store, _ in together:
            _changed(writer, store)
        waiting = waiting[len(together) :]


def _changed(writer: Writer, store: Store) -> None:
    writer.versions[store.buffer] = writer.versions.get(store.buffer, 0) + 1
    if store.buffer in writer.reread:
        writer.seen = {}


def _for(writer: Writer, statement: For) -> None:
    start, stop = index.number(writer, 0), index.position(writer, statement.extent)
    extent = index.known(stop)
    even = extent is not None and extent % statement.width == 0
    for buffer in stored_buffers(statement.body):
        writer.versions[buffer] = writer.versions.get(buffer, 0) + 1
    if statement.turned:
        _turned(writer, statement, start, stop)
    else:
        loops.loop(writer, statement, start, stop, lambda s: _body(writer, s.body), even)
    writer.seen = {}


def _turned(writer: Writer, statement: For, start: Value, stop: Value) -> None:
    from graphc.codegen.emit_turned import emit_turned  # late: few kernels transpose

    emit_turned(writer, statement, start, stop)


def _if(writer: Writer, statement: If) -> None:
    condition = evaluate(writer, statement.condition)
    assert condition.lanes == 1, "the condition of an If differs between lanes"
    names = [name for name in accumulated_names(statement.body) if name in writer.locals]
    loops.conditional(writer, condition, names, lambda: _body(writer, statement.body), guarded=True)
    writer.seen = {}


def _store(writer: Writer, statement: Store) -> None:
    value = evaluate(writer, statement.value)
    if statement.combine is None:
        writer.pending.append((statement, value))
        return
    old = Load(statement.buffer, statement.offset)
    value = evaluate(writer, Apply(statement.combine, (old, statement.value), statement.buffer.dtype))
    write_element(writer, statement, value)
    _changed(writer, statement)


def _let(writer: Writer, statement: Let) -> None:
    writer.locals[statement.name] = evaluate(writer, statement.value)


def _declare(writer: Writer, statement: Declare) -> None:
    start = evaluate(writer, statement.start)
    writer.locals[statement.name] = start if writer.lanes is None else writer.spread(start, writer.lanes.width)


def _accumulate(writer: Writer, statement: Accumulate | AccumulateAt) -> None:
    """The new value of an accumulator; lanes behind the mask keep the old one."""
    new = [evaluate(writer, value) for value in expressions_of(statement)]
    old = [writer.locals[name] for name in accumulator_names(statement)]
    merged = loops.merge(writer, statement, old, new)
    mask = writer.lanes.mask if writer.lanes is not None else None
    for name, before, after in zip(accumulator_names(statement), old, merged, strict=True):
        if mask is not None and name in writer.kept_in_lanes:
            after = loops.apply_select(writer, mask, after, before)
        writer.locals[name] = after
    writer.seen = {}


def _check(writer: Writer, statement: Check) -> None:
    """The condition of any lane puts the code where errors are noted, unless one is there."""
    condition = evaluate(writer, statement.condition)
    builder = writer.builder
    failed = condition.ir
    if writer.lanes is not None and writer.lanes.mask is not None:
        lanes = writer.lanes.width
        failed = builder.and_(writer.spread(condition, lanes).ir, writer.lanes.mask.ir)
    if isinstance(failed.type, ir.VectorType):
        failed = writer.call(f"llvm.vector.reduce.or.{suffix(failed.type)}", I1, [failed])(builder)
    with builder.if_then(failed, likely=False):
        address = writer.pointers[statement.errors].ir
        builder.cmpxchg(address, ir.Constant(I64, 0), ir.Constant(I64, statement.code), "monotonic", "monotonic")


def _draw(writer: Writer, statement: Draw, begin: Value | None = None, end: Value | None = None) -> None:
    """A call of the function that fills a range of elements."""
    from graphc.codegen import philox  # late: few kernels draw

    begin = begin or index.number(writer, 0)
    end = end or index.position(writer, statement.buffer.size)
    function = philox.declare_fill(writer.builder.module, statement.function)
    position, *rest = (index.resized(writer, evaluate(writer, x), I64).ir for x in expressions_of(statement))
    low, high = rest[:-2] or [ir.Constant(I64, 0)] * 2
    output, seeds = writer.pointers[statement.buffer].ir, rest[-2:]
    writer.builder.call(function, [output, begin.ir, end.ir, position, low, high, *seeds])


def _contract(writer: Writer, statement: Contract, begin: Value | None = None, end: Value | None = None) -> None:
    """The contraction's own loops, with this kernel's epilogue in them."""
    begin = begin or index.number(writer, 0)
    end = end or index.position(writer, statement.tasks)
    spec = statement.spec
    a, b = (writer.pointers[buffer].ir for buffer in (statement.a, statement.b))

    def epilogue(
        builder: ir.IRBuilder, coordinates: tuple[ir.Value, ...], value: ir.Value, mask: ir.Value | None
    ) -> None:
        _epilogue(writer, statement, coordinates, value, mask)

    def size(builder: ir.IRBuilder, dim: DimLike) -> ir.Value:
        return index.position(writer, dim).ir

    before = writer.builder.block
    inside = writer.builder.append_basic_block("contraction")
    writer.builder.position_at_end(inside)
    writer.enter(before)
    first, last = (value.ir if (number := index.known(value)) is None else number for value in (begin, end))
    assert writer.scratch is not None
    contraction.emit_contraction(
        writer.builder,
        spec,
        writer.target,
        a,
        b,
        epilogue,
        first,
        last,
        writer.scratch,
        size,
        _is_repeatable(statement.epilogue),
    )
    writer.leave()
    after = writer.builder.block
    writer.builder.position_at_end(before)
    writer.builder.branch(inside)
    writer.builder.position_at_end(after)
    writer.seen = {}


def _is_repeatable(epilogue: Sequence[Statement]) -> bool:
    """Whether to finish an element twice does no harm, and whether that is little code.

    What an epilogue loads at the very place where it stores may be the same memory, and changed the first time.
    """
    if not all(isinstance(s, Let) or (isinstance(s, Store) and s.combine is None) for s in epilogue):
        return False
    stored = [statement.offset for statement in epilogue if isinstance(statement, Store)]
    parts = [part for statement in epilogue for part in postorder(expressions_of(statement))]
    applied = [part for part in parts if isinstance(part, Apply)]
    few = len(applied) <= FEW_APPLIED and all(part.op in CHEAP for part in applied)
    return few and not any(isinstance(part, Load) and part.offset in stored for part in parts)


def _epilogue(
    writer: Writer, statement: Contract, coordinates: tuple[ir.Value, ...], value: ir.Value, mask: ir.Value | None
) -> None:
    """The statements on one vector of finished elements, or on one element."""
    writer.enter(None)
    depth = writer.depth
    for symbol, place in zip(statement.coordinates, coordinates, strict=True):
        writer.bindings[symbol] = Value(place, depth)
    lanes = value.type.count if isinstance(value.type, ir.VectorType) else 1
    along = _vector_coordinate(statement)
    if lanes > 1 and along is None:
        value, lanes = writer.builder.extract_element(value, ir.Constant(I32, 0)), 1
    if lanes > 1 and along is not None:
        base = writer.bindings[along]
        writer.lanes = Lanes(along, base, lanes, None if mask is None else Value(mask, depth, lanes))
    writer.locals[statement.result] = Value(value, depth, lanes)
    _body(writer, statement.epilogue)
    writer.lanes = None
    writer.leave()


def _vector_coordinate(statement: Contract) -> Symbol | None:
    """The coordinate along which the vectors of a contraction run: the last of its columns that is not trivial."""
    columns = statement.spec.cols + statement.spec.paired
    first = len(statement.coordinates) - len(columns)
    for axis, symbol in reversed(list(zip(columns, statement.coordinates[first:], strict=True))):
        if axis.extent != 1:
            return symbol
    return None


WRITERS: dict[type, Callable[[Writer, Any], None]] = {
    For: _for,
    If: _if,
    Store: _store,
    Let: _let,
    Declare: _declare,
    Accumulate: _accumulate,
    AccumulateAt: _accumulate,
    Check: _check,
    Contract: _contract,
    Draw: _draw,
}
