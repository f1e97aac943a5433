"""Expressions as instructions, and the ways to reach memory: one element, neighbours, or scattered lanes."""

from __future__ import annotations

from collections import Counter

from graphc.codegen import emit_index as index
from graphc.codegen import ir
from graphc.codegen.approx.lanes import element_type, with_element
from graphc.codegen.emit_state import HALVES, I1, I8, I32, IN_MEMORY, IN_REGISTER, POINTER, Value, Writer, suffix
from graphc.codegen.loops import (
    ITEM_BYTES,
    Apply,
    Buffer,
    Expression,
    IndexValue,
    Literal,
    Load,
    Local,
    Statement,
    Store,
    postorder,
)
from graphc.codegen.scalar import OPS
from graphc.codegen.schedule_cost import APART
from graphc.codegen.traverse import expressions_below
from graphc.dims import DimLike

# Some 20 to 50 instructions each.
LONG_FUNCTIONS = frozenset(
    ("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sigmoid", "softplus", "erf", "pow")
)
MANY = 8  # Beyond, copies would be most of a kernel's code; a call costs an eighth (approx/functions.py).


def evaluate(writer: Writer, root: Expression) -> Value:
    """The value of an expression; parts that stand already are used again."""
    seen = writer.seen
    if id(root) not in seen:
        for node in postorder([root], seen):
            seen[id(node)] = _node(writer, node)
    return seen[id(root)]


def _node(writer: Writer, node: Expression) -> Value:
    if isinstance(node, Apply):
        return apply(writer, node.op, node.dtype, node.operands, [writer.seen[id(part)] for part in node.operands])
    if isinstance(node, Load):
        return _load(writer, node)
    if isinstance(node, Literal):
        number = node.value
        if node.dtype in HALVES:
            from graphc.codegen.scalar_cast import half_bits  # late: few steps have halves

            number = half_bits(node.value, node.dtype)
        return writer.constant(IN_REGISTER[node.dtype], number)
    if isinstance(node, Local):
        return writer.locals[node.name]
    return _index_value(writer, node)


def apply(writer: Writer, op: str, dtype: str, operands: tuple[Expression, ...], values: list[Value]) -> Value:
    """A row of the scalar table on values."""
    return _operation(writer, op, operands[0].dtype, dtype, values)


def combine(writer: Writer, op: str, dtype: str, left: Value, right: Value) -> Value:
    """``op(left, right)`` of two values of one dtype."""
    return _operation(writer, op, dtype, dtype, [left, right])


def _operation(writer: Writer, op: str, source: str, dtype: str, values: list[Value]) -> Value:
    if op == "div":
        from graphc.codegen import emit_division as divisions  # late: few steps divide so

        if divisions.repeat(writer, dtype, *values):
            return divisions.divided(writer, dtype, *values)
    depth, lanes, parts = writer.together(*values)

    def write(builder: ir.IRBuilder) -> ir.Value:
        if (op, source) in writer.shared:
            return builder.call(_shared_function(writer, op, source, dtype, parts), parts)
        return OPS[op].emit(builder, parts, source, dtype, writer.target)

    return writer.numbered((op, source, dtype, *map(id, parts)), depth, lanes, write)


def often_used(body: tuple[Statement, ...]) -> set[tuple[str, str]]:
    """The long functions that a kernel applies many times: they are called, since copies would be slow to compile."""
    used = Counter((node.op, node.operands[0].dtype) for node in expressions_below(body) if isinstance(node, Apply))
    return {key for key, count in used.items() if key[0] in LONG_FUNCTIONS and count > MANY}


