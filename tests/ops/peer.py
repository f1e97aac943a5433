"""The same program in TensorFlow and in graphc: values and gradients side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc
from graphc.graph import Graph
from tests.ops.harness import assert_close

Program = Callable[..., Any]


def compare(program: Program, arrays: list[Any], factor: float = 16.0, gradients: bool = True) -> None:
    """Outputs, and the gradients of their weighted sum, agree; ``program`` is called with a namespace and tensors."""
    import tensorflow

    v1 = tensorflow.compat.v1
    wanted = run(v1, v1.Graph(), program, arrays, gradients)
    assert_close(run(graphc, Graph(), program, arrays, gradients), wanted, factor)


def run(tf: Any, graph: Any, program: Program, arrays: list[Any], gradients: bool = True) -> list[Any]:
    """The values of the outputs and the gradients of their weighted sum."""
    with graph.as_default():
        inputs = [tf.placeholder(array.dtype, array.shape) for array in arrays]
        outputs = program(tf, *inputs)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        floats = [y for y in outputs if y.dtype.is_floating] if gradients else []
        weights = [(1 + np.arange(np.prod(y.shape.as_list()))).reshape(y.shape.as_list()) for y in floats]
        sources = [x for x in inputs if x.dtype.is_floating or x.dtype.is_complex]
        found = []
        if floats and sources and gradients:
            ys = [y * w.astype(y.dtype.as_numpy_dtype) for y, w in zip(floats, weights, strict=True)]
            found = [tf.convert_to_tensor(g) for g in tf.gradients(ys, sources) if g is not None]
        with tf.Session(graph=graph) as session:
            return session.run([*outputs, *found], dict(zip(inputs, arrays, strict=True)))
