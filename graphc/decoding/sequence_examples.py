"""One serialised ``tf.train.SequenceExample`` as tensors: features of the whole, and lists of features by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.decoding.examples import (
    ParseSingleExample,
    Wanted,
    gathered,
    parsed,
    rows_of_any_length,
    values_of,
    wanted_of,
)
from graphc.decoding.messages import SequenceExample
from graphc.errors import InvalidArgumentError
from graphc.mistakes import telling_line
from graphc.ops.base import check_dtype, declare
from graphc.ops.host import HostOp
from graphc.ops.strings import STRING, string_tensor
from graphc.records import record
from graphc.shapes import Size, TensorType


@record(eq=False)
class ParseSingleSequenceExample(HostOp):
    """The features of the context, then the sequences: a step a row."""

    context: tuple[Wanted, ...]
    sequences: tuple[Wanted, ...]
    allow_missing: tuple[str, ...]
    example: str

    def infer(self, serialized: TensorType) -> tuple[TensorType, ...]:
        check_dtype(serialized, STRING, "a serialized example")
        if serialized.rank not in (None, 0):
            raise ValueError(f"one example is a scalar string, not {serialized}")
        steps: tuple[Size, ...] = (None,)
        types = [type for wanted in self.context for type in wanted.types(())]
        for wanted in self.sequences:
            own = wanted.types(steps)
            types += own if wanted.is_sparse else [TensorType(wanted.dtype, (*steps, *wanted.shape))]
        return tuple(types)

    def evaluate(self, serialized: Any) -> Any:
        message = parsed(SequenceExample, serialized.item())
        outputs = list(ParseSingleExample(self.context).of_one(dict(message.context.feature)))
        lists = dict(message.feature_lists.feature_list)
        for wanted in self.sequences:
            outputs += self._sequence(wanted, lists.get(wanted.key))
        return tuple(outputs)

    def _sequence(self, wanted: Wanted, found: Any) -> list[Any]:
        if found is None and not wanted.is_sparse and wanted.key not in self.allow_missing:
            raise InvalidArgumentError(
                message=f"{self._name}Feature list '{wanted.key}' is required but could not be found.  Did you mean to "
                "include it in feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
            )
        steps = [] if found is None else found.feature
        rows = [values_of(step, wanted.key, wanted.dtype, self._name) for step in steps]
        filled = [np.zeros(0, wanted.dtype.numpy) if row is None else row for row in rows]
        return rows_of_any_length(wanted, filled) if wanted.is_sparse else [self._dense(wanted, filled)]

    def _dense(self, wanted: Wanted, rows: Sequence[Any]) -> Any:
        for place, row in enumerate(rows):
            if row.size != math.prod(wanted.shape):
                shape = ",".join(map(str, wanted.shape))
                raise InvalidArgumentError(
                    message=f"{self._name}Key: {wanted.key}, Index: {place}.  Number of values != expected.  values "
                    f"size: {row.size} but output shape: [{shape}]"
                )
        empty = np.zeros(0, wanted.dtype.numpy)
        return np.concatenate([empty, *rows]).reshape(len(rows), *wanted.shape)

    @property
    def _name(self) -> str:
        return f"Name: {self.example or '<unknown>'}, "


@telling_line
def parse_single_sequence_example(
    serialized: Any, context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None, example_name: Any = None, name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """One serialised ``tf.train.SequenceExample``: the tensors of its context, and those of its sequences.

    ``context_features`` are FixedLenFeature or VarLenFeature, ``sequence_features`` FixedLenSequenceFeature or
    VarLenFeature. ``InvalidArgumentError`` where one is missing or of another type or size.
    """
    if not (context_features or sequence_features):
        raise ValueError("Missing features.")
    context, sequences = wanted_of(context_features), wanted_of(sequence_features, sequences=True)
    for one in sequences:
        if one.called not in ("FixedLenSequenceFeature", "VarLenFeature"):
            raise ValueError(f"sequence feature {one.key!r} must be a FixedLenSequenceFeature or VarLenFeature")
    missing = [key for key, feature in (sequence_features or {}).items() if getattr(feature, "allow_missing", False)]
    kind = ParseSingleSequenceExample(context, sequences, tuple(missing), str(example_name or ""))
    outputs = declare(kind, string_tensor(serialized), name=name).outputs
    count = sum(len(one.types(())) for one in context)
    return (
        gathered(sorted(context_features or {}), context, outputs[:count]),
        gathered(sorted(sequence_features or {}), sequences, outputs[count:]),
    )
