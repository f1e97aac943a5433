"""Formulas written as formulas: operators on scalar or vector values that emit LLVM instructions.

``Lanes`` wraps one LLVM value (``float``, ``<16 x float>``, ``<8 x i64>``, ...) together with its builder, so
that a range reduction reads ``x - n * LN2_HIGH`` and not as three nested builder calls. Python numbers become
constants in all lanes. Integers are signed unless a method's name says otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Union

from graphc.codegen import ir

Number = Union[int, float]
Operand = Union["Lanes", int, float]

INTEGER_OF: dict[str, ir.Type] = {"float": ir.IntType(32), "double": ir.IntType(64)}
FLOAT_OF: dict[int, ir.Type] = {32: ir.FloatType(), 64: ir.DoubleType()}


class Spread(ir.Constant):
    """One number in every lane of a vector; printed as ``splat``, which is much shorter than a list of lanes."""

    def __init__(self, vector: ir.VectorType, number: Any):
        self.type = vector
        self.constant = number
        self.text = f"splat ({vector.element} {vector.element.format_constant(number)})"


def element_type(kind: ir.Type) -> Any:
    """The type of one lane."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def lane_count(kind: ir.Type) -> int | None:
    """How many lanes a vector has; None for a scalar."""
    return kind.count if isinstance(kind, ir.VectorType) else None


