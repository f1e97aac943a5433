"""A legal graph passes, and each kind of damage is named; observers show every stage."""

import re

import pytest

import graphc as tf
from graphc import settings
from graphc.errors import InternalError
from graphc.graph import Graph
from graphc.ops.base import Placeholder
from graphc.ops.elementwise import Elementwise
from graphc.ops.fused import Kernel
from graphc.passes.bodies import everywhere
from graphc.passes.observe import next_file, observers
from graphc.passes.pipeline import Pass, optimise, stage_names
from graphc.passes.verify import verify
from graphc.shapes import TensorType
from tests.passes.printed import built


def small():
    return built(lambda x: tf.exp(x) + 1.0, x="float32 3")


def message(graph):
    with pytest.raises(InternalError) as caught:
        verify(graph, "a test")
    return re.sub(r" \(declared at [^)]*\)", "", caught.value.message)


def test_a_legal_graph():
    verify(small())
    verify(optimise(small()))


def test_an_input_from_elsewhere():
    graph, other = small(), small()
    graph.add(Elementwise("Exp"), other.targets)
    assert message(graph) == "after a test, Exp 'Exp_1' is not legal: its input add:0 does not stand before it"


def test_a_reader_before_what_it_reads():
    graph = small()
    graph.nodes.reverse()
    for number, node in enumerate(graph.nodes):
        node.number = number
    assert message(graph) == "after a test, Add 'add' is not legal: its input Exp:0 does not stand before it"


def test_a_node_at_another_place():
    graph = small()
    graph.nodes.insert(0, graph.nodes.pop())
    assert message(graph) == (
        "after a test, Add 'add' is not legal: it is numbered 3 and stands at 0, or is of another graph"
    )


def test_a_name_that_stands_twice():
    graph = small()
    graph.nodes[-1].name = "Exp"
    assert message(graph) == "after a test, Add 'Exp' is not legal: its name stands twice"


def test_a_type_that_the_rule_does_not_give():
    graph = small()
    graph.add(Elementwise("Exp"), graph.targets, (TensorType(tf.float32, (4,)),))
    assert message(graph) == "after a test, Exp 'Exp_1' is not legal: its output has type f32[4], its rule gives f32[3]"


def test_inputs_that_do_not_fit():
    graph = small()
    x = graph.targets[0]
    y = built(lambda x: tf.cast(x, tf.int32), x="float32 3")
    cast = graph.add(y.nodes[-1].kind, (x,)).outputs[0]
    graph.add(Elementwise("Add"), (x, cast), (x.type,))
    assert message(graph) == (
        "after a test, Add 'Add' is not legal: its inputs do not fit: "
        "inputs have different dtypes: f32[3] and i32[3]; convert one with tf.cast"
    )


def test_a_target_of_another_graph():
    graph = small()
    graph.targets = small().targets
    assert message(graph) == "after a test: the target add:0 is not in the graph"


def the_kernel(graph):
    (kernel,) = [node for node in graph.nodes if node.type == "Kernel"]
    return kernel


def test_a_kernel_is_looked_into():
    graph = optimise(small())
    the_kernel(graph).kind.body.nodes.reverse()
    with pytest.raises(InternalError, match="it is numbered"):
        verify(graph)


def test_a_kernel_that_is_given_something_else():
    graph = optimise(small())
    kind = the_kernel(graph).kind
    other = graph.add(Placeholder(tf.float32, (4,)), (), (TensorType(tf.float32, (4,)),))
    graph.add(kind, other.outputs, name="copy")
    assert message(graph) == "after a test, Kernel 'copy' is not legal: its body takes f32[3] and is given f32[4]"


def test_a_kernel_that_computes_an_output_twice():
    graph = optimise(small())
    kernel = the_kernel(graph)
    ((space, places),) = kernel.kind.spaces
    graph.add(Kernel(kernel.kind.body, ((space, places), (space, places))), kernel.inputs, name="twice")
    assert message(graph) == "after a test, Kernel 'twice' is not legal: its spaces compute the outputs [0, 0] of 1"


def test_passes_are_watched(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GRAPHC_VERBOSE", "3")
    monkeypatch.setenv("GRAPHC_DUMP", str(tmp_path))
    settings.current.cache_clear()
    try:
        optimise(small(), observers=observers())
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()
    shown = capsys.readouterr().err
    for name in stage_names():
        assert re.search(rf"graphc: {name}: \d+ -> \d+ nodes, [\d.]+ ms", shown)
        assert f"-- {name}" in shown
    dumps = sorted(path.name.split("_", 1)[1] for path in tmp_path.iterdir() if path.suffix == ".txt")
    assert dumps == sorted(f"{name.replace(' ', '_')}.txt" for name in stage_names())
    assert any(path.read_text().startswith("(unchanged)") for path in tmp_path.iterdir() if path.suffix == ".txt")


def test_a_folder_for_dumps_that_cannot_be_made_is_named(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(NotADirectoryError, match=r"GRAPHC_DUMP is '.*inside', which cannot be made: "):
        next_file(file / "inside", "prune")


def test_a_pass_that_breaks_a_graph_is_caught(monkeypatch):
    def damage(graph: Graph) -> Graph:
        graph.nodes[-1].name = graph.nodes[0].name
        return graph

    monkeypatch.setenv("GRAPHC_VERBOSE", "3")
    settings.current.cache_clear()
    try:
        watching = observers()
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()
    with pytest.raises(InternalError, match="after damage, Add 'x'"):
        optimise(small(), observers=watching, passes=(Pass("damage", everywhere(damage), "to see it caught"),))
