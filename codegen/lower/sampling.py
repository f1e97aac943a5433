"""A permutation from random bits: each number changes places with one that comes at or after it.

for i: p[i] = i
for i: swap p[i], p[i + bits[i] % (n - i)]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.codegen.loops import Apply, For, IndexValue, Let, Load, LoadedIndex, Local, Statement, Store
from graphc.codegen.lower.values import Root, literal
from graphc.dims import Symbol, atom, symbol
from graphc.nodes import Op, Operation
from graphc.ops.sampling import LOWEST, Permutation

if TYPE_CHECKING:
    from graphc.codegen.lower.nest import Nest


def _permutation(nest: Nest, node: Operation) -> tuple[Statement, ...]:
    draws, order = node.inputs[0], nest.outputs[node.outputs[0]]
    length = draws.type.sizes[0]
    numbered, swapped = Symbol("i", length), Symbol("j", length)
    first, place = symbol(numbered.name, length), symbol(swapped.name, length)
    bits = Apply("cast", (nest.values.at(draws, (place,)),), "i64")
    unsigned = Apply("sub", (bits, literal(LOWEST, "i64")), "i64")
    step = Apply("mod", (unsigned, IndexValue(length - place, "i64")), "i64")
    other = atom(LoadedIndex(Local("other", "i64")))
    return (
        For(numbered, (Store(order, first, IndexValue(first, "i32")),)),
        For(swapped, (
            Let("other", Apply("add", (IndexValue(place, "i64"), step), "i64")),
            Let("here", Load(order, place)),
            Let("there", Load(order, other)),
            Store(order, place, Local("there", "i32")),
            Store(order, other, Local("here", "i32")),
        )),
    )  # fmt: skip


ROOTS: dict[type[Op], Root] = {Permutation: _permutation}
