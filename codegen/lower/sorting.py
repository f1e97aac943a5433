"""Sorting by counting: a row's positions in order, digit after digit from the lowest, equal digits as they came.

    for each digit of the keys:
        for i: count[digit(key[p[i]])] += 1
        for d: count[d] = count[0] + ... + count[d - 1]
        for i: q[count[digit(key[p[i]])]++] = p[i]
        p = q

(Knuth, The Art of Computer Programming, volume 3, section 5.2.5.) All extents are known before a loop runs,
and the time does not depend on the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import (
    ITEM_BYTES,
    Accumulate,
    Apply,
    Buffer,
    Declare,
    Expression,
    For,
    IndexValue,
    Let,
    Literal,
    Load,
    LoadedIndex,
    Local,
    Statement,
    Store,
)
from graphc.codegen.lower.values import Index, Root, literal, loops, offset
from graphc.dims import DimLike, Symbol, atom, symbol
from graphc.nodes import Op, Operation
from graphc.ops.sorting import Argsort

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest

DIGIT_BITS = 8  # 256 counts stay in the nearest cache


def _argsort(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    kind: Argsort = node.kind  # type: ignore[assignment]
    x, out = node.inputs[0], nest.outputs[node.outputs[0]]
    sizes = x.type.sizes
    length = sizes[-1]
    count = Buffer(f"count{nest.number}", "i32", 1 << DIGIT_BITS, "scratch")
    waiting = [Buffer(f"order{nest.number}_{n}", "i32", length, "scratch") for n in range(2)]
    nest.scratch += [count, *waiting]
    passes = 8 * ITEM_BYTES[x.dtype.short] // DIGIT_BITS

    def row(around: Index) -> tuple[Statement, ...]:
        statements: tuple[Statement, ...] = ()
        for number in range(passes):
            last = number == passes - 1

            def source(i: DimLike, number: int = number) -> Expression:
                return IndexValue(i, "i32") if number == 0 else Load(waiting[number % 2], i)

            def digit(i: DimLike, number: int = number) -> Expression:
                value = nest.values.at(x, (*around, i if number == 0 else atom(LoadedIndex(source(i)))))
                return _digit(_key(value, kind.descending), number)

            def write(place: DimLike, value: Expression, last: bool = last, number: int = number) -> Store:
                if last:
                    return Store(out, offset((*around, place), sizes), value)
                return Store(waiting[(number + 1) % 2], place, value)

            statements += _one_pass(nest, number, length, count, digit, source, write)
        return statements

    return loops("i", sizes[:-1], row)


def _one_pass(
    nest: Nest, number: int, length: DimLike, count: Buffer, digit: object, source: object, write: object
) -> tuple[Statement, ...]:
    """The positions put in the order of one digit."""
    zeroed, counted, summed, placed = (Symbol(f"{name}{number}", extent) for name, extent in (
        ("z", count.size), ("c", length), ("s", count.size), ("p", length)
    ))  # fmt: skip
    at = {v: symbol(v.name, v.extent) for v in (zeroed, counted, summed, placed)}
    one, total, place = literal(1, "i32"), f"before{number}", f"place{number}"
    nest.values.forget()  # what was read in another pass is another value by now
    histogram = Store(count, atom(LoadedIndex(digit(at[counted]))), one, combine="add")  # type: ignore[operator]
    nest.values.forget()
    bucket = atom(LoadedIndex(digit(at[placed])))  # type: ignore[operator]
    found = atom(LoadedIndex(Local(place, "i32")))
    return (
        For(zeroed, (Store(count, at[zeroed], literal(0, "i32")),)),
        For(counted, nest.with_checks(histogram)),
        Declare(total, "i32", literal(0, "i32")),
        For(summed, (
            Store(count, at[summed], Local(total, "i32")),
            Accumulate(total, "add", Load(count, at[summed])),
        )),
        For(placed, (
            Let(place, Load(count, bucket)),
            write(found, source(at[placed])),  # type: ignore[operator]
            Store(count, bucket, one, combine="add"),
        )),
    )  # fmt: skip


def _key(value: Expression, descending: bool) -> Expression:
    """An unsigned number that stands in the order of the values; the greatest one for NaN."""
    bits = 8 * ITEM_BYTES[value.dtype]
    unsigned = f"u{bits}"
    sign = Literal(1 << (bits - 1), unsigned)
    if value.dtype[0] in "iu":
        key: Expression = Apply("cast", (value,), unsigned) if value.dtype != unsigned else value
        key = Apply("bit_xor", (key, sign), unsigned) if value.dtype[0] == "i" else key
        return Apply("bit_not", (key,), unsigned) if descending else key
    zero = literal(0, value.dtype)
    whole = Apply("select", (Apply("eq", (value, zero), "bool"), zero, value), value.dtype)
    same = Apply("bits", (whole,), unsigned)
    negative = Apply("lt", (whole, zero), "bool")
    turned = Apply("bit_not", (same,), unsigned)
    key = Apply("select", (negative, turned, Apply("bit_xor", (same, sign), unsigned)), unsigned)
    if descending:
        key = Apply("bit_not", (key,), unsigned)
    last = Literal((1 << bits) - 1, unsigned)
    return Apply("select", (Apply("is_nan", (value,), "bool"), last, key), unsigned)


def _digit(key: Expression, number: int) -> Expression:
    """Digit ``number`` of a key, counted from the lowest, as a position."""
    shifted = Apply("shift_right", (key, Literal(number * DIGIT_BITS, key.dtype)), key.dtype) if number else key
    return Apply("cast", (Apply("bit_and", (shifted, Literal((1 << DIGIT_BITS) - 1, key.dtype)), key.dtype),), "i32")


ROOTS: dict[type[Op], Root] = {Argsort: _argsort}
