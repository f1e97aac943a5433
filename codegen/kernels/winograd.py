"""Convolutions of windows of 3 x 3 with fewer multiplications: F(2x2, 3x3) of Lavin and Gray (2015), fused.

    for task: some tiles of 4 x 4 cells of the images (2 apart, each gives 2 x 2 results), some columns of filters
        U[cell] = 4 G w G^T                                    once
        for block of tiles:
            V[cell] = B^T d B                                  stays in the second cache
            M[cell] = V[cell] @ U[cell]      for 16 cells      microtile.py
            y = A^T M A / 4; where that is not finite:         y = the sum of products
            epilogue(y)

Filters are kept four times as large, so that none of them loses bits to the smallest numbers, and whole numbers stay
whole. An infinity or NaN would spread over its tile, and what overflows in between is finite in the sum of products:
both show as results that are not finite, and the tile is computed again. So is one whose cells differ much in size,
as its small results would err by what is a rounding error of large neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen import ir
from graphc.codegen.choose_winograd import CELLS, Side, WinogradPlan
from graphc.codegen.kernels.building import Code, Index
from graphc.codegen.kernels.finish import Epilogue
from graphc.codegen.kernels.microtile import Step, Tile, accumulate, store_tile
from graphc.codegen.kernels.packing import transposed_rows
from graphc.codegen.kernels.site import Sizes
from graphc.records import record

Vectors = list[ir.Value]

INSIDE = (5, 6, 9, 10)  # The cells of a tile that all of its windows see.
# Results err in proportion to the largest cells of their tile. Those around, which not all of its windows see, may have
# so many times the sum of squares of those inside: 32 times the size, five bits. Beyond, the tile is computed as it is
# defined.
MOST_BESIDE = 1024.0


@record
class Place:
    """A tile: its image, its place among the image's tiles, and where its first cell is (or would be)."""

    image: Index
    down: Index
    across: Index
    first: ir.Value


