"""tf.debugging: what a program checks of its tensors, while it is declared or when it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.debugging.assertions import (
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_rank,
    assert_rank_at_least,
    assert_rank_in,
    assert_scalar,
    assert_shapes,
    is_non_decreasing,
    is_strictly_increasing,
)
from graphc.dtypes import DType, as_dtype, float32
from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops.assertions import assert_that as Assert
from graphc.ops.assertions import check_numerics
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.elementwise import identity, is_finite, is_inf, is_nan
from graphc.ops.state import group, no_op
from graphc.scopes import get_default_graph, name_scope

__all__ = [
    "Assert",
    "add_check_numerics_ops",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "is_finite",
    "is_inf",
    "is_nan",
    "is_non_decreasing",
    "is_numeric_tensor",
    "is_strictly_increasing",
]


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """``TypeError`` unless the tensor has this dtype; an operation that does nothing."""
    tensor = convert_to_tensor(tensor)
    if tensor.dtype is not as_dtype(tf_type):
        before = f"{message}  " if message else ""
        raise TypeError(f"{before}{tensor.name} must be of type {as_dtype(tf_type)!r}; got {tensor.dtype!r}")
    return no_op(name or "statically_determined_correct_type")


@telling_line
def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """``TypeError`` unless the tensor is of whole numbers; an operation that does nothing."""
    x = convert_to_tensor(x)
    if not x.dtype.is_integer:
        before = f"{message}  " if message else ""
        raise TypeError(f'{before}Expected "x" to be integer type.  Found: {x.name} of dtype {x.dtype}')
    return no_op(name or "statically_determined_was_integer")


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether ``tensor`` is a tensor of numbers: not of bools or strings."""
    return isinstance(tensor, Tensor) and (tensor.dtype.is_floating or tensor.dtype.is_integer)


@telling_line
def assert_proper_iterable(values: Any) -> None:
    """``TypeError`` where ``values`` is a tensor, an array, a string, or nothing that can be iterated over."""
    if is_tensor_like(values) or isinstance(values, (str, bytes)) or hasattr(values, "__array__"):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


def assert_same_float_dtype(tensors: Iterable[Any] | None = None, dtype: Any = None) -> DType:
    """The one floating dtype of all tensors (float32 where there are none); ``ValueError`` where there is none such."""
    wanted = None if dtype is None else as_dtype(dtype)
    first: Tensor | None = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        tensor = convert_to_tensor(tensor)
        first = tensor if first is None else first
        if wanted is None:
            wanted = tensor.dtype
        if tensor.dtype is not wanted:
            beside = f" as {first.name}" if first is not tensor else ""
            raise ValueError(f"{tensor.name}, type={tensor.dtype}, must be of the same type ({wanted}){beside}.")
    if wanted is None:
        return float32
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Tensor:
    """``t``, where every element is finite; else the step fails with ``errors.InvalidArgumentError`` and ``msg``."""
    value, text = (t if x is None else x), (msg if message is None else message)
    if value is None or text is None:
        raise ValueError("verify_tensor_all_finite needs a tensor and a message")
    with name_scope(name or "VerifyFinite"):
        return identity(check_numerics(value, text), name="control_dependency")


assert_all_finite = verify_tensor_all_finite


def add_check_numerics_ops() -> Operation:
    """An operation that checks every floating tensor declared so far; the message names the tensor.

    ``ValueError`` where the graph has branches or loops, whose values are not seen from outside.
    """
    graph = get_default_graph()
    checks: list[Operation] = []
    for node in graph.get_operations():
        if node.kind.functions():
            raise ValueError(
                "`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow operations such as "
                f"`tf.cond()` or `tf.while_loop()`: {node.describe()}"
            )
        if node.type == "VariableV2":
            continue
        for output in node.outputs:
            if output.dtype.is_floating:
                with graph.control_dependencies(checks[-1:]):
                    checks.append(check_numerics(output, f"{node.name}:{output.value_index}").op)
    return group(*checks)
