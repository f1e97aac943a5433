"""Arithmetic and functions element by element, as a formulary: one record each.

A record names TensorFlow's op, the scalar function that native code emits for it, its NumPy meaning, the
dtypes it takes and the adjoint of each input. In an adjoint, the inputs come first, then the output ``y``
and its adjoint ``g``; sums over broadcast axes are the gradient pass's business, not the rules'. The adjoint of a
complex number is TensorFlow's, of its real part plus i times that of its imaginary part: rules get conjugates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import COMPLEX, FIELD, FLOATS, NUMBERS, RING, DType
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import meaning
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor, convert_together
from graphc.ops.checks import WHOLE_NUMBERS_REFUSED, Refused
from graphc.ops.copies import Cast, ComplexAbs, Identity, StopGradient, conjugate
from graphc.records import record
from graphc.shapes import Shape, TensorType, broadcast

SIGNED = (*FLOATS, dtypes.int32, dtypes.int64, dtypes.int8, dtypes.int16)
BOOL = (dtypes.bool,)
Adjoint = Callable[..., Any]


@record
class Record:
    """What there is to know of one elementwise op."""

    type: str
    scalar: str
    numpy: Callable[..., Any]
    dtypes: Sequence[DType]
    adjoints: tuple[Adjoint | None, ...] = ()
    gives_bool: bool = False
    flops: int = 1


@record
class Elementwise(Op):
    """``y[i] = f(a[i], b[i], ...)`` with NumPy's broadcasting, where ``f`` is the record called ``fn``."""

    fn: str

    @property
    def type(self) -> str:
        return self.fn

    @cached_property
    def record(self) -> Record:
        """The row of the formulary."""
        return RECORDS[self.fn]

    @cached_property
    def refuses(self) -> tuple[Callable[..., Any], str] | None:
        """Which whole numbers are no second input, and why."""
        return WHOLE_NUMBERS_REFUSED.get(self.fn)

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where a whole number was refused."""
        assert self.refuses is not None
        return self.refuses[1]

    def refused(self, node: Operation) -> Refused:
        """The whole numbers that are no second input."""
        assert self.refuses is not None
        return Refused(1, self.refuses[0])

    def infer(self, *inputs: TensorType) -> TensorType:
        data = inputs[1:] if self.fn == "Select" else inputs
        if self.fn == "Select":
            check_dtype(inputs[0], BOOL, "the condition")
        dtype = check_same_dtype(data)
        check_dtype(data[0], self.record.dtypes, "an input")
        shape: Shape = inputs[0].shape
        for other in inputs[1:]:
            shape = broadcast(shape, other.shape)
        return TensorType(dtypes.bool if self.record.gives_bool else dtype, shape)

    def evaluate(self, *values: Any) -> Any:
        if self.refuses is not None and values[1].dtype.kind in "iu" and np.any(self.refuses[0](values[1], None)):
            raise ArithmeticError(f"{self.type}: {self.refuses[1]}")
        with np.errstate(all="ignore"):
            result = np.asarray(self.record.numpy(*values))
        wanted = np.bool_ if self.record.gives_bool else values[-1].dtype
        return result if result.dtype == object else result.astype(wanted, copy=False)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        # the derivative of a holomorphic function at the conjugates is the conjugate of its derivative
        arguments = (*map(conjugate, (*node.inputs, node.outputs[0])), grad)
        rules = self.record.adjoints or (None,) * len(node.inputs)
        return [None if rule is None else rule(*arguments) for rule in rules]

    def attributes(self) -> dict[str, Any]:
        return {}


def _call(fn: str, *inputs: Any, name: str | None = None) -> Tensor:
    """The op ``fn`` of values that are converted to one dtype."""
    return call(_kind(fn), *inputs, name=name)


def call(kind: Elementwise, *inputs: Any, name: str | None = None) -> Tensor:
    """The op ``kind`` of values that are converted to one dtype."""
    try:
        tensors = convert_together(*inputs)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{kind.fn} '{name or kind.fn}': {error}") from None
    return apply(kind, *tensors, name=name)


@cache
def _kind(fn: str) -> Elementwise:
    """One op for all nodes of a kind: most of a long program's nodes are of a few."""
    return Elementwise(fn)


def _zero(like: Tensor) -> Tensor:
    return convert_to_tensor(0, like.dtype)


def _zeros_of(like: Tensor) -> Tensor:
    from graphc.ops.reshaping import broadcast_like  # reshaping stands on elementwise

    return broadcast_like(_zero(like), like)


def _only_where(mask: Tensor, grad: Tensor) -> Tensor:
    return apply(Elementwise("Select"), mask, grad, _zero(grad))


