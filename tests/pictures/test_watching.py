"""What a user sees of a compilation: dumps of each stage, and what each pass changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import graphc as tf
from graphc import settings, visualize
from graphc.codegen.target import named
from graphc.records import replace


def test_each_stage_is_dumped_as_text_and_picture(tmp_path: Path) -> None:
    from graphc.passes.observe import dumper
    from graphc.passes.pipeline import optimise, stage_names

    x = tf.placeholder(tf.float32, [3], name="x")
    graph = x.graph
    graph.targets = (tf.exp(x, name="y"),)
    optimise(graph, observers=[dumper(tmp_path)])
    files = sorted(path.name.partition("_")[2] for path in tmp_path.iterdir())
    stems = [name.replace(" ", "_") for name in stage_names()]
    assert files == sorted(f"{stem}.{ending}" for stem in stems for ending in ("txt", "dot"))
    pictures = sorted(tmp_path.glob("*.dot"))
    assert all(path.read_text().startswith("digraph graphc {") for path in pictures)
    assert ">returned<" in pictures[0].read_text()


def test_a_dump_holds_the_loops_before_and_after_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings.current()._replace(dump=str(tmp_path))
    monkeypatch.setattr(settings, "current", lambda: chosen)
    x = tf.placeholder(tf.float32, [8, 6], name="x")
    y = tf.exp(x, name="y")
    total = tf.reduce_sum(tf.matmul(y, tf.get_variable("w", [6, 5])), name="total")
    visualize.draw(total, stage="kernels")
    (file,) = tmp_path.glob("*_loops.txt")
    assert file.name == max(path.name for path in tmp_path.iterdir())
    text = file.read_text()
    titles = [line for line in text.splitlines() if line.startswith("====")]
    assert titles[0] == "==== y" and len(titles) == len(set(titles)) > 1
    first = text.partition("\n\n")[0]
    lowered, collapsed, vectorised = (first.partition(f"-- {name}\n")[2].partition("\n--")[0] for name in (
        "as lowered", "collapse loops that walk as one", "vectorise the cheapest loop"
    ))  # fmt: skip
    assert "  for i0 < 8:\n    for i1 < 6:\n      out0[6*i0+i1] = exp(in0[6*i0+i1])" in lowered
    assert "  for i1 < 48:\n    out0[i1] = exp(in0[i1])" in collapsed
    assert re.search(r"  vector\(\d+\) for i1 < 48:\n    out0\[i1\] = exp\(in0\[i1\]\)", vectorised)
    assert "-- drop loops that run once (unchanged)" in first
    assert re.search(r"-- sum is computed as (tile|dot|paired) 8 x 6 x 5: \d+ x \d+ x \d+", text)


def test_a_dump_says_which_convolutions_take_fewer_multiplications(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = tf.placeholder(tf.float32, [4, 16, 16, 32], name="x")
    y = tf.nn.conv2d(x, tf.get_variable("w", [3, 3, 32, 32]), 1, "SAME", name="y")
    chosen = settings.current()._replace(dump=str(tmp_path))
    monkeypatch.setattr(settings, "current", lambda: chosen)
    for wished in (False, True):
        target = replace(named("avx2"), winograd=wished)
        monkeypatch.setattr("graphc.codegen.target.host", lambda target=target: target)
        visualize.draw(y, stage="kernels")
    plain, fewer = (file.read_text() for file in sorted(tmp_path.glob("*_loops.txt")))
    assert "is computed as F(2x2, 3x3) 256 x 32 x 32: " in fewer and "F(2x2" not in plain
    assert plain.partition("-- sum is")[0] == fewer.partition("-- sum is")[0]  # the loops mean the same


def test_a_kernel_that_is_split_shows_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings.current()._replace(dump=str(tmp_path))
    monkeypatch.setattr(settings, "current", lambda: chosen)
    x = tf.placeholder(tf.float32, [1 << 20, 3], name="x")
    visualize.draw(tf.reduce_sum(x, axis=0, name="sums"), stage="kernels")
    (file,) = tmp_path.glob("*_loops.txt")
    text = file.read_text()
    assert "-- split: part 1 of 2, as it runs\n" in text and "-- split: part 2 of 2, as it runs\n" in text


def test_the_third_level_of_words_prints_what_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from graphc.passes.observe import observers
    from graphc.passes.pipeline import optimise

    x = tf.placeholder(tf.float32, [3], name="x")
    y = tf.exp(tf.multiply(x, 1.0, name="same"), name="y")
    x.graph.targets = (y,)
    chosen = settings.current()._replace(verbose=3)
    monkeypatch.setattr(settings, "current", lambda: chosen)
    optimise(x.graph, observers=observers())
    parts = capsys.readouterr().err.split("-- ")[1:]
    words = {part.splitlines()[0]: [line for line in part.splitlines()[1:] if line[0] in "+-"] for part in parts}
    assert words["prune (unchanged)"] == words["share (unchanged)"] == []
    assert [line.split("#")[0].rstrip() for line in words["simplify"]] == [
        "-Const: f32[] = Const(value=1.)",
        "-same: f32[3] = Mul(x, Const)",
        "-y: f32[3] = Exp(same)",
        "+y: f32[3] = Exp(x)",
    ]
