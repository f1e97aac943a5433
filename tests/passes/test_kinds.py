"""Sorts of nodes that fusing asks for by name."""

from graphc.ops.sequence_lengths import ReverseSequence
from graphc.passes.kinds import traits


def test_reversed_sequences_can_be_read_at_any_position():
    kind = traits(ReverseSequence)
    assert kind.is_leaf and not kind.has_own_loops
