"""Runs in which a branch decides whether a variable gets its first value, as in

    once = tf.cond(tf.is_variable_initialized(v), tf.no_op, lambda: v.assign(v.initial_value).op)

A step that keeps the value where the other branch is taken wants there to be one. While there is none, another step
runs in its place: it also tells which variables have a value afterwards, and checks that before they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.capture import UNSET, capture
from graphc.faults import RefusedValue
from graphc.nodes import Operation, Tensor
from graphc.ops.assertions import Assert
from graphc.shapes import is_constant
from graphc.versions import Versions

if TYPE_CHECKING:
    from graphc.session_state import Array, State


def may_branch(variables: Iterable[Operation], nodes: Iterable[Operation]) -> bool:
    """Whether a step of these nodes might do without the values of these variables."""
    inside = any(node.kind.functions() for node in nodes)
    return inside and all(is_constant(variable.outputs[0].type.shape) for variable in variables)


class FirstValues:
    """A step that runs while some variables have no value, and its compiled versions."""

    def __init__(
        self, fetches: Sequence[Tensor], effects: Sequence[Operation], feeds: Sequence[Tensor],
        variables: frozenset[Operation], threads: int,
    ):  # fmt: skip
        self.step = capture(fetches, effects, feeds, unset=variables)
        self.versions = Versions(self.step, threads)

    def run(self, fed: Mapping[Tensor, Array], state: State) -> tuple[list[Any], Any]:
        """What is fetched, and the version that ran; ``fed`` are the values of the feeds."""
        step = self.step
        flags = (np.array(variable in state.initialised) for variable in step.flags)
        used = [*(fed[tensor] for tensor in step.feeds), *flags]
        results, executable = self.versions.run(used, state)
        told = dict(zip(step.told, results[step.fetches - len(step.told) :], strict=True))
        state.initialised.update(variable for variable in step.updates if told.get(variable, True))
        return results[: step.fetches - len(step.told)], executable


def unset_in(failure: RefusedValue, variables: Iterable[Operation]) -> list[Operation]:
    """The variable that was read without a value, where that is what failed."""
    kind = failure.op.kind
    name = kind.parts[0] if isinstance(kind, Assert) and kind.called == UNSET else None
    return [variable for variable in variables if variable.name == name]