def _unless(mask: Tensor, grad: Tensor) -> Tensor:
    return apply(Elementwise("Select"), mask, _zero(grad), grad)


def _pow_exponent_adjoint(a: Tensor, b: Tensor, y: Tensor, g: Tensor) -> Tensor:
    # log(a) only where a > 0, so that 0**b has the adjoint 0 and not NaN.
    positive = not_equal(a, _zero(a)) if a.dtype.is_complex else greater(a, _zero(a))
    safe = apply(Elementwise("Select"), positive, a, convert_to_tensor(1, a.dtype))
    return g * y * apply(Elementwise("Select"), positive, conjugate(log(conjugate(safe))), _zero(a))


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

# fmt: off
RECORDS: dict[str, Record] = {record.type: record for record in [
    # sums and products
    Record("Add", "add", np.add, (*RING, dtypes.string), (lambda a, b, y, g: g, lambda a, b, y, g: g)),
    Record("Sub", "sub", np.subtract, RING, (lambda a, b, y, g: g, lambda a, b, y, g: -g)),
    Record("Mul", "mul", np.multiply, RING, (lambda a, b, y, g: g * b, lambda a, b, y, g: g * a)),
    Record("RealDiv", "div", np.true_divide, FIELD,
           (lambda a, b, y, g: g / b, lambda a, b, y, g: -g * y / b), flops=4),
    Record("FloorDiv", "floordiv", meaning.floor_division, NUMBERS, (None, None), flops=8),
    Record("TruncateDiv", "truncdiv", meaning.truncated_division, NUMBERS, (None, None), flops=8),
    Record("FloorMod", "mod", np.mod, NUMBERS, (lambda a, b, y, g: g, lambda a, b, y, g: -g * floordiv(a, b)), flops=8),
    Record("TruncateMod", "truncmod", np.fmod, NUMBERS, (lambda a, b, y, g: g, None), flops=8),
    Record("Maximum", "maximum", np.maximum, NUMBERS,
           (lambda a, b, y, g: _only_where(greater_equal(a, b), g),
            lambda a, b, y, g: _unless(greater_equal(a, b), g))),
    Record("Minimum", "minimum", np.minimum, NUMBERS,
           (lambda a, b, y, g: _only_where(less_equal(a, b), g), lambda a, b, y, g: _unless(less_equal(a, b), g))),
    # on its cut, from minus infinity to 0, a power is not what it is at the conjugates
    Record("Pow", "pow", meaning.pow, (*SIGNED, *COMPLEX),
           (lambda a, b, y, g: g * b * conjugate(pow(conjugate(a), conjugate(b) - convert_to_tensor(1, b.dtype))),
            _pow_exponent_adjoint), flops=100),
    # one argument
    Record("Neg", "neg", np.negative, (*SIGNED, *COMPLEX), (lambda x, y, g: -g,)),
    Record("Abs", "abs", np.abs, SIGNED, (lambda x, y, g: g * sign(x),)),
    Record("Sign", "sign", np.sign, (*SIGNED, *COMPLEX), (lambda x, y, g: _zeros_of(x),)),
    Record("Square", "square", np.square, RING, (lambda x, y, g: g * (x + x),)),
    Record("Sqrt", "sqrt", np.sqrt, FIELD, (lambda x, y, g: g * 0.5 / y,), flops=4),
    Record("Rsqrt", "rsqrt", meaning.rsqrt, FIELD, (lambda x, y, g: g * -0.5 * y * y * y,), flops=8),
    Record("Reciprocal", "reciprocal", lambda x: 1 / x, FIELD, (lambda x, y, g: -g * y * y,), flops=4),
    Record("Exp", "exp", np.exp, FIELD, (lambda x, y, g: g * y,), flops=8),
    Record("Expm1", "expm1", np.expm1, FIELD, (lambda x, y, g: g * (y + 1.0),), flops=10),
    Record("Log", "log", np.log, FIELD, (lambda x, y, g: g / x,), flops=14),
    Record("Log1p", "log1p", np.log1p, FIELD, (lambda x, y, g: g / (x + 1.0),), flops=16),
    Record("Sin", "sin", np.sin, FIELD, (lambda x, y, g: g * cos(x),), flops=14),
    Record("Cos", "cos", np.cos, FIELD, (lambda x, y, g: -g * sin(x),), flops=14),
    Record("Tan", "tan", np.tan, FIELD, (lambda x, y, g: g * (1.0 + y * y),), flops=60),
    Record("Tanh", "tanh", np.tanh, FIELD, (lambda x, y, g: g * (1.0 - y * y),), flops=18),
    Record("Sigmoid", "sigmoid", meaning.sigmoid, FIELD, (lambda x, y, g: g * y * (1.0 - y),), flops=16),
    Record("Softplus", "softplus", meaning.softplus, FLOATS, (lambda x, y, g: g * sigmoid(x),), flops=40),
    Record("Softsign", "softsign", meaning.softsign, FLOATS, (lambda x, y, g: g / square(abs(x) + 1.0),), flops=6),
    Record("Erf", "erf", meaning.erf, FLOATS, (lambda x, y, g: g * _TWO_OVER_ROOT_PI * exp(-square(x)),), flops=30),
    Record("Relu", "relu", meaning.relu, NUMBERS,
           (lambda x, y, g: _only_where(greater(y, _zero(y)), g),)),
    Record("Floor", "floor", np.floor, FLOATS, (None,)),
    Record("Ceil", "ceil", np.ceil, FLOATS, (None,)),
    Record("Round", "round", np.rint, FLOATS, (None,)),
    # comparisons and logic
    Record("Equal", "eq", np.equal, dtypes.KNOWN, (None, None), gives_bool=True),
    Record("NotEqual", "ne", np.not_equal, dtypes.KNOWN, (None, None), gives_bool=True),
    Record("Less", "lt", np.less, NUMBERS, (None, None), gives_bool=True),
    Record("LessEqual", "le", np.less_equal, NUMBERS, (None, None), gives_bool=True),
    Record("Greater", "gt", np.greater, NUMBERS, (None, None), gives_bool=True),
    Record("GreaterEqual", "ge", np.greater_equal, NUMBERS, (None, None), gives_bool=True),
    Record("LogicalAnd", "logical_and", np.logical_and, BOOL, (None, None), gives_bool=True),
    Record("LogicalOr", "logical_or", np.logical_or, BOOL, (None, None), gives_bool=True),
    Record("LogicalXor", "logical_xor", np.logical_xor, BOOL, (None, None), gives_bool=True),
    Record("LogicalNot", "logical_not", np.logical_not, BOOL, (None,), gives_bool=True),
    Record("IsNan", "is_nan", np.isnan, FLOATS, (None,), gives_bool=True),
    Record("IsInf", "is_inf", np.isinf, FLOATS, (None,), gives_bool=True),
    Record("IsFinite", "is_finite", np.isfinite, FLOATS, (None,), gives_bool=True),
    Record("Select", "select", np.where, dtypes.KNOWN,
           (None, lambda c, a, b, y, g: _only_where(c, g), lambda c, a, b, y, g: _unless(c, g))),
]}
# fmt: on


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x + y`` element by element."""
    return _call("Add", x, y, name=name)


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x - y`` element by element."""
    return _call("Sub", x, y, name=name)


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * y`` element by element."""
    return _call("Mul", x, y, name=name)


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` for floats."""
    return _call("RealDiv", x, y, name=name)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 3 divides: whole numbers become float64 first, those of 8 and 16 bits float32."""
    a, b = convert_together(x, y)
    if a.dtype.is_integer and a.dtype is b.dtype:
        target = dtypes.float32 if a.dtype.size <= 2 else dtypes.float64
        a, b = cast(a, target), cast(b, target)
    return apply(Elementwise("RealDiv"), a, b, name=name or "truediv")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 3 divides."""
    return truediv(x, y, name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` as Python 2 divides: whole numbers rounded down."""
    a, b = convert_together(x, y)
    return apply(Elementwise("RealDiv" if a.dtype.has_slope else "FloorDiv"), a, b, name=name or "div")


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x // y``, rounded down; a whole number over zero is an error when the graph runs."""
    return _call("FloorDiv", x, y, name=name or "floordiv")


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y`` cut towards zero; a whole number over zero is an error when the graph runs."""
    return _call("TruncateDiv", x, y, name=name)


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x - floor(x / y) * y``: the sign is that of ``y``."""
    return _call("FloorMod", x, y, name=name or "FloorMod")


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of cutting division: the sign is that of ``x``."""
    return _call("TruncateMod", x, y, name=name)


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The greater of ``x`` and ``y``; NaN where one is NaN."""
    return _call("Maximum", x, y, name=name)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The smaller of ``x`` and ``y``; NaN where one is NaN."""
    return _call("Minimum", x, y, name=name)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x ** y``."""
    return _call("Pow", x, y, name=name)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``(x - y) ** 2``; of complex numbers ``(x - y) conj(x - y)``."""
    difference, called = subtract(x, y), name or "SquaredDifference"
    is_complex = difference.dtype.is_complex
    return _call("Mul", difference, conjugate(difference), name=called) if is_complex else square(difference, called)


def negative(x: Any, name: str | None = None) -> Tensor:
    """``-x``."""
    return _call("Neg", x, name=name)


def abs(x: Any, name: str | None = None) -> Tensor:
    """``|x|``: of complex numbers, their distance from 0, as real numbers."""
    tensor = convert_to_tensor(x)
    return apply(ComplexAbs(), tensor, name=name) if tensor.dtype.is_complex else _call("Abs", tensor, name=name)


def sign(x: Any, name: str | None = None) -> Tensor:
    """-1, 0 or 1 with the sign of ``x``; of a complex number ``x / |x|``, and 0 at 0."""
    return _call("Sign", x, name=name)


def square(x: Any, name: str | None = None) -> Tensor:
    """``x * x``."""
    return _call("Square", x, name=name)


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """The square root; NaN below zero."""
    return _call("Sqrt", x, name=name)


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """``1 / sqrt(x)``."""
    return _call("Rsqrt", x, name=name)


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """``1 / x`` for floats."""
    return _call("Reciprocal", x, name=name)


def exp(x: Any, name: str | None = None) -> Tensor:
    """e to the power ``x``."""
    return _call("Exp", x, name=name)


def expm1(x: Any, name: str | None = None) -> Tensor:
    """``exp(x) - 1``, exact near zero."""
    return _call("Expm1", x, name=name)


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm; -inf at zero, NaN below."""
    return _call("Log", x, name=name)


def log1p(x: Any, name: str | None = None) -> Tensor:
    """``log(1 + x)``, exact near zero."""
    return _call("Log1p", x, name=name)


def sin(x: Any, name: str | None = None) -> Tensor:
    """The sine of ``x`` radians."""
    return _call("Sin", x, name=name)


def cos(x: Any, name: str | None = None) -> Tensor:
    """The cosine of ``x`` radians."""
    return _call("Cos", x, name=name)


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent of ``x`` radians."""
    return _call("Tan", x, name=name)


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""
    return _call("Tanh", x, name=name)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """``1 / (1 + exp(-x))``, without overflow."""
    return _call("Sigmoid", x, name=name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """``log(1 + exp(x))``, without overflow."""
    return _call("Softplus", features, name=name)


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function."""
    return _call("Erf", x, name=name)


def relu(features: Any, name: str | None = None) -> Tensor:
    """``max(x, 0)``."""
    return _call("Relu", features, name=name)


def floor(x: Any, name: str | None = None) -> Tensor:
    """The greatest whole number not above ``x``."""
    return _call("Floor", x, name=name)


def ceil(x: Any, name: str | None = None) -> Tensor:
    """The least whole number not below ``x``."""
    return _call("Ceil", x, name=name)


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole number, halves to the even one; whole numbers as they are."""
    tensor = convert_to_tensor(x)
    return identity(tensor, name) if tensor.dtype.is_integer else _call("Round", tensor, name=name)


rint = round


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x == y``, element by element."""
    return _call("Equal", x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x != y``, element by element."""
    return _call("NotEqual", x, y, name=name)


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x < y``, element by element."""
    return _call("Less", x, y, name=name)


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x <= y``, element by element."""
    return _call("LessEqual", x, y, name=name)


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x > y``, element by element."""
    return _call("Greater", x, y, name=name)


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether ``x >= y``, element by element."""
    return _call("GreaterEqual", x, y, name=name)


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether both are True."""
    return _call("LogicalAnd", x, y, name=name)


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether at least one is True."""
    return _call("LogicalOr", x, y, name=name)


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """Whether exactly one is True."""
    return _call("LogicalXor", x, y, name=name)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """True for False and False for True."""
    return _call("LogicalNot", x, name=name)


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether ``x`` is not a number."""
    return _call("IsNan", x, name=name)


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether ``x`` is infinite."""
    return _call("IsInf", x, name=name)


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether ``x`` is neither infinite nor NaN."""
    return _call("IsFinite", x, name=name)


def select(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` where ``condition``, else ``y``; all three broadcast."""
    a, b = convert_together(x, y)
    return apply(Elementwise("Select"), convert_to_tensor(condition, dtypes.bool), a, b, name=name)


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """``x`` converted to ``dtype``; fractions are cut towards zero, and a tensor of that dtype is returned as it is."""
    tensor, wanted = convert_to_tensor(x), dtypes.as_dtype(dtype)
    return tensor if tensor.dtype is wanted else apply(Cast(wanted), tensor, name=name)


def identity(input: Any, name: str | None = None) -> Tensor:
    """``input`` itself as a new node."""
    return apply(Identity(), convert_to_tensor(input), name=name)


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """``input`` itself, through which no gradient flows."""
    return apply(StopGradient(), convert_to_tensor(input), name=name)
