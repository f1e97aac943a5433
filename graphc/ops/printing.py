"""Values written out while a graph runs: tf.Print and tf.print.

A Session fetches the values with the rest of the step and writes them when it has run, in the order of the graph: the
step stays one native call. Inside branches and loops each is a host operation like any other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.nodes import Operation, Tensor
from graphc.ops.assertions import SHOWN, element_text, summary
from graphc.ops.base import Const, apply, convert_to_tensor, declare, is_tensor_like
from graphc.ops.host import HostOp, host_array, resources
from graphc.records import record
from graphc.shapes import TensorType


class Printing(HostOp):
    """What is written: ``text`` of the values of the inputs, to a stream."""

    stream: Any
    first_n: int

    def text(self, values: Sequence[Any]) -> str:
        """All that is written for these values of the inputs, with the end of the line."""
        raise NotImplementedError

    def write(self, values: Sequence[Any]) -> None:
        """Writes it, unless that was done ``first_n`` times in this session."""
        if self.first_n >= 0:
            counts = resources()
            counts[self] = counts.get(self, 0) + 1
            if counts[self] > self.first_n:
                return
        _write(self.stream, self.text(values))

    def attributes(self) -> dict[str, Any]:
        return {}


@record(eq=False)
class Print(Printing):
    """``y = x``; writes the other inputs, each in brackets, after a message."""

    message: str
    first_n: int
    parts: tuple[str | None, ...]  # None: the value of the next input
    summarize: int
    stream = None

    def infer(self, x: TensorType, *data: TensorType) -> TensorType:
        return x

    def text(self, values: Sequence[Any]) -> str:
        found = iter(values[1:])
        texts = (summary(next(found), self.summarize) if part is None else part for part in self.parts)
        return self.message + "".join(f"[{text}]" for text in texts) + "\n"

    def evaluate(self, x: Any, *data: Any) -> Any:
        self.write((x, *data))
        return x

    def gradient(self, node: Operation, *grads: Any) -> list[Tensor | None]:
        return [*grads, *([None] * (len(node.inputs) - 1))]


@record(eq=False)
class PrintV2(Printing):
    """Writes texts and values by turns."""

    parts: tuple[str | None, ...]  # None: the value of the next input
    summarize: int
    end: str
    stream: Any = None
    first_n = -1

    def infer(self, *data: TensorType) -> tuple[TensorType, ...]:
        return ()

    def text(self, values: Sequence[Any]) -> str:
        if self.parts == (None,) and isinstance(values[0], bytes):
            return element_text(values[0]) + self.end
        found = iter(values)
        texts = (_shown(next(found), self.summarize) if part is None else part for part in self.parts)
        return "".join(texts) + self.end

    def evaluate(self, *data: Any) -> tuple[Any, ...]:
        self.write(data)
        return ()


@record(eq=False)
class StringFormat(HostOp):
    """A text with values in it, written as tf.print does."""

    parts: tuple[str | None, ...]  # None: the value of the next input
    summarize: int

    def infer(self, *data: TensorType) -> TensorType:
        return TensorType(dtypes.string, ())

    def evaluate(self, *data: Any) -> Any:
        found = iter(data)
        texts = (_shown(next(found), self.summarize) if part is None else part for part in self.parts)
        return host_array("".join(texts), dtypes.string)


def string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = SHOWN, name: str | None = None
) -> Tensor:
    """``template`` with the values of ``inputs``, a tensor or several, in place of each ``placeholder``.

    ``ValueError`` where there are not as many of them.
    """
    values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    texts = template.split(placeholder)
    if len(texts) != len(values) + 1:
        raise ValueError(
            f"{len(texts) - 1} placeholder(s) in template does not match {len(values)} tensor(s) provided as input"
        )
    parts: list[str | None] = [texts[0]]
    for text in texts[1:]:
        parts += [None, text]
    tensors = [convert_to_tensor(value) for value in values]
    return declare(StringFormat(tuple(parts), summarize), *tensors, name=name).outputs[0]


def print_v1(
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """``input_``; a run that needs it writes ``message`` and ``data`` to standard error, ``first_n`` times at most.

    Of each value ``summarize`` elements are shown, 3 where None, all where negative.
    """
    x, count = convert_to_tensor(input_), SHOWN if summarize is None else summarize
    parts: list[str | None] = []
    tensors: list[Tensor] = []
    for item in data:
        _add_value(item, lambda value: summary(value, count), parts, tensors)
    kind = Print(message or "", -1 if first_n is None else first_n, tuple(parts), count)
    return apply(kind, x, *tensors, name=name or "Print")


def print_v2(*inputs: Any, **kwargs: Any) -> Operation:
    """``tf.print``: an operation that writes ``inputs``, Python values and tensors in any nesting, where it is run.

    Keywords as in TensorFlow 1.15: ``output_stream`` (sys.stderr; also sys.stdout, a function of ``tf.logging``, or
    "file://path"), ``summarize`` (3 first and last elements of each axis; -1 for all), ``sep`` (" "), ``end`` (a new
    line) and ``name``.
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", None)
    count = SHOWN if summarize is None else summarize
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    parts: list[str | None] = []
    tensors: list[Tensor] = []
    for number, item in enumerate(inputs):
        if number:
            parts.append(sep)
        if isinstance(item, str):
            parts.append(item)
        else:
            _add(item, count, parts, tensors)
    kind = PrintV2(tuple(parts), count, end, _stream(stream))
    return declare(kind, *tensors, name=name or "PrintV2")