def with_element(kind: ir.Type, element: ir.Type) -> ir.Type:
    """The type with as many lanes as ``kind``, each of type ``element``."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def in_every_lane(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """A vector with ``value`` in each of its lanes."""
    nothing = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    vector = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(ir.IntType(32), lanes), None))


def constant(kind: ir.Type, number: Any) -> ir.Constant:
    """``number`` in every lane of ``kind``; an int for a float type is allowed."""
    element = element_type(kind)
    if isinstance(element, ir.IntType):
        number = int(number) & ((1 << element.width) - 1)
    elif isinstance(element, ir.FloatType):
        number = struct.unpack("f", struct.pack("f", number))[0] if abs(number) < 3.5e38 else float(number)
    else:
        number = float(number)
    return Spread(kind, number) if isinstance(kind, ir.VectorType) else ir.Constant(kind, number)


def intrinsic(module: ir.Module, name: str, kind: ir.Type, arity: int) -> ir.Function:
    """The declaration of an LLVM intrinsic whose arguments and result all have type ``kind``."""
    full = f"llvm.{name}.{type_suffix(kind)}"
    found = module.globals.get(full)
    return found if found is not None else ir.Function(module, ir.FunctionType(kind, [kind] * arity), full)


def type_suffix(kind: ir.Type) -> str:
    """The type as LLVM writes it in names: ``v16f32``, ``i64``."""
    element = element_type(kind)
    width = {"float": "f32", "double": "f64"}.get(str(element), str(element))
    return f"v{kind.count}{width}" if isinstance(kind, ir.VectorType) else width


class Lanes:
    """A scalar or vector value with arithmetic; each operation appends one instruction at the builder's place.

    ``fma`` says that the target has fused multiply-add (and then, on every processor we know, instructions for
    rounding to whole numbers). Without the hardware ``llvm.fma`` would become a call of the C library, so
    ``times_plus`` then multiplies and adds in two steps.
    """

    __slots__ = ("builder", "fma", "value")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value, fma: bool):
        self.builder = builder
        self.value = value
        self.fma = fma

    @property
    def type(self) -> Any:
        return self.value.type

    @property
    def element(self) -> ir.Type:
        return element_type(self.value.type)

    @property
    def is_float(self) -> bool:
        return not isinstance(element_type(self.value.type), ir.IntType)

    @property
    def bits_per_lane(self) -> int:
        element = self.element
        return element.width if isinstance(element, ir.IntType) else 32 if isinstance(element, ir.FloatType) else 64

    def new(self, value: ir.Value) -> Lanes:
        return Lanes(self.builder, value, self.fma)

    def operand(self, other: Operand) -> ir.Value:
        return other.value if isinstance(other, Lanes) else constant(self.value.type, other)

    def like(self, number: Number) -> Lanes:
        """``number`` in every lane, in this value's type."""
        return self.new(constant(self.value.type, number))

    # --- arithmetic ---

    def __add__(self, other: Operand) -> Lanes:
        emit = self.builder.fadd if self.is_float else self.builder.add
        return self.new(emit(self.value, self.operand(other)))

    def __sub__(self, other: Operand) -> Lanes:
        emit = self.builder.fsub if self.is_float else self.builder.sub
        return self.new(emit(self.value, self.operand(other)))

    def __mul__(self, other: Operand) -> Lanes:
        emit = self.builder.fmul if self.is_float else self.builder.mul
        return self.new(emit(self.value, self.operand(other)))

    def __truediv__(self, other: Operand) -> Lanes:
        return self.new(self.builder.fdiv(self.value, self.operand(other)))

    def __rsub__(self, other: Number) -> Lanes:
        return self.like(other) - self

    def __rtruediv__(self, other: Number) -> Lanes:
        return self.like(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Lanes:
        return self.new(self.builder.fneg(self.value)) if self.is_float else 0 - self

    def times_plus(self, factor: Operand, addend: Operand) -> Lanes:
        """``self * factor + addend``, rounded once where the target can."""
        if not self.fma:
            return self * factor + addend
        function = intrinsic(self.builder.module, "fma", self.type, 3)
        return self.new(self.builder.call(function, (self.value, self.operand(factor), self.operand(addend))))

    def polynomial(self, coefficients: Sequence[float]) -> Lanes:
        """``c[0] + c[1] x + c[2] x^2 + ...`` by Horner's rule."""
        result: Operand = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            result = self.times_plus(result, coefficient)
        assert isinstance(result, Lanes)
        return result

    def lost_in_product(self, factor: Lanes, product: Lanes) -> Lanes:
        """``self * factor - product`` exactly, for doubles: what rounding the product has cut off (Dekker, 1971)."""
        if self.fma:
            return self.times_plus(factor, -product)
        a, b = self.upper_half(), factor.upper_half()
        a_rest, b_rest = self - a, factor - b
        return ((a * b - product) + a * b_rest + a_rest * b) + a_rest * b_rest

    def upper_half(self) -> Lanes:
        """A double with only the first 26 bits of its mantissa."""
        return (self.bits() & -(1 << 27)).as_float()

    def unary(self, name: str) -> Lanes:
        """An LLVM intrinsic of one argument, such as ``fabs``, ``sqrt``, ``floor``."""
        return self.new(self.builder.call(intrinsic(self.builder.module, name, self.type, 1), (self.value,)))

    def abs(self) -> Lanes:
        return self.unary("fabs")

    def rounded(self, direction: str) -> Lanes:
        """A whole number: ``floor``, ``ceil``, ``trunc`` or ``rint`` (half to even).

        Processors with fused multiply-add have an instruction for it. For others LLVM would call the C library;
        there, adding and subtracting 2^23 (2^52) rounds to nearest and a comparison mends the direction.
        """
        if self.fma:
            return self.unary("nearbyint" if direction == "rint" else direction)
        size = self.abs()
        limit = 2.0**23 if self.bits_per_lane == 32 else 2.0**52
        nearest = (size + limit) - limit
        if direction == "trunc":
            nearest = (nearest > size).choose(nearest - 1.0, nearest)
        whole = (size < limit).choose(nearest.with_sign_of(self), self)
        if direction == "floor":
            whole = (whole > self).choose(whole - 1.0, whole)
        if direction == "ceil":
            whole = (whole < self).choose((whole + 1.0).with_sign_of(self), whole)
        return whole

    def sqrt(self) -> Lanes:
        return self.unary("sqrt")

    def with_sign_of(self, other: Lanes) -> Lanes:
        function = intrinsic(self.builder.module, "copysign", self.type, 2)
        return self.new(self.builder.call(function, (self.value, other.value)))

    def at_most(self, bound: Number) -> Lanes:
        """The smaller of the two; NaN stays NaN (in this operand order it is one ``min`` instruction on x86)."""
        return (self > bound).choose(self.like(bound), self)

    def at_least(self, bound: Number) -> Lanes:
        """The larger of the two; NaN stays NaN."""
        return (self < bound).choose(self.like(bound), self)

    # --- comparisons: ordered for floats, so NaN compares false ---

    def compare(self, sign: str, other: Operand) -> Lanes:
        emit = self.builder.fcmp_ordered if self.is_float else self.builder.icmp_signed
        return self.new(emit(sign, self.value, self.operand(other)))

    def __lt__(self, other: Operand) -> Lanes:
        return self.compare("<", other)

    def __le__(self, other: Operand) -> Lanes:
        return self.compare("<=", other)

    def __gt__(self, other: Operand) -> Lanes:
        return self.compare(">", other)

    def __ge__(self, other: Operand) -> Lanes:
        return self.compare(">=", other)

    def equals(self, other: Operand) -> Lanes:
        return self.compare("==", other)

    def is_nan(self) -> Lanes:
        return self.new(self.builder.fcmp_unordered("uno", self.value, self.value))

    def below(self, other: Operand) -> Lanes:
        """Unsigned ``<``."""
        return self.new(self.builder.icmp_unsigned("<", self.value, self.operand(other)))

    def choose(self, yes: Operand, no: Operand) -> Lanes:
        """``yes`` where this condition holds, else ``no``; at least one of them is a value, not a number."""
        pattern = yes if isinstance(yes, Lanes) else no
        assert isinstance(pattern, Lanes)
        return self.new(self.builder.select(self.value, pattern.operand(yes), pattern.operand(no)))

    # --- integers and bits ---

    def __and__(self, other: Operand) -> Lanes:
        return self.new(self.builder.and_(self.value, self.operand(other)))

    def __or__(self, other: Operand) -> Lanes:
        return self.new(self.builder.or_(self.value, self.operand(other)))

    def __xor__(self, other: Operand) -> Lanes:
        return self.new(self.builder.xor(self.value, self.operand(other)))

    def __lshift__(self, count: Operand) -> Lanes:
        return self.new(self.builder.shl(self.value, self.operand(count)))

    def __rshift__(self, count: Operand) -> Lanes:
        return self.new(self.builder.ashr(self.value, self.operand(count)))

    def shift_right_unsigned(self, count: Operand) -> Lanes:
        return self.new(self.builder.lshr(self.value, self.operand(count)))

    def bits(self) -> Lanes:
        """The same bits as integers."""
        kind = with_element(self.type, INTEGER_OF[str(self.element)])
        return self.new(self.builder.bitcast(self.value, kind))

    def as_float(self) -> Lanes:
        """The same bits as floats."""
        kind = with_element(self.type, FLOAT_OF[self.bits_per_lane])
        return self.new(self.builder.bitcast(self.value, kind))

    def cast(self, emit: Callable[..., ir.Value], element: ir.Type) -> Lanes:
        """A conversion instruction of the builder, such as ``builder.sitofp``, to another element type."""
        return self.new(emit(self.value, with_element(self.type, element)))

    def to_float(self) -> Lanes:
        """Signed integers as floats of the same width."""
        return self.cast(self.builder.sitofp, FLOAT_OF[self.bits_per_lane])

    def widen(self) -> Lanes:
        """float to double."""
        return self.cast(self.builder.fpext, ir.DoubleType())

    def narrow(self) -> Lanes:
        """double to float, rounded to nearest."""
        return self.cast(self.builder.fptrunc, ir.FloatType())
