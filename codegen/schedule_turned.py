"""Copies that exchange two axes: what is contiguous on either side is walked together, in squares of registers."""

from __future__ import annotations

from graphc.codegen.loops import ITEM_BYTES, For, If, Load, Statement, Store
from graphc.codegen.schedule_cost import CostModel, estimate_size
from graphc.codegen.schedule_vectors import chain_of, movable
from graphc.dims import atoms
from graphc.records import replace

SQUARE = 16  # Iterations of the outer loop in whole lines of memory.
ENOUGH = 256  # Fewer elements are gathered as fast.


def turn(body: tuple[Statement, ...], costs: CostModel) -> tuple[Statement, ...]:
    """Mark the loops of a transpose, the one that is contiguous in the source outside::

    for i < 512:                         turned for j < 512:
      for j < 512:                 ->      for i < 512:
        y[j*512+i] = x[i*512+j]              y[j*512+i] = x[i*512+j]
    """
    return tuple(_turned(statement, costs) for statement in body)


def _turned(statement: Statement, costs: CostModel) -> Statement:
    if isinstance(statement, If):
        return replace(statement, body=turn(statement.body, costs))
    if not isinstance(statement, For):
        return statement
    chain = list(chain_of(statement))
    pair = _pair(chain, costs)
    if pair is None:
        return statement
    along_source, along_copy = pair
    result = replace(along_source, body=(replace(along_copy, body=chain[-1].body),), turned=True)
    for loop in reversed([loop for loop in chain if loop is not along_source and loop is not along_copy]):
        result = replace(loop, body=(result,))
    return result


def _pair(chain: list[For], costs: CostModel) -> tuple[For, For] | None:
    """The loop that is contiguous in what is loaded, and the one that is in what is stored, of a mere copy."""
    store = chain[-1].body[0]
    if len(chain) < 2 or len(chain[-1].body) != 1 or not isinstance(store, Store) or store.combine is not None:
        return None
    load = store.value
    if not isinstance(load, Load) or load.dtype != store.buffer.dtype or ITEM_BYTES[load.dtype] not in (4, 8):
        return None
    if load.where is not None or load.buffer == store.buffer or not movable(chain, costs):
        return None
    steps = [(costs.stride(load.offset, loop.variable), costs.stride(store.offset, loop.variable)) for loop in chain]
    if any(step is None or any(loop.variable in atoms(step) for loop in chain) for pair in steps for step in pair):
        return None
    along_source = [loop for loop, (read, _) in zip(chain, steps, strict=True) if read == 1]
    along_copy = [loop for loop, (_, written) in zip(chain, steps, strict=True) if written == 1]
    if len(along_source) != 1 or len(along_copy) != 1 or along_source == along_copy:
        return None
    source, copy = along_source[0], along_copy[0]
    long = min(estimate_size(source.extent), estimate_size(copy.extent)) >= 4
    enough = estimate_size(source.extent) * estimate_size(copy.extent) >= ENOUGH
    return (source, copy) if long and enough else None