def _add_value(value: Any, show: Callable[[Any], str], parts: list[str | None], tensors: list[Tensor]) -> None:
    """Adds a tensor; of a text that is known already, what will be written."""
    tensor = convert_to_tensor(value)
    if tensor.dtype.is_string and isinstance(tensor.op.kind, Const):
        parts.append(show(tensor.op.kind.value))
    else:
        parts.append(None)
        tensors.append(tensor)


def _add(item: Any, count: int, parts: list[str | None], tensors: list[Tensor]) -> None:
    """Adds the text of a value, or of a structure with tensors in it."""
    if is_tensor_like(item) or isinstance(item, np.ndarray):
        _add_value(item, lambda value: _shown(value, count), parts, tensors)
    elif isinstance(item, Mapping):
        _add_all("{", [(f"{key!r}: ", value) for key, value in item.items()], "}", count, parts, tensors)
    elif isinstance(item, tuple):
        _add_all("(", [("", value) for value in item], ",)" if len(item) == 1 else ")", count, parts, tensors)
    elif isinstance(item, list):
        _add_all("[", [("", value) for value in item], "]", count, parts, tensors)
    else:
        parts.append(repr(item))


def _add_all(
    begin: str, items: list[tuple[str, Any]], end: str, count: int, parts: list[str | None], tensors: list[Tensor]
) -> None:
    parts.append(begin)
    for number, (before, value) in enumerate(items):
        parts.append(f"{', ' if number else ''}{before}")
        _add(value, count, parts, tensors)
    parts.append(end)


def _shown(value: Any, count: int) -> str:
    """A value as tf.print writes it: the ``count`` first and last of each axis, a row a line."""
    array = host_array(value, dtypes.string) if isinstance(value, bytes) else np.asarray(value)
    return _rows(array, count, array.ndim)


def _rows(array: Any, count: int, rank: int) -> str:
    if np.ndim(array) == 0:
        return _quoted(array if isinstance(array, bytes) else array[()])
    size = len(array)
    places: list[int | None] = list(range(size))
    if count >= 0 and 2 * count < size:
        places = [*range(count), None, *range(size - count, size)]
    texts = ["..." if place is None else _rows(array[place], count, rank) for place in places]
    between = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * (rank - array.ndim + 1)
    return "[" + between.join(texts) + "]"


def _quoted(item: Any) -> str:
    return f'"{element_text(item)}"' if isinstance(item, bytes) else element_text(item)


def _stream(stream: Any) -> Any:
    """A function of the text, or None for standard error as it is then."""
    if stream is sys.stderr:
        return None
    if stream is sys.stdout:
        return lambda text: _to(sys.stdout, text)
    if isinstance(stream, str) and stream.startswith("file://"):
        return lambda text: _append(stream.removeprefix("file://"), text)
    if callable(stream):
        return lambda text: stream(text.rstrip("\n"))
    if isinstance(stream, int):
        import logging  # a hundredth of a second that few programs need

        return lambda text: logging.getLogger("graphc").log(stream, text.rstrip("\n"))
    if hasattr(stream, "write"):
        return lambda text: _to(stream, text)
    raise ValueError(f"Unknown output stream, logging level, or filepath: {stream!r}")


def _write(stream: Any, text: str) -> None:
    if stream is None:
        _to(sys.stderr, text)
    else:
        stream(text)


def _to(file: Any, text: str) -> None:
    file.write(text)
    file.flush()


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
