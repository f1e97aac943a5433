"""Strings cut into pieces, as a sparse matrix of a row for each string; and how far such sequences are apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import check_dtype, declare
from graphc.ops.host import HostOp
from graphc.ops.sparse_tensor import SparseTensor
from graphc.ops.strings import STRING, string_tensor
from graphc.records import record
from graphc.shapes import TensorType


class _Splitting(HostOp):
    """The pieces of strings: positions [n, 2], texts [n], and the shape of the whole."""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        check_dtype(x, STRING, "the source")
        if x.rank not in (None, 1):
            raise ValueError(f"the source must be a vector of strings, not {x}")
        positions = TensorType(dtypes.int64, (None, 2))
        return positions, TensorType(dtypes.string, (None,)), TensorType(dtypes.int64, (2,))

    def evaluate(self, x: Any) -> tuple[Any, ...]:
        rows = [self.pieces(item) for item in x]
        positions = [(row, n) for row, pieces in enumerate(rows) for n in range(len(pieces))]
        values = dtypes.as_bytes([piece for pieces in rows for piece in pieces])
        widest = max((len(pieces) for pieces in rows), default=0)
        return np.array(positions, np.int64).reshape(-1, 2), values, np.array([len(rows), widest], np.int64)

    def pieces(self, item: bytes) -> list[bytes]:
        """The pieces of one string."""
        raise NotImplementedError


@record(eq=False)
class StringSplit(_Splitting):
    """Cut at every byte that is one of the delimiter's; into single bytes where that is empty."""

    delimiter: bytes
    skip_empty: bool

    def pieces(self, item: bytes) -> list[bytes]:
        if not self.delimiter or not item:
            return [item[n : n + 1] for n in range(len(item))]
        first = self.delimiter[:1]
        found = item.translate(bytes.maketrans(self.delimiter, first * len(self.delimiter))).split(first)
        return [piece for piece in found if piece] if self.skip_empty else found


@record(eq=False)
class StringSplitV2(_Splitting):
    """Cut at every separator, or at white space where that is empty, as Python does."""

    sep: bytes
    maxsplit: int

    def pieces(self, item: bytes) -> list[bytes]:
        return item.split(self.sep or None, self.maxsplit)


@telling_line
def string_split(
    source: Any, sep: str | None = None, skip_empty: bool = True, delimiter: str | None = None,
    result_type: str = "SparseTensor", name: str | None = None,
) -> SparseTensor:  # fmt: skip
    """The pieces of a vector of strings as a SparseTensor [strings, most pieces], cut at each character of ``sep``.

    ``sep`` is a blank where None; an empty one cuts into single bytes.
    """
    _check_sparse(result_type)
    separator = sep if delimiter is None else delimiter
    text = " " if separator is None else separator
    kind = StringSplit(text if isinstance(text, bytes) else text.encode(), skip_empty)
    return SparseTensor(*declare(kind, string_tensor(source), name=name).outputs)


def split(
    input: Any = None, sep: str | None = None, maxsplit: int = -1, result_type: str = "SparseTensor",
    source: Any = None, name: str | None = None,
) -> SparseTensor:  # fmt: skip
    """``tf.strings.split``: the pieces between whole separators ``sep``, or between white space where None or empty."""
    _check_sparse(result_type)
    kind = StringSplitV2((sep or "").encode(), maxsplit)
    return SparseTensor(*declare(kind, string_tensor(source if input is None else input), name=name).outputs)


def _check_sparse(result_type: str) -> None:
    if result_type != "SparseTensor":
        raise NotImplementedError(f"result_type {result_type!r}: there are no ragged tensors; take a SparseTensor")


# -- edit distance -------------------------------------------------------------------------------------------------


@record(eq=False)
class EditDistance(HostOp):
    """How many insertions, deletions and changes lead from each sequence of the first to that of the second.

    Levenshtein's distance by dynamic programming (Wagner and Fischer, The String-to-String Correction Problem, 1974).
    """

    normalize: bool

    def infer(self, *inputs: TensorType) -> TensorType:
        if inputs[1].dtype is not inputs[4].dtype:
            raise TypeError(f"the sequences have different dtypes: {inputs[1]} and {inputs[4]}")
        rank = inputs[2].shape[0] if inputs[2].shape else None
        return TensorType(dtypes.float32, (None,) * (rank - 1) if isinstance(rank, int) else None)

    def evaluate(self, *parts: Any) -> Any:
        shapes = parts[2], parts[5]
        if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 2:
            raise ValueError(f"the sequences have shapes {shapes[0].tolist()} and {shapes[1].tolist()}")
        result = np.zeros(np.maximum(shapes[0][:-1], shapes[1][:-1]), np.float32)
        left, right = _sequences(*parts[:2]), _sequences(*parts[3:5])
        for place in left.keys() | right.keys():
            result[place] = self._distance(left.get(place, []), right.get(place, []))
        return result

    def _distance(self, hypothesis: list[Any], truth: list[Any]) -> float:
        changes = levenshtein(hypothesis, truth)
        if not self.normalize:
            return changes
        if not truth:
            return float("inf") if hypothesis else 0.0
        return changes / len(truth)


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in zip(map(tuple, indices[:, :-1].tolist()), values.tolist(), strict=True):
        found.setdefault(place, []).append(value)
    return found


def levenshtein(left: list[Any], right: Iterable[Any]) -> int:
    """The least number of insertions, deletions and changes."""
    row = list(range(len(left) + 1))  # the distances of the beginnings of left from the part of right seen so far
    for count, item in enumerate(right, 1):
        diagonal, row[0] = row[0], count
        for n, other in enumerate(left, 1):
            diagonal, row[n] = row[n], min(row[n] + 1, row[n - 1] + 1, diagonal + (item != other))
    return row[-1]


@telling_line
def edit_distance(
    hypothesis: SparseTensor, truth: SparseTensor, normalize: bool = True, name: str = "edit_distance"
) -> Tensor:
    """Levenshtein's distance between the sequences along the last axis of two SparseTensors, float32.

    ``normalize`` divides it by the length of the truth (infinite where that is empty and the hypothesis is not).
    ``TypeError`` where one is not sparse.
    """
    for value, what in ((hypothesis, "Hypothesis"), (truth, "Truth")):
        if not isinstance(value, SparseTensor):
            raise TypeError(f"{what} must be a SparseTensor.")
    parts = [part for x in (hypothesis, truth) for part in (x.indices, x.values, x.dense_shape)]
    return declare(EditDistance(normalize), *parts, name=name).outputs[0]
