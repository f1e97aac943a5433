"""A session that runs graphs by their NumPy meaning: slow, and independent of all that compiles."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from graphc.capture import capture
from graphc.feeding import feed_target
from graphc.fetching import Fetches
from graphc.interpret import evaluate
from graphc.nodes import Operation, Tensor
from graphc.ops.state import VariableV2
from graphc.scopes import get_default_graph


class InterpretedSession:
    """As ``tf.Session``, by the NumPy meaning of each captured step."""

    def __init__(self) -> None:
        self.graph = get_default_graph()
        self.values: dict[Operation, np.ndarray[Any, Any]] = {}

    def __enter__(self) -> InterpretedSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.values.clear()

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """The values of ``fetches``; variables keep what the run assigns."""
        parsed = Fetches(self.graph, fetches)
        fed = self._fed(feed_dict or {})
        step = capture(parsed.tensors, parsed.operations, fed)
        inputs = {place: fed[tensor] for tensor, place in step.feeds.items()}
        inputs |= {place: self._state(operation, step.read) for operation, place in step.states.items()}
        inputs |= {place: np.asarray(operation in self.values) for operation, place in step.flags.items()}
        results = evaluate(step.graph, inputs)
        self.values.update(zip(step.updates, results[step.fetches : step.fetches + len(step.updates)], strict=True))
        return parsed.rebuild([array if array.ndim else array[()] for array in results[: step.fetches]])

    def _fed(self, feeds: Mapping[Any, Any]) -> dict[Tensor, np.ndarray[Any, Any]]:
        tensors = {feed_target(self.graph, key): value for key, value in feeds.items()}
        return {tensor: np.asarray(value, tensor.dtype.numpy) for tensor, value in tensors.items()}

    def _state(self, operation: Operation, read: Set[Operation]) -> np.ndarray[Any, Any]:
        if not isinstance(operation.kind, VariableV2):
            return self.values.get(operation, np.zeros((), np.int64))  # a random stream begins at 0
        if operation not in self.values and operation not in read:
            return np.zeros(operation.outputs[0].type.sizes, operation.outputs[0].dtype.numpy)  # what a flag leaves out
        assert operation in self.values, f"{operation.name} is read before it is initialised"
        return self.values[operation]
