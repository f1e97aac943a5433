"""Quotients of many numbers by the same one: by its reciprocal, found once, and rounded as a division rounds.

A processor has one divider, which a vector of 64 bytes keeps busy for ten cycles (16 in double precision). Where a loop
has little else to do, and with the reciprocal ``r`` of a divisor ``b`` known, ::

    q = a * r;  rest = q * b - a;  quotient = q - rest * r

takes three, and is the quotient correctly rounded while nothing underflows (P. Markstein, "Computation of elementary
functions on the IBM RISC System/6000 processor", 1990). Before, ``b`` is scaled into [1/2, 1) by a power of two, and
``a`` by the same, so that nothing overflows but what would anyway. Quotients are those of the divider down to some
10**-31 (10**-291), below which they are at most two units in the last place off; of infinities, and by zero, ``q`` is
the answer already.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen import ir
from graphc.codegen.approx.lanes import Lanes
from graphc.codegen.emit_state import FLOATS, Value, Writer
from graphc.codegen.loops import ITEM_BYTES

WIDE = 64  # Bytes of a vector; halves of it leave the divider after half the time.
# Bits of the mantissa and of the exponent, and the exponent of 1.
_LAYOUT = {"f32": (23, 8, 127), "f64": (52, 11, 1023)}


def repeat(writer: Writer, dtype: str, dividend: Value, divisor: Value) -> bool:
    """Whether the divider is what a loop waits for, while it divides whole vectors by what stays the same."""
    target = writer.target
    if dtype not in FLOATS or not target.fma or target.vector_bytes < WIDE:
        return False
    lanes, whole = max(dividend.lanes, divisor.lanes), target.vector_bytes // ITEM_BYTES[dtype]
    stays = divisor.depth < dividend.depth or (divisor.lanes == 1 and lanes >= 2 * whole)
    return stays and lanes >= whole and writer.lanes is not None and writer.lanes.divides


def divided(writer: Writer, dtype: str, dividend: Value, divisor: Value) -> Value:
    """``dividend / divisor``."""

    def once(name: str, *values: Value) -> Value:
        depth, lanes, parts = writer.together(*values)

        def write(builder: ir.IRBuilder) -> ir.Value:
            return _STEPS[name](dtype, *(Lanes(builder, part, True) for part in parts)).value

        return writer.numbered((name, dtype, *map(id, parts)), depth, lanes, write)

    power = once("power", divisor)
    scaled = once("scaled", divisor, power)
    return once("quotient", dividend, power, scaled, once("reciprocal", scaled))


def _power(dtype: str, divisor: Lanes) -> Lanes:
    """The power of two, of the divisor's sign, that scales it into [1/2, 1), or as near as a power goes."""
    mantissa, exponent, one = _LAYOUT[dtype]
    bits, sign = divisor.bits(), -(1 << mantissa + exponent)
    field = bits & ((1 << exponent) - 1 << mantissa)
    most = 2 * one - 2 << mantissa
    field = field.below(1 << mantissa).choose(1 << mantissa, field)
    field = field.below(most).choose(field, most)
    return ((2 * one - 1 << mantissa) - field | bits & sign).as_float()


def _quotient(dtype: str, dividend: Lanes, power: Lanes, divisor: Lanes, reciprocal: Lanes) -> Lanes:
    dividend = dividend * power
    near = dividend * reciprocal
    rest = near.times_plus(divisor, -dividend)
    exact = (-rest).times_plus(reciprocal, near)
    return exact.is_nan().choose(near, exact)


_STEPS: dict[str, Callable[..., Lanes]] = {
    "power": _power,
    "scaled": lambda dtype, divisor, power: divisor * power,
    "reciprocal": lambda dtype, divisor: 1.0 / divisor,
    "quotient": _quotient,
}
