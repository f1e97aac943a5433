"""Products and convolutions become contractions with the same values, and with transposes read in place."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from graphc.dims import Dim, evaluate, symbol
from graphc.graph import Graph
from graphc.interpret import evaluate as interpret
from graphc.nodes import Tensor
from graphc.ops.base import placeholder
from graphc.ops.contraction import Contract, ContractPhases, matmul
from graphc.ops.convolution import conv2d
from graphc.ops.depthwise import depthwise_conv2d_native
from graphc.ops.elementwise import tanh
from graphc.ops.reshaping import broadcast_to, reshape, transpose
from graphc.passes.contractions import contractions
from graphc.passes.gradients import gradients
from graphc.passes.rewrite import rewrite
from graphc.passes.specialise import specialise
from graphc.passes.verify import verify
from graphc.passes.views import reshaped_strides
from graphc.records import fields, replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

BY_DEPTH = [f"DepthwiseConv2dNative{adjoint}" for adjoint in ("", "BackpropInput", "BackpropFilter")]
PRODUCTS = ("MatMul", "BatchMatMulV2", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", *BY_DEPTH)


def _values(shapes: list[tuple[int, ...]], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def _built(build: Any, shapes: list[tuple[int, ...]]) -> Graph:
    """A graph of exact sizes."""
    graph = Graph()
    with graph.as_default():
        inputs = [placeholder("float64", shape, name=f"x{i}") for i, shape in enumerate(shapes)]
        graph.targets = tuple(build(*inputs))
    return _exact(graph)


def _exact(graph: Graph, **sizes: Any) -> Graph:
    types = {}
    for node in graph.nodes:
        if node.type == "Placeholder":
            tensor = node.outputs[0]
            given = sizes.get(node.name, ())
            known = tuple(given[i] if size is None else size for i, size in enumerate(tensor.type.shape))
            types[node.name] = TensorType(tensor.dtype, known)
    return specialise(graph, types)


def _run(graph: Graph, values: list[Any]) -> list[Any]:
    inputs = [node.outputs[0] for node in graph.nodes if node.type == "Placeholder"]
    by_name = {tensor.op.name: tensor for tensor in inputs}
    feeds = {by_name[f"x{i}"]: value for i, value in enumerate(values) if f"x{i}" in by_name}
    return interpret(graph, feeds)


def _kinds(graph: Graph) -> list[str]:
    return [node.type for node in graph.nodes]


def _assert_same_values(build: Any, shapes: list[tuple[int, ...]], contracts: int | None = None) -> Graph:
    before = _built(build, shapes)
    after = contractions(before)
    verify(after)
    assert not set(_kinds(after)) & set(PRODUCTS)
    if contracts is not None:
        assert _kinds(after).count("Contract") == contracts
    values = _values(shapes)
    for old, new in zip(_run(before, values), _run(after, values), strict=True):
        assert old.shape == new.shape
        np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-12)
    assert str(contractions(after)) == str(after)
    return after


def test_a_transpose_is_read_in_place() -> None:
    graph = _built(lambda x, w: [matmul(x, transpose(w), transpose_b=True, name="y")], [(3, 5), (5, 4)])
    after = contractions(graph)
    lines = [line.split("#")[0].rstrip() for line in str(after).splitlines()]
    assert lines == [
        "x0: f64[3,5] = Placeholder()",
        "x1: f64[5,4] = Placeholder()",
        "y: f64[3,4] = Contract(x0, x1, rows=[[3,5,0]], cols=[[4,0,1]], inner=[[5,1,4]])",
        "return y",
    ]


@pytest.mark.parametrize("ta, tb", list(itertools.product([False, True], repeat=2)))
def test_matrix_products_with_their_gradients(ta: bool, tb: bool) -> None:
    def build(a: Tensor, b: Tensor) -> list[Any]:
        y = matmul(a, b, ta, tb)
        return [y, *gradients(y * y, [a, b])]

    _assert_same_values(build, [(5, 3) if ta else (3, 5), (4, 5) if tb else (5, 4)], contracts=3)


BATCHES = [((2, 3, 5), (2, 5, 4)), ((2, 3, 5), (5, 4)), ((3, 5), (2, 5, 4)), ((6, 1, 3, 5), (2, 5, 4)),
           ((1, 3, 5), (2, 5, 4)), ((2, 1, 3, 5), (1, 6, 5, 4)), ((0, 3, 5), (5, 4)), ((3, 0), (0, 4))]  # fmt: skip


@pytest.mark.parametrize("a, b", BATCHES)
def test_batches_broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    def build(x: Tensor, y: Tensor) -> list[Any]:
        z = matmul(x, y)
        return [z, *gradients(z * z, [x, y])]

    _assert_same_values(build, [a, b], contracts=3)


def test_a_batch_of_one_operand_only_joins_the_rows() -> None:
    after = _assert_same_values(lambda x, y: [matmul(x, y)], [(6, 2, 3, 5), (5, 4)])
    kind = after.nodes[-1].kind
    assert isinstance(kind, Contract)
    assert kind.batch == ()
    assert kind.rows == ((6, 30, 0), (2, 15, 0), (3, 5, 0))


VIEWS = {
    "transposed": lambda x: transpose(x, [0, 2, 1]),
    "moved axes": lambda x: transpose(x, [2, 0, 1]),
    "merged after a transpose": lambda x: reshape(transpose(x, [2, 0, 1]), [3, 40]),
    "split": lambda x: reshape(x, [2, 2, 10, 3]),
    "merged where it does not lie evenly": lambda x: reshape(transpose(x, [2, 1, 0]), [3, 40]),
    "a slice": lambda x: x[1:7:2, ::-1, 1:],
    "an index": lambda x: x[2],
    "new axes": lambda x: x[:, None, ..., None, :],
    "repeated": lambda x: broadcast_to(x[:1], [5, 4, 3]),
    "a slice of something computed": lambda x: tanh(x)[2:5],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_read_in_place(name: str) -> None:
    def build(x: Tensor) -> list[Any]:
        view = VIEWS[name](x)
        y = matmul(view, view, transpose_b=True)
        return [y, *gradients(y * y, [x])]

    after = _assert_same_values(build, [(10, 4, 3)])
    if name not in ("merged where it does not lie evenly", "a slice of something computed"):
        first = next(node for node in after.nodes if node.type == "Contract")
        assert [x.op.name for x in first.inputs] == ["x0", "x0"]


@pytest.mark.parametrize("old, strides, new, wanted", [
    ((6, 4), (4, 1), (24,), (1,)),
    ((6, 4), (1, 6), (24,), None),
    ((6, 4), (1, 6), (2, 3, 4), (3, 1, 6)),
    ((6, 1, 4), (4, 0, 1), (3, 8), (8, 1)),
    ((6, 4), (8, 1), (6, 1, 2, 2), (8, 2, 2, 1)),
    ((5,), (-1,), (1, 5, 1), (5, -1, 0)),
    ((symbol("n"), 4, 3), (12, 3, 1), (symbol("n"), 12), (12, 1)),
    ((symbol("n"), 4, 3), (3, 3 * symbol("n"), 1), (symbol("n") * 12,), None),
])  # fmt: skip
def test_strides_under_another_shape(old: Any, strides: Any, new: Any, wanted: Any) -> None:
    found = reshaped_strides(old, strides, new)
    if wanted is None or found is None:
        assert found is wanted
        return
    assert [f for f, size in zip(found, new, strict=True) if size != 1] == [
        w for w, size in zip(wanted, new, strict=True) if size != 1
    ]


PADDINGS = ["SAME", "VALID", [[0, 0], [1, 2], [0, 1], [0, 0]]]
MOVES = [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 1)), ((3, 2), (1, 2)), ((5, 4), (1, 1))]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("padding", PADDINGS, ids=["SAME", "VALID", "explicit"])
@pytest.mark.parametrize("strides, dilations", MOVES)
@pytest.mark.parametrize("window", [(3, 2), (1, 1)])
def test_convolutions_and_their_gradients(layout: str, padding: Any, strides: Any, dilations: Any, window: Any) -> None:
    image = (2, 8, 7, 3) if layout == "NHWC" else (2, 3, 8, 7)
    edges = padding if isinstance(padding, str) or layout == "NHWC" else [padding[0], padding[3], *padding[1:3]]

    def build(x: Tensor, w: Tensor) -> list[Any]:
        y = conv2d(x, w, strides, edges, data_format=layout, dilations=dilations)
        dx, dw = gradients(y * y, [x, w])
        return [y, dx, dw, *gradients(dx * dx, [x, w]), *gradients(dw * dw, [x, w])]

    after = _assert_same_values(build, [image, (*window, 3, 4)])
    if layout == "NHWC":
        assert "Transpose" not in _kinds(after)


@pytest.mark.parametrize("padding", PADDINGS, ids=["SAME", "VALID", "explicit"])
@pytest.mark.parametrize("strides, dilations", MOVES)
def test_images_of_many_channels_are_not_padded(padding: Any, strides: Any, dilations: Any) -> None:
    def build(x: Tensor, w: Tensor) -> list[Any]:
        y = conv2d(x, w, strides, padding, dilations=dilations)
        dx, dw = gradients(y * y, [x, w])
        return [y, dx, dw]

    after = _assert_same_values(build, [(2, 8, 7, 16), (3, 2, 16, 8)])
    assert "PadV2" not in _kinds(after)


@pytest.mark.parametrize("strides, dilations", MOVES)
def test_nor_are_those_whose_channels_come_first(strides: Any, dilations: Any) -> None:
    def build(x: Tensor, w: Tensor) -> list[Any]:
        y = conv2d(x, w, strides, "SAME", data_format="NCHW", dilations=dilations)
        return [y, gradients(y * y, [x])[0]]

    after = _kinds(_assert_same_values(build, [(2, 16, 9, 7), (3, 2, 16, 17)]))
    assert "PadV2" not in after
    # where windows overlap, channels become neighbours, in the adjoint only where all of its phases overlap
    overlap, phases_overlap = strides in ((1, 1), (2, 1)), strides == (1, 1)
    assert after.count("Transpose") == overlap + phases_overlap


def test_channels_a_page_apart_are_padded_to_fall_in_other_sets_of_a_cache() -> None:
    after = _assert_same_values(
        lambda x, w: [conv2d(x, w, 1, "SAME", data_format="NCHW")], [(1, 8, 32, 32), (1, 3, 8, 16)]
    )
    assert [op.outputs[0].type.sizes for op in after.nodes if op.type == "PadV2"] == [(1, 8, 32, 35)]
    after = _assert_same_values(
        lambda x, w: [conv2d(x, w, 1, "SAME", data_format="NCHW")], [(1, 8, 30, 30), (3, 3, 8, 2)]
    )
    assert [op.outputs[0].type.sizes for op in after.nodes if op.type == "PadV2"] == [(1, 8, 32, 33)]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("channels, multiplier", [(3, 1), (9, 1), (9, 2)])
@pytest.mark.parametrize("strides, dilations", MOVES)
def test_convolutions_by_depth(layout: str, channels: int, multiplier: int, strides: Any, dilations: Any) -> None:
    image = (2, 8, 7, channels) if layout == "NHWC" else (2, channels, 8, 7)

    def build(x: Tensor, w: Tensor) -> list[Any]:
        y = depthwise_conv2d_native(x, w, strides, "SAME", layout, dilations)
        dx, dw = gradients(y * y, [x, w])
        return [y, dx, dw, *gradients(dx * dx, [x, w]), *gradients(dw * dw, [x, w])]

    after = _assert_same_values(build, [image, (3, 2, channels, multiplier)])
    assert ("PadV2" in _kinds(after)) == (layout == "NCHW" or channels < 8)


def test_a_strided_adjoint_multiplies_no_zeros() -> None:
    """The phases of a 3 x 3 window with strides of 2 have 2 x 2, 2, 2 and 1 cells: together the 9 of the window."""

    def build(x: Tensor, w: Tensor) -> list[Any]:
        return [gradients(conv2d(x, w, 2, "SAME"), x)[0]]

    after = _assert_same_values(build, [(2, 8, 6, 8), (3, 3, 8, 8)], contracts=0)
    kind = next(node.kind for node in after.nodes if isinstance(node.kind, ContractPhases))
    assert sorted(part.inner[0][0] * part.inner[1][0] for part in kind.parts) == [1, 2, 2, 4]


@pytest.mark.parametrize("batch, parts", [(8, 8), (12, 6), (7, 7), (1, 1), (11, 1)])
def test_the_adjoint_of_a_small_filter_is_summed_in_parts(batch: int, parts: int) -> None:
    def build(x: Tensor, w: Tensor) -> list[Any]:
        return [gradients(conv2d(x, w, 1, "SAME"), w)[0]]

    after = _assert_same_values(build, [(batch, 6, 5, 8), (3, 3, 8, 4)], contracts=1)
    kind = next(node.kind for node in after.nodes if isinstance(node.kind, Contract))
    assert [extent for extent, _, _ in kind.batch] == ([parts] if parts > 1 else [])


def test_a_pointwise_convolution_needs_no_padding() -> None:
    after = _assert_same_values(lambda x, w: [conv2d(x, w, 1, "SAME")], [(2, 8, 7, 3), (1, 1, 3, 4)])
    assert _kinds(after) == ["Placeholder", "Placeholder", "Contract"]


def test_symbolic_batches() -> None:
    graph = Graph()
    with graph.as_default():
        x = placeholder("float64", [None, 8, 7, 3], name="x0")
        w = placeholder("float64", [3, 3, 3, 4], name="x1")
        v = placeholder("float64", [224, 5], name="x2")
        y = matmul(reshape(conv2d(x, w, 1, "SAME"), [-1, 224]), v)
        graph.targets = (y, *gradients(y * y, [x, w, v]))  # type: ignore[assignment]
    n = symbol("n")
    after = contractions(_exact(graph, x0=(n,)))
    assert _kinds(after).count("Contract") == 6
    assert [node.outputs[0].type.shape[0] for node in after.nodes if node.type == "Contract"][:2] == [n, n]
    values = _values([(6, 8, 7, 3), (3, 3, 3, 4), (224, 5)])
    numbers = contractions(_exact(graph, x0=(6,)))
    for got, wanted in zip(_run(_with_number(after, 6), values), _run(numbers, values), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def _with_number(graph: Graph, number: int) -> Graph:
    """The graph with the symbol n replaced in every field."""

    def replaced(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(replaced(item) for item in value)
        return evaluate(value, {"n": number}) if isinstance(value, Dim) else value

    def rule(node: Any, inputs: Any) -> Any:
        changes = {name: replaced(getattr(node.kind, name)) for name in fields(node.kind)}
        types = tuple(TensorType(t.dtype, replaced(t.type.shape)) for t in node.outputs)
        kind = replace(node.kind, **changes)
        return get_default_graph().add(kind, inputs, types, like=node).outputs

    return rewrite(graph, rule)
