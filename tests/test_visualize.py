"""Pictures: what is drawn, how it is folded, how it looks as text, and what happens without a dot program."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graphc as tf
from graphc import visualize
from graphc.__main__ import main
from graphc.dims import symbol
from graphc.pictures import program
from graphc.pictures.boxes import Box, Choice, Drawing, Facts, drawing_of
from graphc.pictures.fold import MOST_BOXES
from graphc.pictures.scopes import Scope
from graphc.visualize.amounts import amount, number

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """Each test declares into a graph of its own."""
    with tf.Graph().as_default() as fresh:
        yield fresh


def drawing(*targets: Any, **choice: Any) -> Drawing:
    """The drawing of what ``targets`` need; of the whole default graph without targets."""
    nodes = [getattr(target, "op", target) for target in targets]
    return drawing_of(tf.get_default_graph(), nodes, Choice(**choice), Facts())


def name_of(box: Box) -> str:
    return box.content.full_name if isinstance(box.content, Scope) else box.content.title


def names(drawn: Drawing) -> list[str]:
    return [name_of(box) for box in drawn.boxes.values()]


def links(drawn: Drawing, kind: str = "data") -> set[tuple[str, str]]:
    return {(name_of(link.tail), name_of(link.head)) for link in drawn.links if link.kind == kind}


def box_text(source: str, title: str) -> str:
    """The line of DOT that draws the box with this title."""
    return next(line for line in source.splitlines() if f"<b>{title}" in line and "shape=" in line)


def declare_network(layers: int = 2, optimizer: Any = None) -> tuple[tf.Tensor, tf.Operation]:
    """A loss and a training operation of some dense layers."""
    x = tf.placeholder(tf.float32, [None, 6], name="x")
    hidden = x
    with tf.variable_scope("net"):
        for number in range(layers):
            with tf.variable_scope(f"layer{number}"):
                kernel = tf.get_variable("kernel", [6, 6])
                hidden = tf.tanh(tf.matmul(hidden, kernel))
    loss = tf.reduce_sum(hidden, name="loss")
    return loss, (optimizer or tf.train.AdamOptimizer(0.1)).minimize(loss)


# -- what is drawn -------------------------------------------------------------------------------------


def test_only_what_the_fetches_need_is_drawn() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.exp(x, name="y")
    tf.sin(x, name="other")
    assert names(drawing(y)) == ["x", "y"]
    assert names(drawing()) == ["x", "y", "other"]


def test_a_variable_is_one_box_and_its_initialisation_is_set_aside() -> None:
    w = tf.get_variable("w", [2, 3])
    y = tf.square(w, name="y")
    tf.global_variables_initializer()
    assert names(drawing()) == names(drawing(y)) == ["w", "y"]
    assert links(drawing()) == {("w", "y")}
    assert "w/Assign" not in visualize.dot_text(tf.get_default_graph())
    assert {"Assign", "init"} <= set(names(drawing(initialisers=True)))


def test_the_initialiser_is_drawn_where_it_is_asked_for() -> None:
    tf.get_variable("w", [2, 3])
    drawn = drawing(tf.global_variables_initializer())
    assert "init" in names(drawn)
    assert any(kind == "control" for kind in (link.kind for link in drawn.links))


def test_a_read_after_a_write_keeps_its_place() -> None:
    w = tf.get_variable("w", [2])
    with tf.control_dependencies([w.assign_add([1.0, 1.0]).op]):
        later = tf.identity(w.read_value(), name="later")
    assert names(drawing(later)) == ["w", "AssignAdd", "read", "later"]
    assert ("AssignAdd", "read") in links(drawing(later), "control")


def test_small_constants_are_written_into_their_readers() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.multiply(x, 0.25, name="scaled")
    assert names(drawing(y)) == ["x", "scaled"]
    assert ">0.25<" in box_text(visualize.dot_text(y), "scaled")
    assert len(names(drawing(y, constants=True))) == 3


def test_a_large_constant_and_a_fetched_one_are_boxes() -> None:
    table = tf.constant([[1.0] * 10] * 10, name="table")
    assert names(drawing(tf.exp(table, name="y"))) == ["table", "y"]
    assert names(drawing(tf.constant(2.0, name="two"))) == ["two"]


def test_an_assignment_points_at_its_variable() -> None:
    w = tf.get_variable("w", [2])
    step = tf.assign_add(w, [1.0, 2.0], name="step")
    drawn = drawing(step)
    assert links(drawn, "write") == {("step", "w")}
    assert links(drawn) == set()


def test_control_dependencies_are_dashed() -> None:
    first = tf.placeholder(tf.float32, [], name="first")
    with tf.control_dependencies([first.op]):
        second = tf.no_op(name="second")
    assert links(drawing(second), "control") == {("first", "second")}
    (edge,) = [line for line in visualize.dot_text(second).splitlines() if "->" in line]
    assert "style=dashed" in edge


def test_order_that_follows_from_other_links_is_not_drawn() -> None:
    """After ``first`` come four operations in a chain, as after the moving averages of a training graph."""
    x = tf.placeholder(tf.float32, [3], name="x")
    first = tf.assign_add(tf.get_variable("count", []), 1.0, name="first")
    with tf.control_dependencies([first.op]):
        y = tf.sin(tf.cos(tf.exp(x, name="a"), name="b"), name="c")
        with tf.control_dependencies([y.op]):
            last = tf.no_op(name="last")
    assert len([node for node in x.graph.nodes if first.op in node.control_inputs]) == 4
    assert links(drawing(last), "control") == {("first", "a"), ("c", "last")}


def test_order_is_drawn_once_from_scope_to_scope_of_two_parts() -> None:
    graph = tf.get_default_graph()
    with tf.name_scope("averages"), graph.in_role("update"):
        averages = [tf.assign_add(tf.get_variable(name, []), 1.0, name=name) for name in ("one", "two")]
    with tf.control_dependencies([x.op for x in averages]), tf.name_scope("layer"):
        ends = [tf.exp(2.0, name="left"), tf.sin(2.0, name="right")]
    assert links(drawing(*ends, fold=None, constants=False), "control") == {("one", "left")}
    assert links(drawing(*ends, fold=0), "control") == {("averages", "layer")}


def test_links_between_parts_have_tooltips_and_no_labels() -> None:
    loss, _ = declare_network()
    edges = [line for line in visualize.dot_text(loss.graph).splitlines() if "->" in line]
    between = [line for line in edges if "a9b1bd" in line and "style=dashed" not in line]
    within = [line for line in edges if "a9b1bd" not in line and "style=dashed" not in line]
    assert between and all(
        "edgetooltip=" in line and " label=" not in line and "[label=" not in line for line in between
    )
    assert within and any("label=" in line for line in within)


def test_the_long_name_of_a_counter_stands_in_a_small_line() -> None:
    with tf.name_scope("a_name_that_is_long"), tf.name_scope("within_another"):
        y = tf.random_uniform([3])
    text = box_text(visualize.dot_text(y, stage="kernels"), "counter")
    assert ">of ...ong/within_another/random_uniform<" in text.replace("</font>", "<")


# -- scopes and folding --------------------------------------------------------------------------------


def test_scopes_are_clusters_and_fold_to_one_box() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with tf.name_scope("outer"):
        a = tf.exp(x, name="a")
        with tf.name_scope("inner"):
            y = tf.sin(tf.cos(a, name="b"), name="c")
    assert names(drawing(y, fold=None)) == ["x", "a", "b", "c"]
    assert names(drawing(y, fold=1)) == ["x", "a", "outer/inner"]
    assert names(drawing(y, fold=0)) == ["x", "outer"]
    assert names(drawing(y, fold=["outer/inner"])) == ["x", "a", "outer/inner"]
    assert links(drawing(y, fold=1)) == {("x", "a"), ("a", "outer/inner")}
    assert "<b>inner (2 ops)</b>" in visualize.dot_text(y, fold=1)
    assert visualize.dot_text(y, fold=None).count("subgraph cluster_") == 2


@pytest.mark.parametrize("fold", ["deep", True])
def test_what_fold_may_be_is_said(fold: Any) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError) as caught:
        visualize.draw(x, fold=fold)
    assert str(caught.value) == f'fold is {fold!r}; wanted "auto", a depth, a list of names of scopes, or None'


def test_adjoints_stand_in_the_scopes_of_their_operations() -> None:
    loss, _ = declare_network()
    drawn = drawing(*tf.gradients(loss, tf.trainable_variables()), fold=3)
    assert {"net/layer0", "gradients_1/net/layer0"} <= {scope for tree in drawn.trees for scope in all_names(tree)}


def all_names(tree: Scope) -> list[str]:
    return [scope.full_name for scope in tree.all_scopes()]


def test_slots_stand_with_the_update_and_the_update_names_its_variable() -> None:
    _, train = declare_network(1)
    drawn = drawing(train, fold=0)
    (update,) = [box for box in drawn.boxes.values() if name_of(box) == "Adam"]
    assert update.role == "update"
    assert update.updated == ["net/layer0/kernel"]
    variables = [unit.node.name for unit in update.content.all_units() if unit.kind == "variable"]  # type: ignore[union-attr]
    assert set(variables) == {"beta1_power", "beta2_power", "net/layer0/kernel/Adam", "net/layer0/kernel/Adam_1"}


@pytest.mark.parametrize("layers", [1, 5, 12, 60])
def test_automatic_folding_keeps_a_training_graph_readable(layers: int) -> None:
    loss, train = declare_network(layers)
    drawn = drawing(loss, train)
    assert len(drawn.boxes) <= MOST_BOXES
    roles = {box.role for box in drawn.boxes.values()}
    assert roles == {"forward", "adjoint", "update"}


def test_repeated_layers_fold_to_one_box() -> None:
    loss, train = declare_network(60)
    assert "<b>layer* x60 (120 ops)</b>" in visualize.dot_text([loss, train])


def declare_residual(blocks: int) -> tf.Operation:
    """A training operation of equal residual blocks."""
    h = tf.placeholder(tf.float32, [4, 6], name="x")
    for number in range(blocks):
        with tf.variable_scope(f"block{number}"):
            h = tf.nn.relu(h + tf.layers.dense(tf.layers.dense(h, 6, tf.nn.relu, name="a"), 6, name="b"))
    loss = tf.reduce_sum(tf.square(tf.layers.dense(h, 3, name="out")), name="loss")
    return tf.train.AdamOptimizer().minimize(loss, name="train")


@pytest.mark.parametrize("blocks", [4, 8, 12])
def test_equal_blocks_are_all_open_or_all_folded(blocks: int) -> None:
    drawn = drawing(declare_residual(blocks))
    group = f"block* x{blocks}"
    for role, around in (("forward", ""), ("adjoint", "gradients/")):
        names = [name_of(box) for box in drawn.boxes.values() if box.role == role and group in name_of(box)]
        if len(names) == 1:
            assert names == [around + group]
        else:
            inside = [name.removeprefix(f"{around}{group}/").partition("/") for name in names]
            assert {block for block, _, _ in inside} == {f"block{number}" for number in range(blocks)}
            assert len({len(rest) > 0 for _, _, rest in inside}) == 1


def test_equal_kernels_share_a_box_where_there_are_many() -> None:
    train = declare_residual(8)
    source = visualize.dot_text(train, stage="kernels")
    (box,) = [line for line in source.splitlines() if ">block*/a/MatMul<" in line]
    assert "shape=folder" in box and "<b>8 x Contract + Add + Relu" in box and ">each " in box
    assert ">16 variables<" in box
    every = visualize.dot_text(train, stage="kernels", fold=None)
    assert every.count("/a/MatMul</font>") >= 8 and " x Contract" not in every
    assert source.count("shape=") <= MOST_BOXES < every.count("shape=")
    assert ">block0/a/MatMul<" in visualize.dot_text(train.graph.get_tensor_by_name("loss:0"), stage="kernels")


def test_a_long_chain_without_scopes_folds_by_line() -> None:
    h = x = tf.placeholder(tf.float32, [3], name="x")
    for _ in range(500):
        h = tf.tanh(h * x)
    here = Path(__file__).name
    (chain,) = [name for name in names(drawing(h)) if name != "x"]
    assert re.fullmatch(rf"{re.escape(here)}:\d+", chain)
    assert "(1000 ops)" in visualize.dot_text(h)


def test_second_derivatives_are_drawn_beside_the_first() -> None:
    x = tf.placeholder(tf.float64, [], name="x")
    (first,) = tf.gradients(tf.sin(x) * x, x)
    (second,) = tf.gradients(first, x)
    drawn = drawing(second, fold=0)
    assert {"gradients", "gradients_1"} <= {box.sweep for box in drawn.boxes.values()}


# -- the text ------------------------------------------------------------------------------------------


def test_the_text_of_a_small_graph() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.exp(x, name="y")
    source = visualize.dot_text(y)
    assert "x" in box_text(source, "x") and "shape=invhouse" in box_text(source, "x")
    assert "f32[?,3]" in box_text(source, "x")
    assert ">Exp<" in box_text(source, "y") and ">fetched<" in box_text(source, "y")
    (edge,) = [line.strip() for line in source.splitlines() if "->" in line]
    assert edge == 'n0 -> n1 [label="f32[?,3]" edgetooltip="x: f32[?,3]" labeltooltip="x: f32[?,3]"]'


def test_tooltips_name_the_users_line() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    line = x.op.origin.line  # type: ignore[union-attr]
    assert f'tooltip="x: f32[3] = Placeholder()  # test_visualize.py:{line}"' in visualize.dot_text(x)


def test_parts_have_colours_and_a_legend() -> None:
    loss, train = declare_network()
    source = visualize.dot_text([loss, train])
    legend = next(line for line in source.splitlines() if "<table" in line)
    assert [word for word in ("forward", "adjoint (gradients)", "update") if f">{word}<" in legend] == [
        "forward",
        "adjoint (gradients)",
        "update",
    ]
    boxes = [line for line in source.splitlines() if "shape=" in line]
    assert {re.search(r'fillcolor="(#\w+)"', line)[1] for line in boxes} == {"#e3eef9", "#fdebd3", "#def2e6"}  # type: ignore[index]
    assert "adjoint" not in visualize.dot_text(loss)


def test_the_same_graph_gives_the_same_text() -> None:
    texts = []
    for _ in range(2):
        with tf.Graph().as_default():
            loss, train = declare_network(3)
            texts.append(visualize.dot_text([loss, train]))
    assert texts[0] == texts[1]


def test_names_are_escaped() -> None:
    with tf.name_scope("a.b>c"):
        x = tf.placeholder(tf.float32, [2], name="in>put\\n")
        y = tf.exp(x, name="y")
    source = visualize.dot_text(y, fold=None)
    assert "<b>in&gt;put\\n</b>" in source
    assert "in>put\\\\n: f32[2]" in source
    svg = render_or_skip(source)
    assert "in&gt;put\\n" in svg and "a.b&gt;c" in svg


def test_an_operation_without_fetches_or_an_unknown_thing_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        visualize.draw(3.5)
    assert str(caught.value) == "cannot draw 3.5 (float); wanted a Graph, or fetches of one"


# -- stages --------------------------------------------------------------------------------------------


def test_every_stage_draws() -> None:
    loss, train = declare_network()
    for stage in visualize.stages():
        source = visualize.dot_text([loss, train], stage=stage, shapes={"x:0": [4, 6]})
        assert f"loss, Adam: {stage}" in source
        assert "net" in source


def test_stages_are_the_passes_between_declaring_and_kernels() -> None:
    from graphc.passes.pipeline import PIPELINE

    assert visualize.stages() == ["declared", "captured", "specialise", *(p.name for p in PIPELINE), "kernels"]


def test_a_stage_that_is_none_is_named() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError) as caught:
        visualize.draw(x, stage="fast")
    assert str(caught.value) == f"stage is 'fast'; wanted one of {', '.join(visualize.stages())}"


def test_unknown_sizes_are_symbols_unless_given() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.exp(x, name="y")
    assert "f32[batch,3]" in visualize.dot_text(y, stage="specialise")
    assert "f32[7,3]" in visualize.dot_text(y, stage="specialise", shapes={x: [7, 3]})
    assert "f32[2,3]" in visualize.dot_text(y, stage="specialise", feed_dict={x: [[1, 2, 3], [4, 5, 6]]})


def test_an_unknown_rank_is_asked_for() -> None:
    x = tf.placeholder(tf.float32, name="x")
    line = x.op.origin.line  # type: ignore[union-attr]
    with pytest.raises(ValueError) as caught:
        visualize.draw(tf.exp(x), stage="specialise")
    assert str(caught.value) == (
        f"Placeholder 'x' (declared at test_visualize.py:{line}) has an unknown rank; "
        "give its shape with shapes={...}"
    )


def test_kernels_say_what_they_compute_and_move() -> None:
    x = tf.placeholder(tf.float32, [8, 4], name="x")
    y = tf.exp(x + 1.0, name="y")
    source = visualize.dot_text(y, stage="kernels")
    # 32 sums and 32 exponentials; 32 numbers of 4 bytes are read, and as many written
    assert ">1. 64 FLOP, 256 B, 1 task<" in source
    assert "y: kernels (1 kernel, 64 FLOP, 256 B moved, 0 B of memory between kernels)" in source
    assert "<b>Add + Exp</b>" in source
    assert 'label="f32[8,4] feed"' in source


def test_amounts_with_symbols_are_told_about() -> None:
    batch = symbol("batch")
    assert amount(1_234_567, "FLOP") == "1.23 MFLOP"
    assert amount(0, "B") == "0 B"
    assert amount(999_999, "B") == "1000 kB"
    assert amount(116768 * ((144 * batch + 1215) // 1216) + 6511506 * batch + 1506789, "FLOP") == (
        "6.53·batch + 1.62 MFLOP"
    )
    assert amount(64 * ((3600 * batch + 63) // 64) + 200704 * batch + 256, "B") == "204·batch kB"
    assert amount(batch * batch * 3000 - 2000 * batch, "B") == "3·batch·batch - 2·batch kB"
    assert number((144 * batch + 1215) // 1216) == "batch/8.44"
    assert number(batch) == "1·batch"
    assert number(16) == "16"


def test_kernels_of_an_unknown_batch_have_short_texts() -> None:
    x = tf.placeholder(tf.float32, [None, 6, 6, 3], name="x")
    y = tf.nn.relu(tf.nn.conv2d(x, tf.get_variable("w", [3, 3, 3, 8]), [1, 1, 1, 1], "VALID"))
    source = visualize.dot_text(y, stage="kernels")
    assert "//" not in source
    assert re.search(r">1\. [\d.]+·batch kFLOP, [\d.]+·batch \+ 864 B, batch/128 tasks<", source)


def test_a_kernel_names_the_variables_that_it_reads_and_changes() -> None:
    rate = tf.get_variable("rate", [])
    w = tf.get_variable("w", [4, 4])
    source = visualize.dot_text(tf.assign_sub(w, w * rate), stage="kernels")
    (box,) = [line for line in source.splitlines() if "shape=" in line]
    assert ">rate f32[]<" in box
    assert ">updates w<" in box


def test_a_kernel_has_the_colour_of_most_of_its_operations() -> None:
    x = tf.placeholder(tf.float32, [4], name="x")
    y = tf.exp(tf.sin(x), name="y")
    with x.graph.in_role("adjoint"):
        z = tf.square(y, name="z")
    (box,) = [line for line in visualize.dot_text(z, stage="kernels").splitlines() if "shape=box" in line]
    assert 'fillcolor="#e3eef9"' in box


def test_values_between_kernels_have_a_place_in_memory() -> None:
    x = tf.placeholder(tf.float32, [16, 16], name="x")
    y = tf.matmul(tf.matmul(x, x), x, name="y")
    source = visualize.dot_text(y, stage="kernels")
    assert re.search(r'label="f32\[16,16\] @0"', source)
    assert "1.02 kB of memory between kernels" in source


# -- saving and showing --------------------------------------------------------------------------------


def test_dot_text_is_saved_without_any_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    picture = visualize.draw(x, tmp_path / "x.dot")
    assert (tmp_path / "x.dot").read_text() == picture.source
    assert str(picture) == str(tmp_path / "x.dot")


def test_without_a_dot_program_the_text_is_written_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.warns(visualize.DotMissingWarning) as caught:
        picture = visualize.draw(x, tmp_path / "x.svg")
    assert str(caught[0].message) == (
        f"{tmp_path / 'x.dot'} was written in place of {tmp_path / 'x.svg'}: no dot program was found, which turns "
        "Graphviz text into pictures: install one with `pip install 'graphc[pictures]'`, or as the package graphviz of "
        "your system"
    )
    assert picture.path == tmp_path / "x.dot"
    assert [path.name for path in tmp_path.iterdir()] == ["x.dot"]


def test_without_a_dot_program_a_notebook_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    x = tf.placeholder(tf.float32, [3], name="x")
    assert "pip install &#x27;graphc[pictures]&#x27;" in x.graph._repr_svg_()
    with pytest.raises(visualize.DotNotFoundError):
        visualize.draw(x).svg()


def test_a_program_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / name))
    assert program.find_program() is None
    for name in ("scripts/graphviz-pure", "path/graphviz-pure", "path/dot"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
        file.chmod(0o755)
        assert program.find_program() == str(file)


def render_or_skip(source: str) -> str:
    """The text as SVG, where this machine has a dot program."""
    if program.find_program() is None:
        pytest.skip("no dot program")
    return program.render(source, "svg").decode()


def test_a_training_graph_becomes_svg_and_png(tmp_path: Path) -> None:
    loss, train = declare_network()
    svg = render_or_skip(visualize.dot_text([loss, train]))
    assert svg.count('class="node"') == len(drawing(loss, train).boxes)
    assert "adjoint (gradients)" in svg
    visualize.draw([loss, train], tmp_path / "graph.png")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_a_format_that_is_none_is_told(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    if program.find_program() is None:
        pytest.skip("no dot program")
    with pytest.raises(ValueError, match="could not draw the picture as 'nonsense'"):
        visualize.draw(x, tmp_path / "x.nonsense")


# -- watching and the command line ---------------------------------------------------------------------


def test_each_stage_is_dumped_as_text_and_picture(tmp_path: Path) -> None:
    from graphc.passes.observe import dumper
    from graphc.passes.pipeline import PIPELINE, optimise

    x = tf.placeholder(tf.float32, [3], name="x")
    graph = x.graph
    graph.targets = (tf.exp(x, name="y"),)
    optimise(graph, [dumper(tmp_path)])
    files = sorted(path.name.partition("_")[2] for path in tmp_path.iterdir())
    stems = [step.name.replace(" ", "_") for step in PIPELINE]
    assert files == sorted(f"{stem}.{ending}" for stem in stems for ending in ("txt", "dot"))
    pictures = sorted(tmp_path.glob("*.dot"))
    assert all(path.read_text().startswith("digraph graphc {") for path in pictures)
    assert ">returned<" in pictures[0].read_text()


def run_command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "graphc", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_command_draws_what_a_program_declares(tmp_path: Path) -> None:
    declare = "import graphc as tf\nx = tf.placeholder(tf.float32, [3], name='x')\n"
    (tmp_path / "model.py").write_text(f"{declare}y = tf.exp(x, name='y')\ntf.sin(x, name='z')\n")
    result = run_command("draw", "model.py", "--fetch", "y", "--out", "y.dot", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, "y.dot\n"), result.stderr
    source = (tmp_path / "y.dot").read_text()
    assert "<b>y</b>" in source and "<b>z</b>" not in source


def test_the_command_tells_mistakes_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import graphc as tf\ntf.placeholder(tf.float32, [3], name='x')\n")
    result = run_command("draw", "model.py", "--fetch", "w", "--out", "w.dot", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "graphc draw: --fetch: The name 'w' refers to an Operation not in the graph.\n"


def test_the_command_says_what_may_have_been_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(
        "import graphc as tf\n"
        "w = tf.get_variable('w', [2])\n"
        "loss = tf.reduce_sum(tf.square(w), name='model/loss')\n"
        "train = tf.train.AdamOptimizer().minimize(loss, name='train')\n"
    )
    assert main(["draw", str(tmp_path / "model.py"), "--fetch", "loss"]) == 2
    assert capsys.readouterr().err == (
        "graphc draw: --fetch: The name 'loss' refers to an Operation not in the graph. Did you mean 'model/loss'? "
        "(in this graph nothing reads train, model/loss)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--depth", "-3"], "argument --depth: -3 is no depth, wanted a whole number from 0 on"),
        (["--batch", "0"], "argument --batch: 0 is no size, wanted a whole number from 1 on"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["draw", "model.py", *arguments])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.filterwarnings("default::graphc.visualize.DotMissingWarning")
def test_the_command_tells_in_a_line_that_there_is_no_dot_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "find_program", lambda: None)
    (tmp_path / "model.py").write_text("import graphc as tf\ntf.placeholder(tf.float32, [3], name='x')\n")
    assert main(["draw", str(tmp_path / "model.py"), "--out", str(tmp_path / "new" / "x.svg")]) == 0
    text = tmp_path / "new" / "x.dot"
    assert capsys.readouterr() == (
        f"{text}\n",
        f"graphc draw: {text} was written in place of {text.with_suffix('.svg')}: {program.HOW_TO_GET_ONE}\n",
    )


def test_the_command_takes_sizes(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "import graphc as tf\n"
        "x = tf.placeholder(tf.float32, [None, 3], name='x')\n"
        "z = tf.placeholder(tf.float32, [None, None], name='z')\n"
        "tf.exp(x, name='y')\n"
        "tf.exp(z, name='v')\n"
    )
    options = ["--stage", "specialise", "--batch", "7", "--shape", "z=5,2", "--out", str(tmp_path / "y.dot")]
    assert main(["draw", str(tmp_path / "model.py"), "--fetch", "y,v", *options]) == 0
    source = (tmp_path / "y.dot").read_text()
    assert "f32[7,3]" in source and "f32[5,2]" in source


def test_the_command_knows_its_version(tmp_path: Path) -> None:
    assert run_command("--version", folder=tmp_path).stdout == f"graphc {tf.__version__}\n"


def test_a_drawing_that_dot_cannot_rank_is_drawn_with_longer_links(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command: list[str], source: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
        asked.append(source)
        fails = "minlen=0" in source
        return subprocess.CompletedProcess(command, int(fails), b"" if fails else b"<svg/>", b"trouble in init_rank")

    monkeypatch.setattr(program, "find_program", lambda: "dot")
    monkeypatch.setattr(program, "_run", run)
    assert program.render("digraph { a -> b [color=red minlen=0] }", "svg") == b"<svg/>"
    assert asked[1] == "digraph { a -> b [color=red] }"


def slow_program(folder: Path, answer: str) -> str:
    """A dot program that never ends, unless it is asked for straight lines."""
    path = folder / "slow-dot"
    path.write_text(f'#!/bin/sh\ncase "$*" in *splines=line*) {answer} ;; *) exec sleep 60 ;; esac\n')
    path.chmod(0o755)
    return str(path)


def test_a_drawing_that_takes_long_is_drawn_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = slow_program(tmp_path, "echo '<svg/>'")
    monkeypatch.setattr(program, "find_program", lambda: slow)
    monkeypatch.setattr(program, "PATIENCE", 0.2)
    with pytest.warns(visualize.PlainerPictureWarning) as caught:
        assert program.render("digraph {}", "svg") == b"<svg/>\n"
    assert str(caught[0].message) == (
        f"{slow} did not finish the picture within 0.2 s, and tries again with straight lines and less care: draw less "
        "of the graph, or fold more of it"
    )


@pytest.mark.filterwarnings("ignore::graphc.visualize.PlainerPictureWarning")
def test_a_drawing_that_never_ends_is_written_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = slow_program(tmp_path, "exec sleep 60")
    monkeypatch.setattr(program, "find_program", lambda: slow)
    monkeypatch.setattr(program, "PATIENCE", 0.1)
    monkeypatch.setattr(program, "LAST_PATIENCE", 0.2)
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.warns(visualize.DotMissingWarning) as caught:
        picture = visualize.draw(x, tmp_path / "x.svg")
    assert str(caught[-1].message) == (
        f"{tmp_path / 'x.dot'} was written in place of {tmp_path / 'x.svg'}: {slow} did not finish the picture within "
        "0.1 s, nor a plainer one within 0.2 s: draw less of the graph, or fold more of it"
    )
    assert (tmp_path / "x.dot").read_text() == picture.source
    assert "did not finish" in picture._repr_svg_()


def test_the_folder_of_a_picture_is_made(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    picture = visualize.draw(x, tmp_path / "pictures" / "today" / "x.dot")
    assert (tmp_path / "pictures" / "today" / "x.dot").read_text() == picture.source


def test_a_depth_below_nothing_is_refused() -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises(ValueError) as caught:
        visualize.draw(x, fold=-3)
    assert str(caught.value) == "a depth of -3 is none: 0 folds all scopes, 1 opens the outermost"
