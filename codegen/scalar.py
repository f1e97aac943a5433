"""The scalar operations of loop IR: one row each, with its NumPy meaning and the instructions that compute it.

A row has up to four rules, by family of dtype: floats, signed and unsigned integers, bool. A rule takes and gives
:class:`Lanes`, so it holds for single values and for vectors. Nothing a value may be traps or is undefined: whole
numbers wrap, a division by a whole zero gives zero (a check beside the operation reports it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from graphc.codegen import approx, ir
from graphc.codegen.approx.lanes import Lanes, lane_count
from graphc.ops import meaning, meaning_draws, meaning_special
from graphc.records import record

Rule = Callable[..., Lanes]


class HasFma(Protocol):
    """What the rows ask of a target: whether it has fused multiply-add."""

    @property
    def fma(self) -> bool: ...


@record
class ScalarOp:
    """One operation: its name, what it means for NumPy arrays of one dtype, and its rules."""

    name: str
    numpy: Callable[..., Any]
    floats: Rule | None = None
    signed: Rule | None = None
    unsigned: Rule | None = None
    bools: Rule | None = None

    def rule(self, dtype: str) -> Rule | None:
        """The rule for operands of a dtype; None where the operation does not take it."""
        return {"f": self.floats, "i": self.signed, "u": self.unsigned, "b": self.bools}[dtype[0]]

    def emit(
        self, builder: ir.IRBuilder, operands: Sequence[ir.Value], source: str, dtype: str, target: HasFma
    ) -> ir.Value:
        """The result for operands of dtype ``source`` (the first one's); ``dtype`` is the result's."""
        lanes = [Lanes(builder, operand, target.fma) for operand in operands]
        if self.name == "cast":
            from graphc.codegen.scalar_cast import cast  # late: few steps convert

            return cast(lanes[0], source, dtype).value
        if self.name == "bitcast":
            bits = lanes[0].bits() if source[0] == "f" else lanes[0]
            return (bits.as_float() if dtype[0] == "f" else bits).value
        rule = self.rule(source)
        assert rule is not None, f"{self.name} does not take {source}"
        return rule(*lanes).value


# Ways to write a row.


def _numbers(rule: Rule) -> dict[str, Rule]:
    """The same rule for all numbers."""
    return {"floats": rule, "signed": rule, "unsigned": rule}


def _integers(rule: Rule) -> dict[str, Rule]:
    """The same rule for signed and unsigned integers."""
    return {"signed": rule, "unsigned": rule}


def _compared(sign: str) -> dict[str, Rule]:
    """A comparison; NaN differs from everything."""

    def floats(a: Lanes, b: Lanes) -> Lanes:
        emit = a.builder.fcmp_unordered if sign == "!=" else a.builder.fcmp_ordered
        return a.new(emit(sign, a.value, b.value))

    def signed(a: Lanes, b: Lanes) -> Lanes:
        return a.new(a.builder.icmp_signed(sign, a.value, b.value))

    def unsigned(a: Lanes, b: Lanes) -> Lanes:
        return a.new(a.builder.icmp_unsigned(sign, a.value, b.value))

    return {"floats": floats, "signed": signed, "unsigned": unsigned, "bools": unsigned}


def _approximated(name: str) -> Rule:
    """A function of ``graphc.codegen.approx``, which loads it when it is asked for."""

    def rule(*operands: Lanes) -> Lanes:
        return _written(getattr(approx, name), operands)

    return rule


def _quotients(signed: str, unsigned: str) -> list[Rule]:
    """Functions of ``scalar_division`` for floats, signed and unsigned numbers, which load when they are asked for."""

    def late(name: str) -> Rule:
        def rule(*operands: Lanes) -> Lanes:
            from graphc.codegen import scalar_division  # late: few steps divide so

            quotient: Lanes = getattr(scalar_division, name)(*operands)
            return quotient

        return rule

    return [late(name) for name in (f"{signed}_floats", signed, unsigned)]


def _function(name: str, meaning: Callable[..., Any]) -> ScalarOp:
    """The row of a function of floats that ``graphc.codegen.approx`` has under the same name."""
    return ScalarOp(name, meaning, floats=_approximated(name))


def _drawn(name: str) -> Rule:
    """A function of ``graphc.codegen.draws``."""

    def rule(*operands: Lanes) -> Lanes:
        from graphc.codegen import draws  # late: few programs draw from these distributions

        return _written(getattr(draws, name), operands)

    return rule


def _written(function: Callable[..., ir.Value], operands: Sequence[Lanes]) -> Lanes:
    first = operands[0]
    return first.new(function(first.builder, *(operand.value for operand in operands), fma=first.fma))


def _in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's meaning, computed in float64 and rounded once."""
    return lambda *x: np.asarray(function(*(np.asarray(v, np.float64) for v in x))).astype(np.asarray(x[0]).dtype)


# Rules of more than one line.


def _extreme(sign: str) -> Rule:
    """The greater or smaller value; the first NaN of two. With a constant on one side it is one instruction on x86."""

    def rule(a: Lanes, b: Lanes) -> Lanes:
        if isinstance(a.value, ir.Constant) and not isinstance(b.value, ir.Constant):
            a, b = b, a
        if isinstance(b.value, ir.Constant):
            return b.compare(sign, a).choose(b, a)
        return a.is_nan().choose(a, a.compare(sign, b).choose(a, b))

    return rule


def _extreme_unsigned(sign: str) -> Rule:
    return lambda a, b: a.new(a.builder.icmp_unsigned(sign, a.value, b.value)).choose(a, b)


def _sign(x: Lanes) -> Lanes:
    below = (x < 0).choose(x.like(-1), x if x.is_float else 0)
    signed = (x > 0).choose(x.like(1), below)
    return x.equals(0).choose(x.like(0), signed) if x.is_float else signed


def _shift(emit: Callable[[Lanes, Lanes], Lanes]) -> Rule:
    """A shift; zero where the count is as large as the type, of which LLVM says nothing."""
    return lambda a, b: b.below(a.bits_per_lane).choose(emit(a, b), 0)


def _shift_right_signed(a: Lanes, b: Lanes) -> Lanes:
    most = a.bits_per_lane - 1
    return a >> b.below(most).choose(b, most)


def _not(x: Lanes) -> Lanes:
    return x ^ 1


def _select(condition: Lanes, yes: Lanes, no: Lanes) -> Lanes:
    if lane_count(yes.type) is not None and lane_count(condition.type) is None:
        raise TypeError(f"select of {yes.type} needs a condition for each lane")
    return condition.choose(yes, no)


# Meanings of bits, which no op of a graph has; the others are those of the ops.


def _np_shift(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's shift; a negative count is as good as a large one."""
    return lambda a, b: function(a, np.where((b < 0) | (b > 64), 64, b).astype(np.asarray(a).dtype))


# fmt: off
_ROWS = (
    # Sums and products.
    ScalarOp("add", np.add, **_numbers(lambda a, b: a + b)),
    ScalarOp("sub", np.subtract, **_numbers(lambda a, b: a - b)),
    ScalarOp("mul", np.multiply, **_numbers(lambda a, b: a * b)),
    ScalarOp("fma", lambda a, b, c: a * b + c,
             floats=lambda a, b, c: a.times_plus(b, c), **_integers(lambda a, b, c: a * b + c)),
    ScalarOp("neg", np.negative, **_numbers(lambda a: -a)),
    ScalarOp("square", np.square, **_numbers(lambda a: a * a)),
    ScalarOp("pow", meaning.pow, floats=_approximated("pow"), signed=_approximated("integer_pow"),
             unsigned=_approximated("unsigned_pow")),

    # Division: ``div`` of floats alone; the others round down (``floordiv``, ``mod``) or towards zero.
    ScalarOp("div", np.true_divide, floats=lambda a, b: a / b),
    ScalarOp("reciprocal", np.reciprocal, floats=lambda a: 1.0 / a),
    ScalarOp("floordiv", meaning.floor_division, *_quotients("floor_divide", "unsigned_divide")),
    ScalarOp("mod", np.mod, *_quotients("floor_modulo", "unsigned_modulo")),
    ScalarOp("truncdiv", meaning.truncated_division, *_quotients("truncated_divide", "unsigned_divide")),
    ScalarOp("truncmod", np.fmod, *_quotients("truncated_modulo", "unsigned_modulo")),

    # Sizes and signs. NaN is larger and smaller than anything, as in NumPy.
    ScalarOp("maximum", np.maximum, _extreme(">"), lambda a, b: (a > b).choose(a, b), _extreme_unsigned(">"),
             lambda a, b: a | b),
    ScalarOp("minimum", np.minimum, _extreme("<"), lambda a, b: (a < b).choose(a, b), _extreme_unsigned("<"),
             lambda a, b: a & b),
    ScalarOp("relu", meaning.relu, floats=lambda x: x.at_least(0.0),
             signed=lambda x: (x > 0).choose(x, 0), unsigned=lambda x: x),
    ScalarOp("abs", np.abs, floats=lambda x: x.abs(), signed=lambda x: (x < 0).choose(-x, x), unsigned=lambda x: x),
    ScalarOp("sign", np.sign, floats=_sign, signed=_sign, unsigned=lambda x: x.equals(0).choose(x, 1)),
    ScalarOp("floor", np.floor, floats=lambda x: x.rounded("floor")),
    ScalarOp("ceil", np.ceil, floats=lambda x: x.rounded("ceil")),
    ScalarOp("round", np.rint, floats=lambda x: x.rounded("rint")),

    # Functions.
    ScalarOp("sqrt", np.sqrt, floats=lambda x: x.sqrt()),
    ScalarOp("rsqrt", meaning.rsqrt, floats=lambda x: 1.0 / x.sqrt()),
    _function("exp", np.exp),
    _function("expm1", np.expm1),
    _function("log", np.log),
    _function("log1p", np.log1p),
    _function("sin", np.sin),
    _function("cos", np.cos),
    _function("tan", np.tan),
    _function("tanh", np.tanh),
    _function("sigmoid", _in_double(meaning.sigmoid)),
    ScalarOp("softsign", meaning.softsign, floats=lambda x: x / (x.abs() + 1.0)),
    _function("softplus", _in_double(meaning.softplus)),
    _function("erf", _in_double(meaning.erf)),
    _function("erfc", _in_double(meaning_special.erfc)),
    _function("asin", np.arcsin),
    _function("acos", np.arccos),
    _function("atan", np.arctan),
    _function("atan2", np.arctan2),
    _function("sinh", np.sinh),
    _function("cosh", np.cosh),
    _function("asinh", np.arcsinh),
    _function("acosh", np.arccosh),
    _function("atanh", np.arctanh),
    _function("lgamma", _in_double(meaning_special.lgamma)),
    _function("digamma", _in_double(meaning_special.digamma)),
    _function("zeta", _in_double(meaning_special.zeta)),
    _function("igamma", _in_double(meaning_special.igamma)),
    _function("igammac", _in_double(meaning_special.igammac)),
    _function("igamma_grad_a", _in_double(meaning_special.igamma_grad_a)),
    _function("bessel_i0e", _in_double(meaning_special.bessel_i0e)),
    _function("bessel_i1e", _in_double(meaning_special.bessel_i1e)),
    ScalarOp("mul_no_nan", meaning_special.mul_no_nan, floats=lambda a, b: b.equals(0.0).choose(b.like(0.0), a * b)),

    # Comparisons and logic.
    ScalarOp("eq", np.equal, **_compared("==")),
    ScalarOp("ne", np.not_equal, **_compared("!=")),
    ScalarOp("lt", np.less, **_compared("<")),
    ScalarOp("le", np.less_equal, **_compared("<=")),
    ScalarOp("gt", np.greater, **_compared(">")),
    ScalarOp("ge", np.greater_equal, **_compared(">=")),
    ScalarOp("is_nan", np.isnan, floats=lambda x: x.is_nan()),
    ScalarOp("is_inf", np.isinf, floats=lambda x: x.abs().equals(math.inf)),
    ScalarOp("is_finite", np.isfinite, floats=lambda x: x.abs() < math.inf),
    ScalarOp("logical_and", np.logical_and, bools=lambda a, b: a & b),
    ScalarOp("logical_or", np.logical_or, bools=lambda a, b: a | b),
    ScalarOp("logical_xor", np.logical_xor, bools=lambda a, b: a ^ b),
    ScalarOp("logical_not", np.logical_not, bools=_not),
    ScalarOp("select", np.where, bools=_select),

    # Bits.
    ScalarOp("bit_and", np.bitwise_and, **_integers(lambda a, b: a & b)),
    ScalarOp("bit_or", np.bitwise_or, **_integers(lambda a, b: a | b)),
    ScalarOp("bit_xor", np.bitwise_xor, **_integers(lambda a, b: a ^ b)),
    ScalarOp("bit_not", np.invert, **_integers(lambda a: a ^ -1)),
    ScalarOp("shift_left", _np_shift(np.left_shift), **_integers(_shift(lambda a, b: a << b))),
    ScalarOp("shift_right", _np_shift(np.right_shift), signed=_shift_right_signed,
             unsigned=_shift(lambda a, b: a.shift_right_unsigned(b))),
    ScalarOp("bits", lambda x: np.asarray(x).view(f"u{np.asarray(x).itemsize}"), floats=lambda x: x.bits()),

    # Draws: the bits of a parameter, two seeds and a place in the stream give the bits of a double.
    ScalarOp("gamma_draw", meaning_draws.gamma_draw, signed=_drawn("gamma_draw")),
    ScalarOp("poisson_draw", meaning_draws.poisson_draw, signed=_drawn("poisson_draw")),

    # Conversions, to the dtype of the result: see scalar_cast.
    ScalarOp("cast", lambda x: x),
    ScalarOp("bitcast", lambda x: x),
)
# fmt: on

OPS = {row.name: row for row in _ROWS}
