"""Steps that only set variables to constants, as most initialisers do: NumPy copies them, and nothing is compiled.

What is copied and repeated comes out the same whoever does it; what is computed is left to compiled code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.interpret import evaluate
from graphc.nodes import Operation
from graphc.ops.state import VariableV2
from graphc.step import Step

# A step that runs more often is compiled, for a call of its code takes less time than so much of Python.
OFTEN = 1000
_COPIES = frozenset(["Const", "BroadcastTo", "Reshape", "Identity"])


def only_sets_constants(step: Step) -> bool:
    """Whether all that a step does is to give variables values that are written in it."""
    if step.fetches or step.feeds or step.flags or step.states or step.hosts or step.graph.measured:
        return False
    targets, nodes = step.graph.targets, step.graph.nodes
    if not 0 < len(targets) == len(step.updates) or not all(node.type in _COPIES for node in nodes):
        return False
    are_numbers = all(tensor.type.is_exact and not tensor.dtype.is_string for tensor in targets)
    return are_numbers and all(isinstance(operation.kind, VariableV2) for operation in step.updates)


def constants_of(step: Step) -> Sequence[tuple[Operation, Any]]:
    """The variables that such a step sets, and their values."""
    return list(zip(step.updates, evaluate(step.graph, {}), strict=True))
