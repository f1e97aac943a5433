"""tanh (at most 1.4 ulp off) and sigmoid (1.8), over the whole range.

Both are quotients of ``1 + exp(y)``. With ``exp(y) = 2^n (1 + t)`` the sum is taken as ``(1 + 2^n) + 2^n t``: that
leaves out the rounding of exp itself. One rational function of x for tanh would be a third faster, but
any such quotient is 5 ulp off just below 1.
"""

from __future__ import annotations

from graphc.codegen import ir
from graphc.codegen.approx.exponential import CONSTANTS, split_exp
from graphc.codegen.approx.functions import in_place_at_first
from graphc.codegen.approx.lanes import Lanes, constant

# tanh(x) = x + x^3 q(x^2) for |x| < 0.55, to a relative error of 2^-24.7 (float32) and 2^-60.6 (float64);
# fitted here by the Remez exchange in 50 digits.
TANH_SMALL = 0.55
TANH_Q = {
    "float": (-0.3333294689655304, 0.1332072913646698, -0.05267200991511345, 0.016437876969575882),
    "double": (
        -0.333333333333333,
        0.13333333333326622,
        -0.05396825396376084,
        0.021869488385859462,
        -0.008863232601475519,
        0.003592092030647798,
        -0.0014555428466588392,
        0.0005884444889915126,
        -0.00023338157132181517,
        8.331645571380991e-05,
        -1.9494692830698564e-05,
    ),
}
# sigmoid(x) and tanh(x / 2 - 1 / 2) have become 1 here.
SATURATED = {"float": 17.5, "double": 37.5}
# sigmoid of anything below is smaller than half of the smallest number.
SIGMOID_LOWEST = {"float": -104.0, "double": -746.0}


@in_place_at_first
def tanh(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """Hyperbolic tangent: an odd polynomial near zero, elsewhere ``1 - 2 / (exp(2 |x|) + 1)`` with the sign of x."""
    value = Lanes(builder, x, fma)
    size = value.abs()
    near_zero = tanh_polynomial(size)
    elsewhere = 1.0 - 2.0 / one_plus_exp((size + size).at_most(1.0 + SATURATED[str(value.element)]))
    return (size < TANH_SMALL).choose(near_zero, elsewhere).with_sign_of(value).value


@in_place_at_first
def sigmoid(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``1 / (1 + exp(-x))``; results below the smallest normal number are rounded, not flushed.

    There ``exp(-x)`` overflows, so numerator and denominator are both scaled by 2^-64 where n is large.
    """
    value = Lanes(builder, x, fma)
    table = CONSTANTS[str(value.element)]
    bounded = (-value).at_least(-SATURATED[str(value.element)]).at_most(-SIGMOID_LOWEST[str(value.element)])
    t, exponent_bits = split_exp(bounded)
    is_large = exponent_bits > table.zero_power + 64
    one = is_large.choose(value.like(2.0**-64), 1.0)
    exponent = exponent_bits - exponent_bits.new(
        builder.select(
            is_large.value,
            constant(exponent_bits.type, table.bias + 64),
            constant(exponent_bits.type, table.bias),
        )
    )
    power = (exponent << table.mantissa_bits).as_float()
    total = power + one
    lost = one - (total - power)  # what rounding the sum has cut off; it would be felt near n = 24 and n = 53
    return (one / (total + t.times_plus(power, lost))).value


def tanh_polynomial(x: Lanes) -> Lanes:
    """tanh(x) for ``|x| < 0.55``."""
    z = x * x
    return (x * z).times_plus(z.polynomial(TANH_Q[str(x.element)]), x)


def one_plus_exp(x: Lanes) -> Lanes:
    """``1 + exp(x)`` for ``0 <= x < 88``."""
    table = CONSTANTS[str(x.element)]
    t, exponent_bits = split_exp(x)
    power = ((exponent_bits - table.bias) << table.mantissa_bits).as_float()
    return t.times_plus(power, power + 1.0)
