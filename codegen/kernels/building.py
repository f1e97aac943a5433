"""Words for writing kernels in LLVM IR: whole numbers that fold, counted loops that carry values, vectors.

An ``Index`` is a number known now (``int``) or at run time (an i64 ``ir.Value``); arithmetic on known numbers
emits nothing, so one text serves fixed and symbolic sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from graphc.codegen import ir
from graphc.codegen.approx.lanes import in_every_lane
from graphc.codegen.target import LINE

Index = Union[int, ir.Value]
Range = tuple[Index, Index]

I1 = ir.IntType(1)
I32 = ir.IntType(32)
I64 = ir.IntType(64)
POINTER = ir.PointerType()
ELEMENTS = {"f32": ir.FloatType(), "f64": ir.DoubleType(), "i32": ir.IntType(32), "i64": ir.IntType(64)}


class Code:
    """A builder with the element type of one kernel, and the words above."""

    def __init__(self, builder: ir.IRBuilder, dtype: str, fused: bool):
        self.builder = builder
        self.dtype = dtype
        self.element = ELEMENTS[dtype]
        self.element_bytes = int(dtype[1:]) // 8
        self.elements_of_line = LINE // self.element_bytes
        self.is_float = dtype.startswith("f")
        self.fused = fused and self.is_float

    # Whole numbers.

    def value(self, x: Index) -> ir.Value:
        return ir.Constant(I64, x) if isinstance(x, int) else x

    def add(self, x: Index, y: Index) -> Index:
        if isinstance(x, int) and isinstance(y, int):
            return x + y
        if x == 0 or y == 0:
            return x if y == 0 else y
        return self.builder.add(self.value(x), self.value(y))

    def sub(self, x: Index, y: Index) -> Index:
        if isinstance(x, int) and isinstance(y, int):
            return x - y
        if x is y:
            return 0
        return x if y == 0 else self.builder.sub(self.value(x), self.value(y))

    def mul(self, x: Index, y: Index) -> Index:
        if isinstance(x, int) and isinstance(y, int):
            return x * y
        if x == 0 or y == 0:
            return 0
        if x == 1 or y == 1:
            return x if y == 1 else y
        return self.builder.mul(self.value(x), self.value(y))

    def div(self, x: Index, y: Index) -> Index:
        """The whole part of x / y for x >= 0 and y > 0."""
        if isinstance(x, int) and isinstance(y, int):
            return x // y
        return x if y == 1 else self.builder.udiv(self.value(x), self.value(y))

    def divmod(self, x: Index, y: Index) -> tuple[Index, Index]:
        if y == 1 or x == 0:
            return x, 0
        quotient = self.div(x, y)
        return quotient, self.sub(x, self.mul(quotient, y))

    def ceildiv(self, x: Index, y: int) -> Index:
        return self.div(self.add(x, y - 1), y)

    def least(self, x: Index, y: Index) -> Index:
        if isinstance(x, int) and isinstance(y, int):
            return min(x, y)
        x, y = self.value(x), self.value(y)
        return self.builder.select(self.builder.icmp_signed("<", x, y), x, y)

    def greatest(self, x: Index, y: Index) -> Index:
        if isinstance(x, int) and isinstance(y, int):
            return max(x, y)
        x, y = self.value(x), self.value(y)
        return self.builder.select(self.builder.icmp_signed(">", x, y), x, y)

    def less(self, x: Index, y: Index) -> bool | ir.Value:
        if isinstance(x, int) and isinstance(y, int):
            return x < y
        return self.builder.icmp_signed("<", self.value(x), self.value(y))

    def opaque(self, x: Index) -> Index:
        """``x``, in a form whose origin loop optimisers do not look into.

        LLVM's loop strength reduction rewrites every address in terms of all loops around it, which takes half of
        the time to compile a kernel and gains nothing here: addresses inside are a pointer and a constant.
        """
        if isinstance(x, int):
            return x
        function = self.intrinsic("llvm.expect.i64", I64, [I64, I64])
        return self.builder.call(function, [x, ir.Constant(I64, 0)])

    def opaque_pointer(self, pointer: ir.Value) -> ir.Value:
        """The same for an address."""
        function = self.intrinsic("llvm.launder.invariant.group.p0", POINTER, [POINTER])
        return self.builder.call(function, [pointer])

    # Control.

    def when(
        self, condition: bool | ir.Value, then: Callable[[], object], otherwise: Callable[[], object] | None = None
    ) -> None:
        """``if condition: then() else: otherwise()``, decided now where the condition is known now."""
        if isinstance(condition, bool):
            chosen = then if condition else otherwise
            if chosen is not None:
                chosen()
            return
        if otherwise is None:
            with self.builder.if_then(condition):
                then()
            return
        with self.builder.if_else(condition) as (yes, no):
            with yes:
                then()
            with no:
                otherwise()

    def loop(
        self,
        begin: Index,
        end: Index,
        step: Index,
        body: Callable[..., Sequence[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
        plain: bool = False,
        runs: bool = False,
    ) -> list[ir.Value]:
        """``for i in range(begin, end, step): carried = body(i, *carried)``; tested at the bottom, entered if it runs.

        A loop known to run once, or not at all, is written without one. Its counter is `opaque`, unless the loop is
        ``plain``: a short body whose addresses are computed from the counter, which LLVM may then do by steps.
        ``runs``: it is known to run, though its limits are not known.
        """
        if isinstance(begin, int) and isinstance(end, int) and isinstance(step, int):
            trips = len(range(begin, end, step))
            if trips <= 1:
                return list(carried) if not trips else list(body(begin, *carried) or ())
        builder = self.builder
        run = builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        enters = runs or self.less(begin, end)
        entry = builder.block
        if isinstance(enters, bool):
            builder.branch(run if enters else after)
        else:
            builder.cbranch(enters, run, after)
        builder.position_at_end(run)
        index = builder.phi(I64)
        index.add_incoming(self.value(begin), entry)
        phis = [builder.phi(value.type) for value in carried]
        results = list(body(index, *phis) or ())
        following = builder.add(index, self.value(step))
        latch = builder.block
        index.add_incoming(following if plain else self.value(self.opaque(following)), latch)
        for phi, first, result in zip(phis, carried, results, strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(result, latch)
        # What counts up to 0 by ones is done when it is there: one instruction counts and branches.
        more = "!=" if isinstance(end, int) and end == 0 and step == 1 else "<"
        builder.cbranch(builder.icmp_signed(more, following, self.value(end)), run, after)
        builder.position_at_end(after)
        if enters is True:
            return results
        merged: list[ir.Value] = []
        for first, result in zip(carried, results, strict=True):
            phi = builder.phi(first.type)
            phi.add_incoming(first, entry)
            phi.add_incoming(result, latch)
            merged.append(phi)
        return merged

    def each(self, places: Range, most: int, body: Callable[[Index], None]) -> None:
        """``body`` for every place of a range that has one at least, and ``most`` at most."""
        if most == 1:
            body(places[0])
        else:
            self.loop(*places, 1, body, runs=True)

    def pieces(self, places: Range, most: int, length: int, body: Callable[[Range], None]) -> None:
        """The same for every piece of ``length`` places; the last one may be shorter."""
        first, end = places
        if length >= most:
            body(places)
            return

        def piece(begin: Index) -> None:
            following = self.add(begin, length)
            body((begin, following if length == 1 else self.least(following, end)))

        self.loop(first, end, length, piece, runs=True)

    def walk(
        self,
        begin: Index,
        end: Index,
        pointers: Sequence[tuple[ir.Value, Index]],
        body: Callable[..., Sequence[ir.Value] | None],
        carried: Sequence[ir.Value] = (),
    ) -> list[ir.Value]:
        """`loop` with step 1 whose body gets pointers, each further by its step in every turn, and what is carried.

        The pointers are moved, and opaque, so that loop strength reduction finds nothing to think about.
        """
        starts = [self.at(pointer, self.mul(begin, step)) for pointer, step in pointers]
        moving = [place for place, (_, step) in enumerate(pointers) if step != 0]

        def turn(_: Index, *state: ir.Value) -> list[ir.Value]:
            here = list(starts)
            for place, pointer in zip(moving, state, strict=False):
                here[place] = pointer
            results = list(body(*here, *state[len(moving) :]) or ())
            following = [self.opaque_pointer(self.at(here[place], pointers[place][1])) for place in moving]
            return [*following, *results]

        if isinstance(begin, int) and isinstance(end, int) and end - begin <= 1:
            return list(body(*starts, *carried) or ()) if begin < end else list(carried)
        state = [*(starts[place] for place in moving), *carried]
        return self.loop(self.sub(begin, end), 0, 1, turn, state)[len(moving) :]

    # Memory. Pointers move by elements.

    def at(self, pointer: ir.Value, offset: Index) -> ir.Value:
        if isinstance(offset, int) and offset == 0:
            return pointer
        return self.builder.gep(pointer, [self.value(offset)], source_etype=self.element)

    def lanes_type(self, lanes: int) -> ir.Type:
        return self.element if lanes == 1 else ir.VectorType(self.element, lanes)

    def load(self, pointer: ir.Value, lanes: int = 1) -> ir.Value:
        return self.builder.load(pointer, typ=self.lanes_type(lanes), align=self.element_bytes)

    def load_apart(self, pointer: ir.Value, number: int) -> ir.Value:
        """An element loaded once more: ``number`` tells loads of one place apart, which LLVM would do but once.

        A load with a single use becomes a part of the instruction that uses it. An address space of its own makes it
        another load; on the processors for which kernels are written these numbers are all the same memory.
        """
        elsewhere = self.builder.addrspacecast(pointer, ir.PointerType(number))
        return self.load(elsewhere)

    def store(self, value: ir.Value, pointer: ir.Value) -> None:
        self.builder.store(value, pointer, align=self.element_bytes)

    def prefetch(self, pointer: ir.Value, near: bool = False) -> None:
        """Ask for the cache line at ``pointer``, in the first cache if ``near``; harmless where nothing is."""
        function = self.intrinsic("llvm.prefetch.p0", ir.VoidType(), [POINTER, I32, I32, I32])
        read, locality, data = (ir.Constant(I32, number) for number in (0, 3 if near else 2, 1))
        self.builder.call(function, [pointer, read, locality, data])

    def load_masked(self, pointer: ir.Value, mask: ir.Value) -> ir.Value:
        """The lanes that ``mask`` names, zero elsewhere; memory behind the other lanes is not touched."""
        lanes = mask.type.count
        kind = self.lanes_type(lanes)
        name = f"llvm.masked.load.v{lanes}{self.dtype}.p0"
        function = self.intrinsic(name, kind, [POINTER, I32, mask.type, kind])
        return self.builder.call(function, [pointer, ir.Constant(I32, self.element_bytes), mask, self.zero(lanes)])

    # Lanes.

    def zero(self, lanes: int = 1) -> ir.Constant:
        return ir.Constant(self.lanes_type(lanes), 0 if lanes == 1 else None)

    def splat(self, value: ir.Value, lanes: int) -> ir.Value:
        """``value`` in every lane."""
        if lanes == 1:
            return value
        return in_every_lane(self.builder, value, lanes)

    def shuffle(self, left: ir.Value, right: ir.Value, order: Sequence[int]) -> ir.Value:
        return self.builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(I32, len(order)), list(order)))

    def first_lanes(self, count: Index, lanes: int) -> ir.Value:
        """A mask that is true in the first ``count`` lanes."""
        if isinstance(count, int):
            return ir.Constant(ir.VectorType(I1, lanes), [int(lane < count) for lane in range(lanes)])
        kind = ir.VectorType(I32, lanes)
        counts = self.splat(self.builder.trunc(count, I32), lanes)
        return self.builder.icmp_signed("<", ir.Constant(kind, list(range(lanes))), counts)

    def multiply_add(self, x: ir.Value, y: ir.Value, total: ir.Value) -> ir.Value:
        """``x * y + total``: rounded once where the processor can, in two steps where it cannot."""
        if not self.is_float:
            return self.builder.add(self.builder.mul(x, y), total)
        if not self.fused:
            return self.builder.fadd(self.builder.fmul(x, y), total)
        suffix = self.dtype if not isinstance(x.type, ir.VectorType) else f"v{x.type.count}{self.dtype}"
        function = self.intrinsic(f"llvm.fma.{suffix}", x.type, [x.type] * 3)
        return self.builder.call(function, [x, y, total])

    def plus(self, x: ir.Value, y: ir.Value) -> ir.Value:
        return self.builder.fadd(x, y) if self.is_float else self.builder.add(x, y)

    def intrinsic(self, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        module = self.builder.module
        found = module.globals.get(name)
        return found or ir.Function(module, ir.FunctionType(result, arguments), name)
