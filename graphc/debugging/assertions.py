"""tf.assert_*: conditions on values, checked while declaring where both sides are constants, else when the step runs.

Each gives an operation that fails the step with ``errors.InvalidArgumentError`` where the condition does not hold; it
must be among what is run (see ``tf.Assert``). ``data`` replaces the texts and values of the message, ``summarize`` says
how many elements of each are shown, ``message`` stands before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.assertions import assert_that
from graphc.ops.base import Const, convert_to_tensor, convert_together
from graphc.ops.reduction import reduce_all
from graphc.ops.reshaping import rank as rank_of
from graphc.ops.reshaping import reshape, size
from graphc.ops.reshaping import shape as shape_of
from graphc.ops.slicing import strided_slice
from graphc.ops.state import group, no_op
from graphc.scopes import name_scope

Condition = Callable[..., Tensor]


def _pair(called: str, sign: str, condition: Condition, numpy: Callable[..., Any]) -> Callable[..., Operation]:
    """The function that asserts a relation of two tensors, element by element with broadcasting."""

    def check(
        x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
        name: str | None = None,
    ) -> Operation:  # fmt: skip
        with name_scope(name or called):
            left, right = convert_together(x, y)
            parts = [f"Condition x {sign} y did not hold element-wise:", f"x ({left.name}) = ", left]
            parts += [f"y ({right.name}) = ", right]
            return _asserted(lambda: condition(left, right), numpy, (left, right), parts, data, summarize, message)

    check.__name__ = called
    check.__doc__ = f"Fails the step unless ``x {sign} y`` holds for all elements."
    return check


def _of_one(called: str, sign: str, condition: Condition, numpy: Callable[..., Any]) -> Callable[..., Operation]:
    """The function that asserts how the elements of a tensor compare with 0."""

    def check(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Operation:
        with name_scope(name or called):
            x = convert_to_tensor(x)
            zero = convert_to_tensor(0, x.dtype)
            parts = [f"Condition x {sign} 0 did not hold element-wise:", f"x ({x.name}) = ", x]
            return _asserted(lambda: condition(x, zero), lambda v: numpy(v, 0), (x,), parts, data, summarize, message)

    check.__name__ = called
    check.__doc__ = f"Fails the step unless ``x {sign} 0`` holds for all elements."
    return check


def _asserted(
    condition: Callable[[], Tensor], numpy: Callable[..., Any], inputs: Sequence[Tensor], parts: Sequence[Any],
    data: Any, summarize: int | None, message: str | None,
) -> Operation:  # fmt: skip
    """The check: done now where all inputs are constants, else an operation."""
    said = [*([message] if message else []), *parts]
    if all(isinstance(x.op.kind, Const) for x in inputs):
        values = [x.op.kind.value for x in inputs]  # type: ignore[attr-defined]
        if not np.all(numpy(*values)):
            known = (str(part.op.kind.value) if isinstance(part, Tensor) else part for part in said)  # type: ignore[attr-defined]
            raise InvalidArgumentError(None, None, "\n".join(known))
        return no_op("static_checks_determined_all_ok")
    return assert_that(reduce_all(condition()), said if data is None else data, summarize)


assert_equal = _pair("assert_equal", "==", e.equal, np.equal)
assert_none_equal = _pair("assert_none_equal", "!=", e.not_equal, np.not_equal)
assert_less = _pair("assert_less", "<", e.less, np.less)
assert_less_equal = _pair("assert_less_equal", "<=", e.less_equal, np.less_equal)
assert_greater = _pair("assert_greater", ">", e.greater, np.greater)
assert_greater_equal = _pair("assert_greater_equal", ">=", e.greater_equal, np.greater_equal)
assert_positive = _of_one("assert_positive", ">", e.greater, np.greater)
assert_negative = _of_one("assert_negative", "<", e.less, np.less)
assert_non_negative = _of_one("assert_non_negative", ">=", e.greater_equal, np.greater_equal)
assert_non_positive = _of_one("assert_non_positive", "<=", e.less_equal, np.less_equal)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Any = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Operation:  # fmt: skip
    """Fails the step unless ``|x - y| <= atol + rtol * |y|`` everywhere; both are 10 eps of the dtype where None."""
    with name_scope(name or "assert_near"):
        x, y = convert_together(x, y)
        eps = float(np.finfo(x.dtype.numpy).eps) if x.dtype.is_floating else 0.0
        rtol, atol = (10 * eps if value is None else value for value in (rtol, atol))
        most = convert_to_tensor(atol, x.dtype) + convert_to_tensor(rtol, x.dtype) * e.abs(y)
        holds = e.less_equal(e.abs(x - y), most)
        parts = [f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}", f"x ({x.name}) = ", x]
        said = [*([message] if message else []), *parts, f"y ({y.name}) = ", y]
        return assert_that(reduce_all(holds), said if data is None else data, summarize)


# -- ranks and shapes ------------------------------------------------------------------------------------------


def assert_rank(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """``ValueError`` where ``x`` is known to have another rank; fails the step where that shows when it runs."""
    with name_scope(name or "assert_rank"):
        wanted = _number(rank)
        return _ranked(x, lambda r: r == wanted, f"{wanted}", "have rank", e.equal, wanted, data, summarize, message)


def assert_rank_at_least(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """``ValueError`` where ``x`` is known to have a smaller rank; fails the step where that shows when it runs."""
    with name_scope(name or "assert_rank_at_least"):
        least = _number(rank)
        return _ranked(
            x, lambda r: r >= least, f"{least}", "have rank at least", e.greater_equal, least, data, summarize, message
        )


def assert_rank_in(
    x: Any, ranks: Sequence[Any], data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """``ValueError`` where ``x`` is known to have none of ``ranks``; fails the step where that shows when it runs."""
    with name_scope(name or "assert_rank_in"):
        known = tuple(_number(rank) for rank in ranks)
        is_any: Condition = lambda found, several: reduce_any_equal(found, several)  # noqa: E731
        return _ranked(
            x, lambda r: r in known, f"{known}", "have rank in", is_any, list(known), data, summarize, message
        )


def reduce_any_equal(found: Tensor, several: Any) -> Tensor:
    """Whether a number is among several."""
    return e.logical_not(reduce_all(e.not_equal(found, convert_to_tensor(several, found.dtype))))


def _ranked(
    x: Any, fits: Callable[[int], bool], wanted: str, relation: str, condition: Condition, right: Any, data: Any,
    summarize: int | None, message: str | None,
) -> Operation:  # fmt: skip
    x = convert_to_tensor(x)
    if x.type.rank is not None:
        if not fits(x.type.rank):
            before = f"{message}.  " if message else ""
            raise ValueError(
                f"{before}Tensor {x.name} must {relation} {wanted}.  Received rank {x.type.rank}, shape {x.shape}"
            )
        return no_op("static_checks_determined_all_ok")
    said = [*([message] if message else []), f"Tensor {x.name} must {relation}", wanted, "Received shape: "]
    found = rank_of(x)
    return assert_that(condition(found, right), [*said, shape_of(x)] if data is None else data, summarize)


def _number(rank: Any) -> int:
    """A rank given as a number or a constant."""
    kind = getattr(getattr(rank, "op", None), "kind", None)
    value = np.asarray(kind.value if isinstance(kind, Const) else rank)
    if value.dtype.kind not in "iu":
        raise TypeError(f"a rank must be a whole number known while declaring, not {rank!r}")
    if value.ndim:
        raise ValueError(f"Rank must be a scalar, not {rank!r}")
    return int(value)


@telling_line
def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """``tensor``; ``ValueError`` unless it is known to be a scalar."""
    tensor = convert_to_tensor(tensor)
    if tensor.type.rank != 0:
        before = f"{message}  " if message else ""
        what = "unknown shape" if tensor.type.rank is None else f"shape: {tensor.shape}"
        raise ValueError(f"{before}Expected scalar shape for {tensor.name}, saw {what}.")
    return tensor


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Operation:
    """Checks the sizes of tensors against tuples of numbers, None, and names that stand for one size everywhere.

    ``shapes``: a dictionary, or pairs, of a tensor and its sizes. ``ValueError`` where sizes known while declaring do
    not fit; fails the step where others do not.
    """
    pairs = shapes.items() if hasattr(shapes, "items") else shapes
    known: dict[str, Any] = {}
    checks: list[Operation] = []
    with name_scope(name or "assert_shapes"):
        for item, sizes in pairs:
            tensor = convert_to_tensor(item)
            wanted = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
            checks.append(assert_rank(tensor, len(wanted), data, summarize, message))
            checks += [
                _size_checked(tensor, axis, size, known, data, summarize, message)
                for axis, size in enumerate(wanted)
                if size is not None
            ]
        return _all_of(checks)


def _size_checked(
    tensor: Tensor, axis: int, wanted: Any, known: dict[str, Any], data: Any, summarize: int | None, message: str | None
) -> Operation:
    """One size compared with a number, or with the one that its name has stood for first."""
    shape = tensor.type.shape
    static = shape[axis] if shape is not None and isinstance(shape[axis], int) else None
    found: Any = strided_slice(shape_of(tensor), [axis], [axis + 1]) if static is None else static
    if isinstance(wanted, str):
        wanted = known.setdefault(wanted, found)
    if isinstance(wanted, Tensor) or static is None:
        text = f"Tensor {tensor.name} dimension {axis} must have size"
        found = reshape(convert_to_tensor(found), [])
        target = reshape(convert_to_tensor(wanted), [])
        return assert_equal(found, target, data or [text, target, "Received size", found], summarize, message)
    if static != wanted:
        before = f"{message}.  " if message else ""
        raise ValueError(
            f"{before}Tensor {tensor.name} dimension {axis} must have size {wanted}.  Received size {static}, shape "
            f"{tensor.shape}"
        )
    return no_op("static_checks_determined_all_ok")


def _all_of(checks: Sequence[Operation]) -> Operation:
    return group(*checks, name="shapes_checked")


# -- order -------------------------------------------------------------------------------------------------------


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether the elements, in row-major order, never fall; true for fewer than two."""
    return _in_order(x, e.less_equal, name or "is_non_decreasing")


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether the elements, in row-major order, always rise; true for fewer than two."""
    return _in_order(x, e.less, name or "is_strictly_increasing")


def _in_order(x: Any, condition: Condition, name: str) -> Tensor:
    with name_scope(name):
        flat = reshape(convert_to_tensor(x), [-1])
        count = size(flat)
        before = flat[: e.maximum(count - 1, 0)]
        return reduce_all(condition(before, flat[e.minimum(count, 1) :]))
