"""erfc, computed in double; float32 is rounded once.

``erfc(x) = 1 - erf(x)`` below 1/2, and ``exp(-x^2) p(t) / (1 + 2 x)`` with ``t = (x - 15/4) / (x + 15/4)`` beyond
(Shepherd and Laframboise, 1981); what rounding x^2 has lost is given back.

Origin of the coefficients: interpolated here at Chebyshev's points in 50 digits, to a relative error of 2^-61.
"""

from __future__ import annotations

from graphc.codegen import ir
from graphc.codegen.approx.error_function import erf
from graphc.codegen.approx.exponential import exp_lanes
from graphc.codegen.approx.functions import in_own_function, through_double
from graphc.codegen.approx.lanes import Lanes

NEAR = 0.5  # up to here, 1 - erf(x) loses no bits
CENTRE = 3.75  # of (x - 3.75) / (x + 3.75), which brings all x from NEAR on into (-1, 1)
ZERO = 27.3  # erfc is smaller than half of the smallest number from here on

ERFC = (
    1.2375126308378275,
    -0.14024059858554702,
    0.0035854154854636504,
    0.08227673849015037,
    -0.10880393014170561,
    0.09230432116022924,
    -0.05869339859056923,
    0.028362277420848837,
    -0.009746579547790133,
    0.0017556258403809597,
    0.0002937136009067652,
    -0.000290154037184876,
    5.164934597469352e-05,
    2.2384182214600133e-05,
    -1.144470965055529e-05,
    -9.736767368224628e-07,
    1.7523009500254567e-06,
    -5.6605914087466955e-08,
    -2.587155069397343e-07,
    2.218728342668878e-08,
    3.7751569625239366e-08,
    -2.833030836086154e-09,
    -4.0777558750771285e-09,
)


@in_own_function
def erfc(builder: ir.IRBuilder, x: ir.Value, fma: bool = False) -> ir.Value:
    """``1 - erf(x)``, exact to the last digits also where it is small."""
    return through_double(_erfc, Lanes(builder, x, fma)).value


def _erfc(x: Lanes) -> Lanes:
    near = 1.0 - x.new(erf(x.builder, x.value, fma=x.fma))
    far = x.at_least(NEAR).at_most(ZERO)
    square = far * far
    lost = far.lost_in_product(far, square)
    power = exp_lanes(-square, above_zero=False)
    t = (far - CENTRE) / (far + CENTRE)
    scaled = power * ((1.0 - lost) * t.polynomial(ERFC) / (2.0 * far + 1.0))
    return (x < NEAR).choose(near, scaled)
