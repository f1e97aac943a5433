"""What a step checks of its values when it runs: Assert and check_numerics, both part of the one native program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const, apply, check_dtype, convert_to_tensor, declare, is_tensor_like
from graphc.ops.checks import Refused
from graphc.ops.copies import Identity
from graphc.records import record, replace
from graphc.shapes import TensorType

SHOWN = 3  # elements of each value in a message, as in TensorFlow
ValueOf = Callable[[Tensor], Any]  # what a tensor held; None where that is not known any more


def is_false(values: Any, _: Any) -> Any:
    """Where a condition does not hold."""
    return ~values


def is_not_finite(values: Any, _: Any) -> Any:
    """Where a value is infinite or not a number."""
    return ~np.isfinite(values)


@record
class Assert(Op):
    """``y = condition``, which must be true; ``parts`` are the texts of the message, None for a value of the data.

    One that an op itself makes has the name of that op, ``called``, and says the parts as one sentence.
    """

    has_effect = True
    parts: tuple[str | None, ...] = ()
    summarize: int = SHOWN
    called: str = ""

    @property
    def type(self) -> str:
        return self.called or "Assert"

    def infer(self, condition: TensorType, *data: TensorType) -> TensorType:
        check_dtype(condition, (dtypes.bool,), "the condition")
        if condition.rank not in (None, 0):
            raise ValueError(f"the condition must be a scalar, not {condition}; tf.reduce_all makes one of many")
        return TensorType(dtypes.bool, ())

    def evaluate(self, condition: Any, *data: Any) -> Any:
        if not condition:
            raise InvalidArgumentError(message=self._text(data))
        return condition

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What is said where the values of the data are not known any more."""
        return self._text([x.user_label for x in node.inputs[1:]])

    def explanation(self, node: Operation, value_of: ValueOf) -> str:
        """The same with the values of the data."""
        found = [(value_of(x), x.user_label) for x in node.inputs[1:]]
        return self._text([label if value is None else value for value, label in found])

    def _text(self, data: Sequence[Any]) -> str:
        values = iter(data)
        if self.called:
            return " ".join(_in_sentence(next(values)) if part is None else part for part in self.parts)
        texts = (summary(next(values), self.summarize) if part is None else part for part in self.parts)
        return "assertion failed: " + " ".join(f"[{text}]" for text in texts)

    def refused(self, node: Operation) -> Refused:
        """A condition that is false."""
        return Refused(0, is_false)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None] * len(node.inputs)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """Without the data, which only a message needs: it is computed again for that."""
        if len(inputs) == 1:
            return None
        labels = iter(x.user_label for x in inputs[1:])
        parts = tuple(next(labels) if part is None else part for part in self.parts)
        return apply(replace(self, parts=parts), inputs[0])


