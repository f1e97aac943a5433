"""Small graphs for tests of passes, and how they print."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf
from graphc.dims import symbol
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.passes.specialise import specialise
from graphc.passes.verify import verify
from graphc.shapes import TensorType


def built(build: Callable[..., Any], **types: str) -> Graph:
    """The graph of ``build`` applied to placeholders; a type reads ``float32 3,4``; ``n`` is a symbolic size."""
    graph = Graph()
    with graph.as_default():
        inputs = {name: _placeholder(name, text) for name, text in types.items()}
        result = build(**inputs)
        graph.targets = tuple(
            tf.convert_to_tensor(x) for x in (result if isinstance(result, (list, tuple)) else [result])
        )
    exact = {name: TensorType(x.dtype, _shape(types[name])) for name, x in inputs.items()}
    return specialise(graph, exact)


def printed(graph: Graph) -> list[str]:
    """The lines of a graph without its inputs, and without where they were declared."""
    verify(graph)
    lines = [re.sub(r" +# .*", "", line) for line in str(graph).splitlines()]
    return [line for line in lines if " = Placeholder(" not in line]


def check_same_values(before: Graph, after: Graph, sizes: int = 3) -> None:
    """AssertionError where two graphs with inputs of the same names differ in a value; symbols stand for ``sizes``."""
    values = {node.name: _random(node.outputs[0], sizes) for node in before.nodes if node.type == "Placeholder"}
    results = []
    for graph in (before, after):
        places = {node.outputs[0]: values[node.name] for node in graph.nodes if node.type == "Placeholder"}
        results.append(evaluate(graph, places))
    for wanted, found in zip(*results, strict=True):
        assert wanted.dtype == found.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def _placeholder(name: str, text: str) -> Any:
    dtype, _, _ = text.partition(" ")
    shape = [size if isinstance(size, int) else None for size in _shape(text)]
    return tf.placeholder(getattr(tf, dtype), shape, name=name)


def _shape(text: str) -> tuple[Any, ...]:
    _, _, sizes = text.partition(" ")
    return tuple(int(size) if size.isdigit() else symbol(size) for size in sizes.split(",") if size)


def _random(tensor: Any, sizes: int) -> Any:
    rng = np.random.default_rng(len(tensor.op.name))
    shape = tuple(size if isinstance(size, int) else sizes for size in tensor.type.sizes)
    values = rng.uniform(-2, 2, shape)
    return values > 0 if tensor.dtype is tf.bool else values.astype(tensor.dtype.numpy)
