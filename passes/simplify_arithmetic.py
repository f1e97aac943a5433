"""Identities of arithmetic and logic. All hold to the last bit but where a rule says otherwise.

Before::

    a: f32[3] = Neg(x)
    b: f32[3] = Sub(y, a)
    c: f32[] = Const(value=2.)
    d: f32[3] = Pow(b, c)
    return d

After::

    b: f32[3] = Add(y, x)
    d: f32[3] = Square(b)
    return d

So ``x + 0`` stays, as it turns -0 into 0, and ``x * 0`` stays, as it keeps NaN; both are free inside a kernel.
"""

from __future__ import annotations

import numpy as np

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops.copies import Cast
from graphc.ops.indexing import ScatterAdd
from graphc.ops.reduction import Reduce
from graphc.ops.row_writes import AddRows
from graphc.passes.simplify_site import Key, Rule, Site, is_fn, is_number, is_power_of_two, number_of

_LOSSLESS = {
    dtypes.bool: {dtypes.uint8, dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64},
    dtypes.uint8: {dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64},
    dtypes.int32: {dtypes.int64, dtypes.float64},
    dtypes.float32: {dtypes.float64},
}


def number_second(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``c * x -> x * c`` and ``c + x -> x + c``"""
    if number_of(x) is None or number_of(y) is not None:
        return None
    return at.make(at.kind, y, x)


def add_zero(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x + -0 -> x``, and ``x + 0 -> x`` for whole numbers"""
    number = number_of(y)
    if number is None or number != 0 or (x.dtype.is_floating and not np.signbit(number)):
        return None
    return at.filled(x)


def add_itself(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x + x -> x * 2``"""
    return at.fn("Mul", x, at.constant(2, x.dtype)) if x is y else None


def add_negated(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x + -y -> x - y`` and ``-x + y -> y - x``"""
    if y.op.type == "Neg":
        return at.fn("Sub", x, y.op.inputs[0])
    return at.fn("Sub", y, x.op.inputs[0]) if x.op.type == "Neg" else None


def add_row(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x + (zeros but for row i, which is r) -> x with r added to row i``, which may be done in place"""
    if _is_one_row(x) and not _is_one_row(y):
        x, y = y, x
    if not _is_one_row(y) or x.type != at.type or y.type != at.type:
        return None
    row, index = y.op.inputs
    kind: ScatterAdd = y.op.kind  # type: ignore[assignment]
    return at.make(AddRows(kind.lookup), x, index, row)


def _is_one_row(tensor: Tensor) -> bool:
    kind = tensor.op.kind
    return isinstance(kind, ScatterAdd) and kind.axis == 0 and tensor.op.inputs[1].type.shape == ()


def subtract_zero(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x - 0 -> x``"""
    return at.filled(x) if is_number(y, 0) else None


def subtract_negated(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x - -y -> x + y``"""
    return at.fn("Add", x, y.op.inputs[0]) if y.op.type == "Neg" else None


def subtract_itself(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x - x -> 0`` for whole numbers"""
    return at.filled(at.constant(0, x.dtype)) if x is y and x.dtype.is_integer else None


def times_one(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x * 1 -> x``"""
    return at.filled(x) if is_number(y, 1) else None


def times_minus_one(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x * -1 -> -x``"""
    return at.filled(at.fn("Neg", x)) if x.dtype is not dtypes.uint8 and is_number(y, -1) else None


def times_zero(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x * 0 -> 0`` for whole numbers"""
    return at.filled(y) if x.dtype.is_integer and is_number(y, 0) else None


def times_itself(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x * x -> square(x)``"""
    return at.fn("Square", x) if x is y else None


def times_negated(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``-x * -y -> x * y`` and ``-x * c -> x * -c``"""
    if x.op.type != "Neg":
        return None
    if y.op.type == "Neg":
        return at.make(at.kind, x.op.inputs[0], y.op.inputs[0])
    number = number_of(y)
    return None if number is None else at.filled(at.make(at.kind, x.op.inputs[0], at.constant(-number, y.dtype)))


def times_two_numbers(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``(x * a) * b -> x * (a * b)`` where a or b is a power of two, or all are whole numbers

    Bits may differ where ``x * a`` overflows or is subnormal, and are nearer to the true product then.
    """
    inner = number_of(x.op.inputs[1]) if x.op.type == "Mul" else None
    outer = number_of(y)
    if inner is None or outer is None:
        return None
    if x.dtype.is_floating and not (is_power_of_two(inner) or is_power_of_two(outer)):
        return None
    with np.errstate(all="ignore"):
        both = inner * outer
    if x.dtype.is_floating and not _is_normal(both):
        return None
    return at.filled(at.fn("Mul", x.op.inputs[0], at.constant(both, y.dtype)))


def divide_by_one(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x / 1 -> x``"""
    return at.filled(x) if is_number(y, 1) else None


def divide_by_power_of_two(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x / c -> x * (1 / c)`` where c is a power of two"""
    number = number_of(y)
    if number is None or not is_power_of_two(number):
        return None
    with np.errstate(all="ignore"):
        inverse = 1 / number
    return at.filled(at.fn("Mul", x, at.constant(inverse, y.dtype))) if _is_normal(inverse) else None


def divide_by_exponentials(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x / sum(exp(a - max(a))) -> x * (1 / sum)``, one division a row, as TensorFlow's softmax; to another last bit

    The sum is at least 1 and at most the number of elements, so its reciprocal is no less exact than any number.
    """
    kind, fewer = y.op.kind, y.type.elements != x.type.elements
    if not fewer or not isinstance(kind, Reduce) or kind.fn != "Sum" or not is_fn(y.op.inputs[0], "Exp"):
        return None
    shifted = y.op.inputs[0].op.inputs[0]
    if not is_fn(shifted, "Sub"):
        return None
    a, most = shifted.op.inputs
    if (
        not isinstance(most.op.kind, Reduce)
        or most.op.kind != Reduce("Max", kind.axes, True)
        or most.op.inputs[0] is not a
    ):
        return None
    return at.fn("Mul", x, at.fn("Reciprocal", y))


def divide_one(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``1 / x -> reciprocal(x)``"""
    return at.filled(at.fn("Reciprocal", y)) if is_number(x, 1) else None


def power_of_number(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x**0 -> 1``, ``x**1 -> x``, ``x**2 -> square(x)``, ``x**3 -> x * square(x)``; for floats ``x**-1 -> 1 / x``,
    ``x**0.5 -> sqrt(x)`` and ``x**-0.5 -> rsqrt(x)``

    The cube is rounded twice, so it is at most 1 ulp off. The roots differ from powers at -0 and -inf only.
    """
    number = number_of(y)
    if number == 0 and number is not None:
        return at.filled(at.constant(1, x.dtype))
    if number == 1:
        return at.filled(x)
    if number == 3:
        return at.filled(at.fn("Mul", x, at.fn("Square", x)))
    roots = {-1: "Reciprocal", 0.5: "Sqrt", -0.5: "Rsqrt"} if x.dtype.is_floating else {}
    fn = None if number is None else {2: "Square", **roots}.get(float(number))
    return None if fn is None else at.filled(at.fn(fn, x))


def twice(at: Site, x: Tensor) -> Tensor | None:
    """``-(-x) -> x``, ``not not x -> x``"""
    return x.op.inputs[0] if x.op.type == at.kind.fn else None


def negate_difference(at: Site, x: Tensor) -> Tensor | None:
    """``-(x - y) -> y - x`` for whole numbers; for floats the sign of a zero would change"""
    return at.fn("Sub", *reversed(x.op.inputs)) if x.op.type == "Sub" and x.dtype.is_integer else None


def settled_already(at: Site, x: Tensor) -> Tensor | None:
    """``relu(relu(x)) -> relu(x)``, and so for abs, sign, floor, ceil and round"""
    return x if x.op.type == at.kind.fn else None


def even(at: Site, x: Tensor) -> Tensor | None:
    """``f(-x) -> f(x)`` and ``f(abs(x)) -> f(x)`` for square, abs and cos"""
    return at.make(at.kind, x.op.inputs[0]) if x.op.type in ("Neg", "Abs") else None


def extreme_of_itself(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``maximum(x, x) -> x``, and so for minimum, and, or"""
    return x if x is y else None


def compare_with_itself(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x < x -> False``; for what has no NaN also ``x == x -> True``"""
    if x is not y or (x.dtype.is_floating and at.kind.fn not in ("Less", "Greater")):
        return None
    return at.filled(at.constant(at.kind.fn in ("Equal", "LessEqual", "GreaterEqual"), dtypes.bool))


def and_number(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x and True -> x``, ``x and False -> False``"""
    number = number_of(y)
    return None if number is None else at.filled(x if number else y)


def or_number(at: Site, x: Tensor, y: Tensor) -> Tensor | None:
    """``x or False -> x``, ``x or True -> True``"""
    number = number_of(y)
    return None if number is None else at.filled(y if number else x)


_OPPOSITE = {"Equal": "NotEqual", "NotEqual": "Equal"}
_OPPOSITE_ORDER = {"Less": "GreaterEqual", "LessEqual": "Greater", "Greater": "LessEqual", "GreaterEqual": "Less"}


def not_comparison(at: Site, x: Tensor) -> Tensor | None:
    """``not x == y -> x != y``; for what has no NaN also ``not x < y -> x >= y``"""
    opposite = _OPPOSITE.get(x.op.type)
    if opposite is None and x.op.type in _OPPOSITE_ORDER and not x.op.inputs[0].dtype.is_floating:
        opposite = _OPPOSITE_ORDER[x.op.type]
    return None if opposite is None else at.fn(opposite, *x.op.inputs)


def select_known(at: Site, condition: Tensor, x: Tensor, y: Tensor) -> Tensor | None:
    """``select(True, x, y) -> x``, ``select(c, x, x) -> x``"""
    if x is y:
        return at.filled(x)
    number = number_of(condition)
    return None if number is None else at.filled(x if number else y)


def select_not(at: Site, condition: Tensor, x: Tensor, y: Tensor) -> Tensor | None:
    """``select(not c, x, y) -> select(c, y, x)``"""
    return at.make(at.kind, condition.op.inputs[0], y, x) if condition.op.type == "LogicalNot" else None


def cast_to_itself(at: Site, x: Tensor) -> Tensor | None:
    """``cast(x, dtype of x) -> x``"""
    return x if x.dtype is at.kind.dtype else None


def cast_of_cast(at: Site, x: Tensor) -> Tensor | None:
    """``cast(cast(x, a), b) -> cast(x, b)`` where a holds every value of x"""
    if not isinstance(x.op.kind, Cast):
        return None
    source = x.op.inputs[0]
    return at.make(at.kind, source) if x.dtype in _LOSSLESS.get(source.dtype, ()) else None


def _is_normal(number: object) -> bool:
    value = np.asarray(number)
    return bool(np.isfinite(value)) and bool(abs(value) >= np.finfo(value.dtype).tiny)


_COMPARISONS = ("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")
ARITHMETIC: dict[Key, tuple[Rule, ...]] = {
    "Add": (number_second, add_zero, add_itself, add_negated, add_row),
    "Sub": (subtract_zero, subtract_negated, subtract_itself),
    "Mul": (
        number_second, times_one, times_minus_one, times_zero, times_itself, times_negated, times_two_numbers,
    ),
    "RealDiv": (divide_by_one, divide_by_power_of_two, divide_one, divide_by_exponentials),
    "Pow": (power_of_number,),
    "Neg": (twice, negate_difference),
    "Abs": (settled_already, even),
    "Square": (even,),
    "Cos": (even,),
    "Sign": (settled_already,),
    "Relu": (settled_already,),
    "Floor": (settled_already,),
    "Ceil": (settled_already,),
    "Round": (settled_already,),
    "Maximum": (number_second, extreme_of_itself),
    "Minimum": (number_second, extreme_of_itself),
    "LogicalAnd": (number_second, and_number, extreme_of_itself),
    "LogicalOr": (number_second, or_number, extreme_of_itself),
    "LogicalNot": (twice, not_comparison),
    "Select": (select_known, select_not),
    Cast: (cast_to_itself, cast_of_cast),
    **dict.fromkeys(_COMPARISONS, (compare_with_itself,)),
}  # fmt: skip