@record
class CheckNumerics(Op):
    """``y = x``, where every element must be finite."""

    has_effect = True
    message: str = ""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, dtypes.FLOATS, "the tensor")
        return x

    def evaluate(self, x: Any) -> Any:
        if not np.isfinite(x).all():
            raise InvalidArgumentError(message=self._text(x))
        return x

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What is said where the value is not known any more."""
        return f"{self.message} : Tensor had Inf or NaN values"

    def explanation(self, node: Operation, value_of: ValueOf) -> str:
        """The same, and what is wrong with the value."""
        value = value_of(node.inputs[0])
        return self.runtime_error(node) if value is None else self._text(value)

    def _text(self, x: Any) -> str:
        found = ["Inf"] * bool(np.isinf(x).any()) + ["NaN"] * bool(np.isnan(x).any())
        return f"{self.message} : Tensor had {' and '.join(found) or 'Inf or NaN'} values"

    def refused(self, node: Operation) -> Refused:
        """An element that is not finite."""
        return Refused(0, is_not_finite)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        text = f"Not a number (NaN) or infinity (Inf) values detected in gradient. {self.message}"
        return [check_numerics(grad, text)]


def summary(value: Any, count: int) -> str:
    """The first ``count`` elements of a value as TensorFlow writes them: ``[[1 2][3...]...]`` without the outermost."""
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    limit = array.size if count < 0 else count
    return _nested(array, limit)[0] + ("..." if limit < array.size else "")


def _in_sentence(value: Any) -> str:
    """A whole value, of one axis or more in brackets."""
    return f"[{summary(value, -1)}]" if np.ndim(value) else summary(value, -1)


def _nested(array: Any, limit: int, inner: bool = False) -> tuple[str, int]:
    """The text of at most ``limit`` elements, and how many they are."""
    if array.ndim <= 1:
        shown = [element_text(item) for item in array.reshape(-1)[:limit]]
        return " ".join(shown) + ("..." if inner and len(shown) < array.size else ""), len(shown)
    text, used = "", 0
    for row in array:
        if used >= limit:
            break
        part, count = _nested(row, limit - used, inner=True)
        text, used = f"{text}[{part}]", used + count
    return text, used


def element_text(item: Any) -> str:
    """One element as TensorFlow writes it: of a float as few digits as give it back, 6 or 9 (15 or 17 in float64)."""
    if isinstance(item, bytes):
        return item.decode(errors="backslashreplace")
    if isinstance(item, (bool, np.bool_)):
        return str(int(item))
    if not isinstance(item, (float, np.floating)):
        return str(item)
    few, all_of_them = (15, 17) if isinstance(item, float) else (6, 9)
    text = f"{item:.{few}g}"
    return text if type(item)(text) == item or item != item else f"{item:.{all_of_them}g}"


def parts_of(data: Sequence[Any]) -> tuple[tuple[str | None, ...], list[Tensor]]:
    """The parts of a message: texts, and None for each tensor among the data."""
    parts: list[str | None] = []
    tensors: list[Tensor] = []
    for item in data:
        if isinstance(item, (str, bytes)):
            parts.append(item.decode(errors="replace") if isinstance(item, bytes) else item)
            continue
        tensor = convert_to_tensor(item)
        if not tensor.dtype.is_string:
            parts.append(None)
            tensors.append(tensor)
        elif isinstance(tensor.op.kind, Const):
            parts.append(summary(tensor.op.kind.value, -1))
        else:
            parts.append(tensor.name)
    return tuple(parts), tensors


def assert_that(
    condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None
) -> Operation:
    """``tf.Assert``: the step fails with ``errors.InvalidArgumentError`` and ``data`` unless the condition holds.

    The operation must be among what is run: fetched, or a control input of something that is. ``data`` are texts and
    tensors, of which ``summarize`` elements (3 where None, all where negative) are shown. Variables stay as they were.
    """
    with telling("Assert"):
        return _assert_that(condition, data, summarize, name)


def _assert_that(condition: Any, data: Sequence[Any], summarize: int | None, name: str | None) -> Operation:
    if isinstance(data, (str, bytes)) or is_tensor_like(data) or not isinstance(data, (list, tuple)):
        raise TypeError(f"data must be a list of texts and tensors, not {data!r}")
    if summarize is not None and not isinstance(summarize, (int, np.integer)):
        raise TypeError(f"summarize must be a whole number, not {summarize!r}")
    parts, tensors = parts_of(data)
    kind = Assert(parts, SHOWN if summarize is None else int(summarize))
    return declare(kind, convert_to_tensor(condition, dtypes.bool), *tensors, name=name or "Assert")


def provided(x: Tensor, condition: Tensor, called: str, data: Sequence[Any]) -> Tensor:
    """``y = x``; the step fails, saying ``data`` as one sentence of the op ``called``, unless the condition holds."""
    parts, tensors = parts_of(data)
    check = declare(Assert(parts, -1, called), condition, *tensors, name="Assert")
    with x.graph.current.control_dependencies([check]):
        return apply(Identity(), x)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """``tensor``, where every element is finite; else the step fails with ``errors.InvalidArgumentError``."""
    return apply(CheckNumerics(str(message)), convert_to_tensor(tensor), name=name)
