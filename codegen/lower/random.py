"""Random numbers: one statement that fills the result from the op's stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Draw, Statement
from graphc.codegen.lower.values import Root
from graphc.nodes import Op, Operation
from graphc.ops.random import (
    CandidateInt,
    CandidateUniform,
    MultinomialUniform,
    Random,
    RandomStandardNormal,
    RandomUniform,
    RandomUniformInt,
    ShuffleDraws,
    TruncatedNormal,
)
from graphc.ops.stateless import StatelessNormal, StatelessTruncatedNormal, StatelessUniform, StatelessUniformInt

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _random(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    """The last input says where in the stream this run begins, the one before it which stream; limits come first."""
    kind: Random = node.kind  # type: ignore[assignment]
    *between, stream, counter = node.inputs
    seeds = (nest.values.at(stream, (0,)), nest.values.at(stream, (1,)))
    position, *limits = (nest.values.at(x, ()) for x in (counter, *between))
    draw = Draw(nest.outputs[node.outputs[0]], kind.sampler, seeds, position, tuple(limits))
    return nest.with_checks(draw)


_KINDS = (
    *(RandomUniform, RandomStandardNormal, TruncatedNormal, RandomUniformInt, MultinomialUniform, ShuffleDraws),
    *(CandidateUniform, CandidateInt),
    *(StatelessUniform, StatelessNormal, StatelessTruncatedNormal, StatelessUniformInt),
)
ROOTS: dict[type[Op], Root] = dict.fromkeys(_KINDS, _random)
