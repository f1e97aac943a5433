"""The op table as files: every row is written and read back with its gradients, and TensorFlow gives its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.exchange.writing import PREFIX
from graphc.interpret import evaluate
from tests.ops.cases import CASES
from tests.ops.harness import Case, assert_close, build, with_gradients

ONE_DTYPE = [(case, case.dtypes[0]) for case in CASES]


def written(case: Case, dtype: str) -> tuple[Any, list[Any]]:
    """A row of the table with its gradients where it has any, and the tensors to be compared."""
    if dtype in ("float32", "float64") and case.sources(dtype) and case.differentiable != ():
        return with_gradients(case, dtype)
    built = build(case, dtype)
    return built, list(built.outputs)


@pytest.mark.parametrize("case, dtype", ONE_DTYPE, ids=[case.name for case in CASES])
def test_written_and_read_it_is_the_same_graph(case: Case, dtype: str) -> None:
    built, tensors = written(case, dtype)
    definition = built.graph.as_graph_def()
    if any("_graphc_error" in node.attr for node in definition.node):
        pytest.skip("a part of it is a Python function")
    names = [tensor.name for tensor in tensors]
    with tf.Graph().as_default() as graph:
        found = tf.import_graph_def(
            tf.GraphDef.FromString(definition.SerializeToString()), name="", return_elements=names
        )
        feeds = {graph.get_tensor_by_name(tensor.name): value for tensor, value in built.feeds.items()}
        came = evaluate(graph, feeds, found)
    assert [tensor.type for tensor in found] == [tensor.type for tensor in tensors]
    for value, wanted in zip(came, evaluate(built.graph, built.feeds, tensors), strict=True):
        np.testing.assert_array_equal(value, wanted)
    assert graph.as_graph_def() == definition  # and so again


# Where TensorFlow's kernels for CPUs refuse what is written, or give something else.
_OTHERWISE = {
    "argmax with NaN": "a NaN is passed over",
    "argmin with NaN": "a NaN is passed over",
    "max_pool with NaN": "a NaN is passed over",
    "digamma below zero": "the poles differ",
    "argsort of odd floats": "NaN come elsewhere",
    **dict.fromkeys(
        ("unsorted_segment_max", "unsorted_segment_min", "unsorted_segment_prod"),
        "negative ids are refused where their adjoints are scattered",
    ),
    "igamma at limits": "the limits differ",
    "conv2d ((1, 0), (2, 1)) (1, 2) (1, 1) (3, 2) 3>4 NCHW": "its adjoint takes channels last alone",
    "depthwise ((1, 2), (0, 1)) (1, 3) (1, 1) (3, 2) 3x1 NHWC": "strides must be equal",
    "depthwise ((0, 1), (2, 2)) (1, 3) (1, 1) (3, 2) 3x2 NCHW": "strides must be equal",
}


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case, dtype", ONE_DTYPE, ids=[case.name for case in CASES])
def test_tensorflow_computes_the_same(case: Case, dtype: str) -> None:
    import tensorflow.compat.v1 as peer

    if case.name in _OTHERWISE:
        pytest.skip(f"in TensorFlow {_OTHERWISE[case.name]}")
    built, tensors = written(case, dtype)
    own = [node.op for node in built.graph.as_graph_def().node if node.op.startswith(PREFIX)]
    if own:
        pytest.skip(f"TensorFlow has no {sorted(set(own))}")
    data = built.graph.as_graph_def().SerializeToString()
    with peer.Graph().as_default() as graph, peer.Session(graph=graph) as session:
        peer.import_graph_def(peer.GraphDef.FromString(data), name="")
        came = session.run([t.name for t in tensors], {t.name: value for t, value in built.feeds.items()})
    assert_close(came, evaluate(built.graph, built.feeds, tensors), 10 * case.loose)
