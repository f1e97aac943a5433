"""What ``validate_args`` asserts: while declaring where the numbers are constants, else when a step uses them."""

from __future__ import annotations

from typing import Any

from graphc.debugging.assertions import (
    assert_equal,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_non_negative,
    assert_positive,
)
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.ops.reduction import reduce_sum

Checks = list[Operation]


def positive(**given: Tensor) -> Checks:
    """Each is above 0."""
    return [assert_positive(x, message=f"{what} must be positive") for what, x in given.items()]


def between_0_and_1(x: Tensor) -> Checks:
    """Strictly between."""
    return [*positive(sample=x), assert_less(x, _number(1, x), message="sample must be less than 1")]


def whole_numbers(x: Tensor, what: str, most: Any = None) -> Checks:
    """Whole numbers from 0 to ``most``, where there is one."""
    checks = [assert_non_negative(x, message=f"{what} must be non-negative")]
    if x.dtype.is_floating:
        checks.append(assert_equal(x, e.floor(x), message=f"{what} must be a whole number"))
    if most is not None:
        limit = e.cast(most, x.dtype)
        checks.append(assert_less_equal(x, limit, message=f"{what} must not be greater than the last class"))
    return checks


def chances(x: Tensor) -> Checks:
    """Each a probability."""
    least = assert_non_negative(x, message="probs must be non-negative")
    return [least, assert_less_equal(x, _number(1, x), message="probs has components greater than 1.")]


def shares(x: Tensor, what: str) -> Checks:
    """Probabilities that add up to 1 along the last axis."""
    total = assert_near(reduce_sum(x, -1), _number(1, x), message=f"{what} does not sum to 1.")
    return [assert_non_negative(x, message=f"{what} must be non-negative"), total]


def _number(value: float, like: Tensor) -> Tensor:
    return convert_to_tensor(value, like.dtype)
