"""Stages with which a chain begins: tensors, their rows, generators, and the records of files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.data.elements import DENSE, Element, Elements, taken_apart
from graphc.data.stage import Run, Stage
from graphc.nodes import Tensor
from graphc.ops.host import host_array, translated
from graphc.shapes import Size, TensorType, is_compatible, shape_text


class Whole(Stage):
    """One element: the tensors."""

    def __init__(self, form: Any, tensors: Sequence[Tensor]):
        self.own = tuple(tensors)
        self.elements = Elements(form, [tensor.type for tensor in tensors])

    def tokens(self, run: Run) -> Iterator[Any]:
        return iter([tuple(run.value(tensor) for tensor in self.own)])


class Slices(Stage):
    """The rows of the tensors, side by side; a token is the number of a row."""

    def __init__(self, form: Any, tensors: Sequence[Tensor]):
        self.own = tuple(tensors)
        sizes: set[Size] = set()
        for tensor in tensors:
            if tensor.type.rank == 0:
                raise ValueError(f"from_tensor_slices takes tensors with at least one axis, not the scalar {tensor}")
            if tensor.type.shape is not None and tensor.type.shape[0] is not None:
                sizes.add(tensor.type.shape[0])
        if len(sizes) > 1:
            raise ValueError(f"from_tensor_slices: the first axes differ: {', '.join(str(x.type) for x in tensors)}")
        self.elements = Elements(
            form, [TensorType(x.dtype, None if x.type.shape is None else x.type.shape[1:]) for x in tensors]
        )

    def tokens(self, run: Run) -> Iterator[Any]:
        counts = {len(run.value(tensor)) for tensor in self.own}
        if len(counts) > 1:
            raise errors.InvalidArgumentError(
                None, None, f"from_tensor_slices: the first axes differ: {sorted(counts)} rows"
            )
        return iter(range(counts.pop()))

    def element(self, run: Run, token: Any) -> Element:
        # with an ellipsis, a row of rank 0 is an array too: a program takes that as it is
        return tuple(run.value(tensor)[token, ...] for tensor in self.own)

    def together(self, run: Run, tokens: Sequence[Any]) -> Element:
        return tuple(run.value(tensor).take(tokens, axis=0) for tensor in self.own)


class Generated(Stage):
    """What a Python generator yields, each time it is begun anew."""

    def __init__(self, generator: Callable[..., Any], elements: Elements, arguments: Sequence[Tensor]):
        if not callable(generator):
            raise TypeError(f"`generator` must be callable, not {generator!r}")
        self.generator, self.elements, self.own = generator, elements, tuple(arguments)

    def tokens(self, run: Run) -> Iterator[Any]:
        with _user_errors("generator"):
            made = iter(self.generator(*(_as_given(run.value(tensor)) for tensor in self.own)))
        while True:
            with _user_errors("generator"):
                try:
                    value = next(made)
                except StopIteration:
                    return
            yield self._leaves(value)

    def _leaves(self, value: Any) -> Element:
        """The arrays of what was yielded; ``InvalidArgumentError`` where it is not what was promised."""
        types = self.elements.tensors
        parts = _parts(value, self.elements.form)
        if parts is None:
            raise errors.InvalidArgumentError(
                None,
                None,
                "`generator` yielded an element that did not match the expected structure. The expected structure was "
                f"{self.elements}, but the yielded element was {errors.brief(value)}.",
            )
        return tuple(_leaf(part, type) for part, type in zip(parts, types, strict=True))


def _as_given(value: Any) -> Any:
    array = np.asarray(value)
    return array[()] if array.ndim == 0 else array


def _parts(value: Any, form: Any) -> list[Any] | None:
    """The leaves of a value in the structure of ``form``, None where it has another; a leaf may be any nested list."""
    if form == DENSE:
        return [value]
    if isinstance(form, dict):
        if not isinstance(value, dict) or set(value) != set(form):
            return None
        pairs = [(value[key], form[key]) for key in sorted(form)]
    else:
        if not isinstance(value, (tuple, list)) or len(value) != len(form):
            return None
        pairs = list(zip(value, form))
    found: list[Any] = []
    for part, inner in pairs:
        leaves = _parts(part, inner)
        if leaves is None:
            return None
        found += leaves
    return found


def _leaf(value: Any, type: TensorType) -> Any:
    try:
        array = host_array(value, type.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise errors.InvalidArgumentError(
            None,
            None,
            "`generator` yielded an element that could not be converted to the expected type. The expected type was "
            f"{type.dtype.name}, but the yielded element was {errors.brief(value)} ({error}).",
        ) from None
    if not is_compatible(type.shape, array.shape):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"`generator` yielded an element of shape {array.shape} where an element of shape "
            f"{shape_text(type.shape)} was expected.",
        )
    return array


@contextmanager
def _user_errors(what: str) -> Iterator[None]:
    """What the user's function raises, by TensorFlow's class, with the line of the function."""
    try:
        yield
    except errors.OpError:
        raise
    except Exception as error:
        raise translated(error, None, f"the {what} failed") from error


# -- files ---------------------------------------------------------------------------------------------------


class Files(Stage):
    """The records of files, one file after another; ``records`` gives those of one, as strings."""

    def __init__(self, filenames: Tensor, records: Callable[..., Iterator[bytes]], *arguments: Tensor):
        if filenames.dtype is not dtypes.string:
            raise TypeError(f"names of files are strings, not {filenames.type}")
        self.own = (filenames, *arguments)
        self.records = records
        self.elements = Elements(DENSE, [TensorType(dtypes.string, ())])

    def tokens(self, run: Run) -> Iterator[Any]:
        names, *arguments = (np.asarray(run.value(tensor)) for tensor in self.own)
        for name in np.ravel(names):
            for record in self.records(name, *(argument[()] for argument in arguments)):
                yield (np.array(record, object),)


class Fields(Stage):
    """The columns of CSV files, each of its type."""

    def __init__(self, lines: Stage, defaults: Sequence[Any], types: Sequence[TensorType], delimiter: str, quotes: bool,
                 na_value: str, columns: Sequence[int] | None):  # fmt: skip
        self.parents = (lines,)
        self.defaults, self.delimiter, self.quotes, self.na_value = tuple(defaults), delimiter, quotes, na_value
        self.columns = columns
        form: Any = tuple(DENSE for _ in types)
        self.elements = Elements(form, types)

    def tokens(self, run: Run) -> Iterator[Any]:
        return map(self._row, self.parents[0].iterate(run))

    def _row(self, element: Element) -> Element:
        text = element[0][()].decode()
        quoting: Any = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        fields = next(csv.reader(io.StringIO(text), delimiter=self.delimiter, quoting=quoting))
        if self.columns is not None:
            if self.columns and self.columns[-1] >= len(fields):
                raise _csv_error(f"select_cols asks for column {self.columns[-1]} of {len(fields)}", text)
            fields = [fields[column] for column in self.columns]
        types = self.elements.tensors
        if len(fields) != len(types):
            raise _csv_error(f"Expect {len(types)} fields but have {len(fields)} in record", text)
        return tuple(self._field(*each, text) for each in zip(fields, types, self.defaults))

    def _field(self, field: str, type: TensorType, default: Any, text: str) -> Any:
        if field in ("", self.na_value):
            if default is None:
                raise _csv_error("a required field is missing", text)
            return default
        if type.dtype.is_string:
            return np.array(field.encode(), object)
        try:
            return type.dtype.numpy.type(float(field) if type.dtype.is_floating else int(field))
        except (ValueError, OverflowError):
            raise _csv_error(f"Field {field!r} in record is not a valid {type.dtype.name}", text) from None


def _csv_error(what: str, text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, f"{what}: {text!r}")


def as_form(value: Any) -> tuple[Any, list[Tensor]]:
    """The form and the tensors of what from_tensors takes; ``NotImplementedError`` for datasets inside."""
    form, leaves = taken_apart(value)
    if any(not isinstance(leaf, Tensor) for leaf in leaves):
        raise NotImplementedError("a dataset of datasets is not provided; use zip, concatenate or flat_map")
    return form, leaves