def _shared_function(writer: Writer, op: str, source: str, dtype: str, parts: list[ir.Value]) -> ir.Function:
    """The function in this module that computes a row of the scalar table."""
    module = writer.builder.module
    name = f"graphc.{op}.{suffix(parts[0].type)}"
    found = module.globals.get(name)
    if found is not None:
        return found
    result = with_element(parts[0].type, IN_REGISTER[dtype])
    function = ir.Function(module, ir.FunctionType(result, [part.type for part in parts]), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    builder.ret(OPS[op].emit(builder, function.args, source, dtype, writer.target))
    return function


def _index_value(writer: Writer, node: IndexValue) -> Value:
    kind = IN_REGISTER[node.dtype]
    if index.stride(writer, node.index) == 0:
        value = index.position(writer, node.index)
    else:
        wide: ir.IntType = index.index_type(node.index)
        if isinstance(kind, ir.IntType) and kind.width >= 32:
            wide = kind
        value = index.positions(writer, node.index, wide)
    if value.ir.type == kind or element_type(value.ir.type) == kind:
        return value
    if isinstance(kind, ir.IntType):
        return index.resized(writer, value, kind)
    floats = kind if value.lanes == 1 else ir.VectorType(kind, value.lanes)
    return writer.numbered(
        ("sitofp", id(value.ir), str(kind)), value.depth, value.lanes, lambda builder: builder.sitofp(value.ir, floats)
    )


# Memory. A bool is a byte in memory and a bit in a register.


def _load(writer: Writer, node: Load) -> Value:
    where = None if node.where is None else evaluate(writer, node.where)
    step = index.stride(writer, node.offset)
    if step == 0 and (where is None or where.lanes == 1):
        return _load_one(writer, node, where)
    assert writer.lanes is not None
    mask = _both(writer, writer.lanes.mask, where)
    if step == 1:
        return _load_neighbours(writer, node, mask)
    if step == -1 and mask is None:
        return _load_backwards(writer, node)
    if isinstance(step, int) and step in APART and node.buffer.dtype != "bool":
        return _load_apart(writer, node, step, mask)
    return _gather(writer, node, mask)


def _load_one(writer: Writer, node: Load, where: Value | None) -> Value:
    offset = index.position(writer, node.offset)
    if where is not None:  # the first element is read instead, and forgotten
        zero = index.number(writer, 0)
        offset = apply_select(writer, where, offset, zero)
    address = element_address(writer, node.buffer, offset)
    value = _read(writer, node.buffer, 1, "load", address, None)
    if where is None:
        return value
    return apply_select(writer, where, value, writer.constant(value.ir.type, 0))


def _load_neighbours(writer: Writer, node: Load, mask: Value | None) -> Value:
    assert writer.lanes is not None
    address = element_address(writer, node.buffer, index.position(writer, node.offset))
    return _read(writer, node.buffer, writer.lanes.width, "load", address, mask)


def _load_backwards(writer: Writer, node: Load) -> Value:
    """Neighbours in falling order: loaded from the last one on, and turned around."""
    assert writer.lanes is not None
    width = writer.lanes.width
    first = index.arithmetic(writer, "sub", index.position(writer, node.offset), index.number(writer, width - 1))
    value = _read(writer, node.buffer, width, "load", element_address(writer, node.buffer, first), None)
    order = writer.listed(I32, list(reversed(range(width)))).ir
    return writer.numbered(
        ("backwards", id(value.ir)),
        value.depth,
        width,
        lambda builder: builder.shuffle_vector(value.ir, value.ir, order),
    )


def _load_apart(writer: Writer, node: Load, step: int, mask: Value | None) -> Value:
    """Elements a few places apart, picked from whole vectors; the last of these ends with the last element::

    x[2*j]:  x0 x1 x2 x3 | x3 x4 x5 x6    ->    x0 x2 x4 x6
    """
    assert writer.lanes is not None
    width = writer.lanes.width
    first = index.position(writer, node.offset)
    found: Value | None = None
    for number in range(step):
        start = min(number * width, (width - 1) * (step - 1))
        places = {lane: lane * step - start for lane in range(width) if 0 <= lane * step - start < width}
        address = element_address(
            writer, node.buffer, index.arithmetic(writer, "add", first, index.number(writer, start))
        )
        vector = _read(writer, node.buffer, width, "load", address, _placed(writer, mask, places))
        found = _picked(writer, found, vector, places)
    assert found is not None
    return found


def _placed(writer: Writer, mask: Value | None, places: dict[int, int]) -> Value | None:
    """A mask of lanes as one of the places of a vector from which they are picked."""
    if mask is None:
        return None
    nowhere = writer.constant(I1, 0, mask.lanes)
    back = {place: lane for lane, place in places.items()}
    return _shuffled(writer, mask, nowhere, [back.get(place, mask.lanes) for place in range(mask.lanes)])


def _picked(writer: Writer, found: Value | None, vector: Value, places: dict[int, int]) -> Value:
    """``found`` with some lanes from places of another vector."""
    width = vector.lanes
    return _shuffled(
        writer, found or vector, vector, [width + places[lane] if lane in places else lane for lane in range(width)]
    )


def _shuffled(writer: Writer, left: Value, right: Value, order: list[int]) -> Value:
    lanes, depth = len(order), max(left.depth, right.depth)
    listed = writer.listed(I32, order).ir
    return writer.numbered(
        ("shuffled", id(left.ir), id(right.ir), id(listed)),
        depth,
        lanes,
        lambda builder: builder.shuffle_vector(left.ir, right.ir, listed),
    )


def _gather(writer: Writer, node: Load, mask: Value | None) -> Value:
    assert writer.lanes is not None
    addresses = lane_addresses(writer, node.buffer, node.offset)
    if mask is None:
        mask = writer.constant(I1, 1, writer.lanes.width)
    return _read(writer, node.buffer, writer.lanes.width, "gather", addresses, mask)


def _read(writer: Writer, buffer: Buffer, lanes: int, form: str, address: Value, mask: Value | None) -> Value:
    """A load of one of three forms: plain, under a mask, or from an address per lane."""
    depth = max(address.depth, mask.depth if mask is not None else 0)
    depth = writer.load_depth(buffer, depth)
    kind = IN_MEMORY[buffer.dtype] if lanes == 1 else ir.VectorType(IN_MEMORY[buffer.dtype], lanes)
    size = ITEM_BYTES[buffer.dtype]

    def write(builder: ir.IRBuilder) -> ir.Value:
        if mask is None:
            return builder.load(address.ir, typ=kind, align=size)
        name = f"llvm.masked.{form}.{suffix(kind)}.{suffix(address.ir.type)}"
        nothing = ir.Constant(kind, None)
        return writer.call(name, kind, [address.ir, ir.Constant(I32, size), mask.ir, nothing])(builder)

    key = ("read", form, id(address.ir), id(mask.ir) if mask else 0, lanes, str(kind), writer.versions.get(buffer, 0))
    value = writer.numbered(key, depth, lanes, write)
    if buffer.dtype != "bool":
        return value
    zero = writer.constant(I8, 0, lanes).ir
    return writer.numbered(
        ("bit", id(value.ir)), depth, lanes, lambda builder: builder.icmp_unsigned("!=", value.ir, zero)
    )


def write_element(writer: Writer, store: Store, value: Value) -> None:
    """Write a value to memory, every lane to its place."""
    if store.buffer.dtype == "bool":
        wide = I8 if value.lanes == 1 else ir.VectorType(I8, value.lanes)
        bits = value
        value = writer.numbered(
            ("byte", id(bits.ir)), bits.depth, bits.lanes, lambda builder: builder.zext(bits.ir, wide)
        )
    step = index.stride(writer, store.offset)
    size = ITEM_BYTES[store.buffer.dtype]
    if step == 0:
        assert value.lanes == 1, f"lanes differ in what is stored to the one place {store.buffer.name}[{store.offset}]"
        address = element_address(writer, store.buffer, index.position(writer, store.offset))
        writer.builder.store(value.ir, address.ir, align=size)
        return
    assert writer.lanes is not None
    value = writer.spread(value, writer.lanes.width)
    mask = writer.lanes.mask
    if step == 1:
        address, form = element_address(writer, store.buffer, index.position(writer, store.offset)), "store"
        if mask is None:
            writer.builder.store(value.ir, address.ir, align=size)
            return
    else:
        address, form = lane_addresses(writer, store.buffer, store.offset), "scatter"
        mask = mask or writer.constant(I1, 1, writer.lanes.width)
    name = f"llvm.masked.{form}.{suffix(value.ir.type)}.{suffix(address.ir.type)}"
    arguments = [value.ir, address.ir, ir.Constant(I32, size), mask.ir]
    writer.call(name, ir.VoidType(), arguments)(writer.builder)


def neighbours(writer: Writer, waiting: list[tuple[Store, Value]]) -> list[tuple[Store, Value]]:
    """The first 4 or 2 of the stores, where the lanes of all together fill a block without gaps; else the first."""
    first = waiting[0][0]
    step = index.stride(writer, first.offset)
    whole = writer.lanes is not None and writer.lanes.mask is None and first.buffer.dtype != "bool"
    if not whole or not isinstance(step, int) or step not in (2, 4):
        return waiting[:1]
    group = waiting[:step]
    offsets = [first.offset + place for place in range(step)]
    found = [store.offset for store, _ in group if store.buffer == first.buffer]
    return group if found == offsets else waiting[:1]


def write_interleaved(writer: Writer, stores: list[tuple[Store, Value]]) -> None:
    """Neighbouring elements from several vectors: one from each, then the next of each, and so on."""
    assert writer.lanes is not None
    store = stores[0][0]
    parts = [writer.spread(value, writer.lanes.width).ir for _, value in stores]
    address = element_address(writer, store.buffer, index.position(writer, store.offset))
    writer.builder.store(_interleaved(writer, parts), address.ir, align=ITEM_BYTES[store.buffer.dtype])


def _interleaved(writer: Writer, parts: list[ir.Value]) -> ir.Value:
    if len(parts) == 1:
        return parts[0]
    left, right = _interleaved(writer, parts[::2]), _interleaved(writer, parts[1::2])
    lanes = left.type.count
    order = writer.listed(I32, [place for lane in range(lanes) for place in (lane, lanes + lane)])
    return writer.builder.shuffle_vector(left, right, order.ir)


def element_address(writer: Writer, buffer: Buffer, offset: Value) -> Value:
    """The address of one element."""
    pointer = writer.pointers[buffer]
    if index.known(offset) == 0:
        return pointer
    kind = IN_MEMORY[buffer.dtype]
    return writer.numbered(
        ("address", id(pointer.ir), id(offset.ir), str(kind)),
        max(pointer.depth, offset.depth),
        offset.lanes,
        lambda builder: builder.gep(pointer.ir, [offset.ir], source_etype=kind),
    )


def lane_addresses(writer: Writer, buffer: Buffer, offset: DimLike) -> Value:
    """The addresses of all lanes."""
    assert writer.lanes is not None
    step = index.stride(writer, offset)
    kind = IN_MEMORY[buffer.dtype]
    pointers = ir.VectorType(POINTER, writer.lanes.width)
    if isinstance(step, int) and abs(step) * writer.lanes.width < 2**31:  # one address and fixed distances
        first = element_address(writer, buffer, index.position(writer, offset))
        distances = writer.listed(I32, [lane * step for lane in range(writer.lanes.width)])
    else:
        first = writer.pointers[buffer]
        distances = index.positions(writer, offset, index.index_type(offset))

    def write(builder: ir.IRBuilder) -> ir.Value:
        address = builder.gep(first.ir, [distances.ir], source_etype=kind)
        address.type = pointers
        return address

    key = ("addresses", id(first.ir), id(distances.ir), str(kind))
    return writer.numbered(key, max(first.depth, distances.depth), writer.lanes.width, write)


def apply_select(writer: Writer, condition: Value, yes: Value, no: Value) -> Value:
    """``yes`` where the condition is true, else ``no``."""
    depth, lanes, (c, x, y) = writer.together(condition, yes, no)
    return writer.numbered(("select", id(c), id(x), id(y)), depth, lanes, lambda builder: builder.select(c, x, y))


def _both(writer: Writer, mask: Value | None, where: Value | None) -> Value | None:
    if mask is None or where is None:
        found = mask if where is None else where
        return None if found is None or writer.lanes is None else writer.spread(found, writer.lanes.width)
    depth, lanes, (x, y) = writer.together(mask, where)
    return writer.numbered(("both", id(x), id(y)), depth, lanes, lambda builder: builder.and_(x, y))
