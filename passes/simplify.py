"""Replaces nodes by fewer and cheaper ones that mean the same.

Before::

    one: f32[] = Const(value=1.)
    a: f32[3,4] = BroadcastTo(b, shape=[3,4])        b is f32[4]
    c: f32[3,4] = Mul(a, one)
    d: f32[3,4] = Add(x, c)
    return d

After::

    d: f32[3,4] = Add(x, b)
    return d

The rules are small functions whose docstrings are their equations, listed by the kind of node that they look at.
One sweep reaches a fixed point: what a rule makes is simplified before anything reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.elementwise import RECORDS
from graphc.passes.fold import folded_values
from graphc.passes.rewrite import rewrite
from graphc.passes.simplify_arithmetic import ARITHMETIC
from graphc.passes.simplify_products import PRODUCTS
from graphc.passes.simplify_reductions import REDUCTIONS
from graphc.passes.simplify_site import Key, Rule, Site, key_of
from graphc.passes.simplify_views import VIEWS, operands_repeated
from graphc.scopes import get_default_graph


def simplify(graph: Graph) -> Graph:
    """The graph with every rule applied wherever it fits; nodes of inexact types are left alone."""
    return rewrite(graph, _simplified)


def _simplified(node: Operation, inputs: tuple[Tensor, ...]) -> Tensor | None:
    if key_of(node.kind) not in RULES:
        return None
    type = node.outputs[0].type
    if not type.is_exact or not all(tensor.type.is_exact for tensor in inputs):
        return None
    return Site(get_default_graph(), node, RULES, node.kind, type).settle(inputs)


def constants_only(at: Site, *inputs: Tensor) -> Tensor | None:
    """``f(constants) -> constant``"""
    values = folded_values(at.kind, inputs, (at.type,))
    return None if values is None else at.make(Const(values[0]))


def _all_rules() -> dict[Key, tuple[Rule, ...]]:
    """What to try on each kind of node: constants first, then views out of the way, then identities of the op."""
    keys: list[Key] = list(dict.fromkeys([*RECORDS, *VIEWS, *ARITHMETIC, *REDUCTIONS, *PRODUCTS]))
    elementwise = dict.fromkeys(RECORDS, (constants_only, operands_repeated))
    others = dict.fromkeys((key for key in keys if key not in RECORDS), (constants_only,))
    tables: Sequence[Mapping[Any, tuple[Rule, ...]]] = (elementwise, VIEWS, ARITHMETIC, REDUCTIONS, PRODUCTS, others)
    return {key: tuple(rule for table in tables for rule in table.get(key, ())) for key in keys}


RULES = _all_rules()