@record
class Winograd:
    """The code of one convolution; the pointers are its parts of scratch."""

    code: Code
    plan: WinogradPlan
    sizes: Sizes
    epilogue: Epilogue
    a: ir.Value
    b: ir.Value
    filters: ir.Value
    images: ir.Value
    sums: ir.Value
    results: ir.Value
    patch: ir.Value
    marks: ir.Value

    def task(self, index: Index) -> None:
        code, plan = self.code, self.plan
        chunk, panel = code.divmod(index, plan.panels)
        first = code.opaque(code.mul(chunk, plan.chunk))
        last = code.least(code.add(first, plan.chunk), self.sizes(plan.tiles))
        column = code.opaque(code.mul(panel, plan.columns))
        self._transform_filters(column)
        code.loop(first, last, plan.block, lambda start: self._block(start, last, column))

    def _block(self, start: Index, last: Index, column: Index) -> None:
        code = self.code
        start = code.opaque(start)
        count = code.opaque(code.least(self.plan.block, code.sub(last, start)))
        code.loop(0, count, 1, lambda i: self._transform_image(code.opaque(i), self._place(code.add(start, i))))
        self._products(count)
        code.loop(0, count, 1, lambda i: self._finish(code.opaque(i), self._place(code.add(start, i)), column))

    def _place(self, tile: Index) -> Place:
        code, plan = self.code, self.plan
        image, rest = code.divmod(tile, plan.height.tiles * plan.width.tiles)
        down, across = code.divmod(rest, plan.width.tiles)
        offset = code.mul(image, self.sizes(plan.spec.rows[0].a))
        for position, side in ((down, plan.height), (across, plan.width)):
            offset = code.add(offset, code.mul(position, 2 * side.step))
        return Place(code.opaque(image), code.opaque(down), code.opaque(across), code.at(self.a, code.opaque(offset)))

    # -- filters -------------------------------------------------------------------------------------

    def _transform_filters(self, column: Index) -> None:
        code, plan = self.code, self.plan
        step, column_step = (self.sizes(x) for x in (plan.spec.inner[2].b, plan.spec.cols[0].b))
        b = code.at(self.b, code.mul(column, column_step))
        side = 1 if column_step == 1 else min(4, plan.lanes)

        def some(c: Index) -> None:
            def vector(v: Index) -> None:
                source = code.at(b, code.add(code.mul(c, step), code.mul(v, column_step)))
                if side == 1:
                    self._transform_filter(c, v, source, (plan.height.tap, plan.width.tap))
                    return
                self._turn(source, column_step, side)
                each = 9 * plan.lanes
                code.loop(0, side, 1, lambda k: one(code.add(c, k), v, code.at(self.sums, code.mul(k, each))))

            def one(c: Index, v: Index, turned: ir.Value) -> None:
                self._transform_filter(c, v, code.opaque_pointer(turned), (3 * plan.lanes, plan.lanes))

            code.loop(0, plan.columns, plan.lanes, lambda v: vector(code.opaque(v)))

        code.loop(0, plan.channels, side, lambda c: some(code.opaque(c)))

    def _turn(self, source: ir.Value, column_step: Index, side: int) -> None:
        """The windows of ``side`` channels in vectors along the columns, in what holds sums later."""
        code, plan = self.code, self.plan

        def tap(i: Index, j: Index) -> None:
            offset = code.add(code.mul(i, plan.height.tap), code.mul(j, plan.width.tap))
            first = code.opaque_pointer(code.at(source, offset))
            to = code.opaque_pointer(code.at(self.sums, code.mul(code.add(code.mul(i, 3), j), plan.lanes)))
            code.walk(0, plan.lanes // side, [(first, code.mul(side, column_step)), (to, side)], square)

        def square(first: ir.Value, to: ir.Value) -> None:
            places = [code.at(first, code.mul(lane, column_step)) for lane in range(side)]
            for k, turned in enumerate(transposed_rows(code, places, side)):
                code.store(turned, code.at(to, 9 * k * plan.lanes))

        code.loop(0, 3, 1, lambda i: code.loop(0, 3, 1, lambda j: tap(code.opaque(i), code.opaque(j))))

    def _transform_filter(self, c: Index, v: Index, source: ir.Value, steps: tuple[int, int]) -> None:
        """A vector of filters at channel ``c`` and column ``v``, whose window has ``steps`` from tap to tap."""
        code, plan = self.code, self.plan
        down, across = steps
        taps = [code.load(code.at(source, i * down + j * across), plan.lanes) for i, j in WINDOW]
        place = code.at(self.filters, code.add(code.mul(c, plan.columns), v))
        for cell, value in enumerate(_both(code, _of_filter, taps, 3)):
            code.store(value, code.at(place, cell * plan.filter_part))

    # -- images --------------------------------------------------------------------------------------

    def _transform_image(self, number: Index, place: Place) -> None:
        code, plan = self.code, self.plan
        conditions = [*self._within(plan.height, place.down, 4), *self._within(plan.width, place.across, 4)]
        whole = code.builder.and_(code.builder.and_(*conditions[:2]), code.builder.and_(*conditions[2:]))
        with code.builder.if_then(code.builder.not_(whole), likely=False):
            self._fill_patch(place)
        choose = code.builder.select
        first = choose(whole, place.first, self.patch)
        down = choose(whole, code.value(plan.height.step), code.value(4 * plan.channels))
        across = choose(whole, code.value(plan.width.step), code.value(plan.channels))
        rows = [code.opaque_pointer(code.at(first, code.mul(i, down))) for i in range(4)]
        steps = [code.mul(j, across) for j in range(4)]
        to = code.opaque_pointer(code.at(self.images, code.mul(number, plan.channels)))

        def vector(c: Index, *squares: ir.Value) -> Vectors:
            c = code.opaque(c)
            places = [code.at(code.at(row, c), step) for row in rows for step in steps]
            cells = [code.load(place, plan.lanes) for place in places]
            there = code.at(to, c)
            for cell, value in enumerate(_both(code, _of_images, cells, 4)):
                code.store(value, code.at(there, cell * plan.image_part))
            return _squares(code, cells, squares)

        squares = code.loop(0, plan.channels, plan.lanes, vector, [code.zero(plan.lanes)] * 4)
        code.store(self._mark_of(squares), code.at(self.marks, number))

    def _mark_of(self, squares: Vectors) -> ir.Value:
        """NaN where cells that only some windows of the tile see are far larger than those that all see, else 0."""
        code = self.code
        inside, *around = squares
        outside = code.plus(code.plus(*around[:2]), around[2])
        most = code.splat(ir.Constant(code.element, -MOST_BESIDE), self.plan.lanes)
        beyond, lanes = code.multiply_add(inside, most, outside), self.plan.lanes
        while lanes > 1:
            lanes //= 2
            beyond = code.plus(*(code.shuffle(beyond, beyond, range(n, n + lanes)) for n in (0, lanes)))
        beyond = code.builder.extract_element(beyond, ir.Constant(ir.IntType(32), 0))
        far = code.builder.fcmp_unordered(">", beyond, ir.Constant(code.element, 0))
        return code.builder.select(far, ir.Constant(code.element, float("nan")), ir.Constant(code.element, 0))

    def _within(self, side: Side, tile: Index, length: int) -> list[ir.Value]:
        """Conditions for ``length`` cells from the first of the tile on to exist."""
        code = self.code
        first = code.value(code.add(code.mul(tile, 2), side.start))
        last = code.builder.icmp_signed("<=", first, code.value(side.size - length))
        return [code.builder.icmp_signed(">=", first, code.value(0)), last]

    def _fill_patch(self, place: Place) -> None:
        """A tile with zeros for the cells that do not exist."""
        code, plan = self.code, self.plan

        def cell(i: Index, j: Index) -> None:
            to = code.opaque_pointer(code.at(self.patch, code.mul(code.add(code.mul(i, 4), j), plan.channels)))
            offset = code.add(code.mul(i, plan.height.step), code.mul(j, plan.width.step))
            source = code.at(place.first, code.opaque(offset))

            exists, zero = self._exists(place, i, j), code.zero(plan.lanes)
            readable = code.opaque_pointer(code.builder.select(exists, source, to))

            def copy(c: Index) -> None:
                c = code.opaque(c)
                value = code.load(code.at(readable, c), plan.lanes)
                code.store(code.builder.select(exists, value, zero), code.at(to, c))

            code.loop(0, plan.channels, plan.lanes, copy)

        code.loop(0, 4, 1, lambda i: code.loop(0, 4, 1, lambda j: cell(i, j)))

    def _exists(self, place: Place, i: Index, j: Index) -> ir.Value:
        code, plan = self.code, self.plan
        down, across = code.add(code.mul(place.down, 2), i), code.add(code.mul(place.across, 2), j)
        conditions = []
        for side, at in ((plan.height, down), (plan.width, across)):
            here = code.value(code.add(at, side.start))
            conditions.append(code.builder.icmp_unsigned("<", here, code.value(side.size)))  # negative: very large
        return code.builder.and_(*conditions)

    # -- products ------------------------------------------------------------------------------------

    def _products(self, count: Index) -> None:
        code, plan = self.code, self.plan
        tile = Tile(plan.mr, plan.nv, plan.lanes)
        steps = [Step(plan.channels, 1, plan.columns)]

        def cell(x: Index) -> None:
            images = code.at(self.images, code.mul(x, plan.image_part))
            filters = code.at(self.filters, code.mul(x, plan.filter_part))
            sums = code.at(self.sums, code.mul(x, plan.sum_part))

            def rows(r: Index) -> None:
                a = code.opaque_pointer(code.at(images, code.mul(r, plan.channels)))

                def columns(c: Index) -> None:
                    b = code.opaque_pointer(code.at(filters, c))
                    to = code.opaque_pointer(code.at(sums, code.add(code.mul(r, plan.columns), c)))
                    made = accumulate(code, tile, steps, a, plan.channels, b, 1, None, together=2)
                    for row in range(plan.mr):
                        some = made[row * plan.nv : (row + 1) * plan.nv]
                        store_tile(code, Tile(1, plan.nv, plan.lanes), some, code.at(to, row * plan.columns))

                code.loop(0, plan.columns, tile.columns, columns)

            code.loop(0, count, plan.mr, rows)

        code.loop(0, CELLS, 1, cell)

    # -- results -------------------------------------------------------------------------------------

    def _finish(self, number: Index, place: Place, column: Index) -> None:
        code, plan = self.code, self.plan
        sums = code.opaque_pointer(code.at(self.sums, code.mul(number, plan.columns)))
        quarter = code.splat(ir.Constant(code.element, 0.25), plan.lanes)

        def vector(c: Index, seen: ir.Value) -> Vectors:
            c = code.opaque(c)
            here, there = code.at(sums, c), code.at(self.results, c)
            cells = [code.load(code.at(here, cell * plan.sum_part), plan.lanes) for cell in range(CELLS)]
            for n, value in enumerate(_both(code, _of_results, cells, 4)):
                result = code.builder.fmul(value, quarter)
                code.store(result, code.at(there, n * plan.columns))
                seen = code.multiply_add(result, code.zero(plan.lanes), seen)  # NaN where one is not finite
            return [seen]

        mark = code.splat(code.load(code.at(self.marks, number)), plan.lanes)
        (seen,) = code.loop(0, plan.columns, plan.lanes, vector, [mark])
        strange = code.builder.fcmp_unordered("uno", seen, seen)
        if plan.lanes > 1:
            reduce = f"llvm.vector.reduce.or.v{plan.lanes}i1"
            strange = code.builder.call(code.intrinsic(reduce, ir.IntType(1), [strange.type]), [strange])

        def one(i: Index, j: Index, to: ir.Value) -> None:
            with code.builder.if_then(strange, likely=False):
                self._sum_of_products(place, i, j, to, column)
            self._hand_over(place, i, j, to, column)

        self._each(place, one)

    def _each(self, place: Place, body: Callable[[Index, Index, ir.Value], None]) -> None:
        """``body`` for every result of the tile that exists, with its place in scratch."""
        code, plan = self.code, self.plan
        downs = code.least(2, code.sub(plan.height.results, code.mul(place.down, 2)))
        acrosses = code.least(2, code.sub(plan.width.results, code.mul(place.across, 2)))

        def one(i: Index, j: Index) -> None:
            n = code.opaque(code.add(code.mul(i, 2), j))
            body(i, j, code.opaque_pointer(code.at(self.results, code.mul(n, plan.columns))))

        code.loop(0, downs, 1, lambda i: code.loop(0, acrosses, 1, lambda j: one(i, j)))

    def _hand_over(self, place: Place, i: Index, j: Index, results: ir.Value, column: Index) -> None:
        code, plan = self.code, self.plan
        down, across = (code.opaque(code.add(code.mul(at, 2), x)) for at, x in ((place.down, i), (place.across, j)))

        def vector(c: Index) -> None:
            where = (place.image, down, across, code.add(column, c))
            value = code.load(code.at(results, c), plan.lanes)
            self.epilogue(code.builder, tuple(code.value(x) for x in where), value, None)

        code.loop(0, plan.columns, plan.lanes, vector)

    def _sum_of_products(self, place: Place, i: Index, j: Index, to: ir.Value, column: Index) -> None:
        """One result as it is defined; rare, so that filters which lie apart are taken one by one."""
        code, plan = self.code, self.plan
        step, column_step = (self.sizes(x) for x in (plan.spec.inner[2].b, plan.spec.cols[0].b))
        lanes = plan.lanes if column_step == 1 else 1

        def vector(c: Index) -> None:
            c = code.opaque(c)
            filters = code.at(self.b, code.mul(code.add(column, c), column_step))

            def tap(v: Index, w: Index, total: ir.Value) -> Vectors:
                down, across = code.add(i, v), code.add(j, w)
                offset = code.add(code.mul(down, plan.height.step), code.mul(across, plan.width.step))
                source = code.opaque_pointer(code.at(place.first, offset))
                beside = code.add(code.mul(v, plan.height.tap), code.mul(w, plan.width.tap))
                taps = code.opaque_pointer(code.at(filters, beside))

                def channel(x: ir.Value, filters: ir.Value, total: ir.Value) -> Vectors:
                    return [code.multiply_add(code.splat(code.load(x), lanes), code.load(filters, lanes), total)]

                exists = self._exists(place, down, across)
                end = code.builder.select(exists, code.value(plan.channels), code.value(0))
                return code.walk(0, end, [(source, 1), (taps, step)], channel, [total])

            def row(v: Index, total: ir.Value) -> Vectors:
                v = code.opaque(v)
                return code.loop(0, 3, 1, lambda w, total: tap(v, code.opaque(w), total), [total])

            (total,) = code.loop(0, 3, 1, row, [code.zero(lanes)])
            code.store(total, code.at(to, c))

        code.loop(0, plan.columns, lanes, vector)


def _squares(code: Code, cells: Sequence[ir.Value], sums: Sequence[ir.Value]) -> Vectors:
    """Sums of squares: of the cells that all four windows of a tile see, and, in three sums, of those around them."""
    result = list(sums)
    around = 0
    for number, cell in enumerate(cells):
        inside = number in INSIDE
        place = 0 if inside else 1 + around % 3
        around += not inside
        result[place] = code.multiply_add(cell, cell, result[place])
    return result


WINDOW = [(i, j) for i in range(3) for j in range(3)]


def emit_winograd(
    code: Code, plan: WinogradPlan, sizes: Sizes, a: ir.Value, b: ir.Value, epilogue: Epilogue, begin: Index,
    end: Index, scratch: ir.Value,
) -> None:  # fmt: skip
    """Code for the tasks ``begin`` to ``end`` of a convolution."""
    places, offset = [], 0
    for part in plan.scratch_parts:
        places.append(code.at(scratch, offset))
        offset += part
    a, b = code.at(a, sizes(plan.a_offset)), code.at(b, sizes(plan.b_offset))
    convolution = Winograd(code, plan, sizes, epilogue, a, b, *places)
    code.loop(begin, end, 1, convolution.task)


# The three transformations: the same along both axes of a tile.


def _both(
    code: Code, along: Callable[[Code, Sequence[ir.Value]], Vectors], cells: Sequence[ir.Value], n: int
) -> Vectors:
    """``along`` the columns of an array of ``n`` x ``n`` cells, then along the rows of what came out."""
    columns = [along(code, cells[j::n]) for j in range(n)]
    return [value for row in zip(*columns, strict=True) for value in along(code, row)]


def _of_filter(code: Code, w: Sequence[ir.Value]) -> Vectors:
    """``2 G w``."""
    add, sub = code.builder.fadd, code.builder.fsub
    outer = add(w[0], w[2])
    return [add(w[0], w[0]), add(outer, w[1]), sub(outer, w[1]), add(w[2], w[2])]


def _of_images(code: Code, d: Sequence[ir.Value]) -> Vectors:
    """``B^T d``."""
    add, sub = code.builder.fadd, code.builder.fsub
    return [sub(d[0], d[2]), add(d[1], d[2]), sub(d[2], d[1]), sub(d[1], d[3])]


def _of_results(code: Code, m: Sequence[ir.Value]) -> Vectors:
    """``A^T m``."""
    add, sub = code.builder.fadd, code.builder.fsub
    return [add(add(m[0], m[1]), m[2]), sub(sub(m[1], m[2]), m[3])]
