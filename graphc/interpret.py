"""The slow meaning of a graph: every node by its NumPy meaning, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.graph import Graph
from graphc.nodes import Tensor


def evaluate(graph: Graph, feeds: Mapping[Tensor, Any], targets: Sequence[Tensor] | None = None) -> list[Any]:
    """The values of ``targets`` (the graph's own where None), given those of its placeholders and variables."""
    wanted = graph.targets if targets is None else targets
    values: dict[Tensor, Any] = dict(feeds)
    for node in _needed(wanted, values):
        if all(tensor in values for tensor in node.outputs):
            continue
        with np.errstate(all="ignore"):
            results = node.kind.evaluate(*(values[tensor] for tensor in node.inputs))
        outputs = results if isinstance(results, tuple) else (results,)
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values[tensor] = np.asarray(value)
    return [values[tensor] for tensor in wanted]


def _needed(targets: Sequence[Tensor], known: Mapping[Tensor, Any]) -> list[Any]:
    seen = set()
    waiting = [tensor for tensor in targets if tensor not in known]
    while waiting:
        node = waiting.pop().op
        if node not in seen:
            seen.add(node)
            waiting.extend(tensor for tensor in node.inputs if tensor not in known)
    return sorted(seen, key=lambda node: node.number)
