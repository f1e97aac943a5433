"""Stages of a step as pictures, and what is told of its kernels."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import graphc as tf
from graphc import visualize
from graphc.dims import symbol
from graphc.visualize.amounts import amount, number
from tests.pictures.drawn import declare_network


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """Each test declares into a graph of its own."""
    with tf.Graph().as_default() as fresh:
        yield fresh


def test_every_stage_draws() -> None:
    loss, train = declare_network()
    for stage in visualize.stages():
        source = visualize.dot_text([loss, train], stage=stage, shapes={"x:0": [4, 6]})
        assert f"loss, Adam: {stage}" in source
        assert "net" in source


def test_stages_are_the_passes_between_declaring_and_kernels() -> None:
    from graphc.passes.fuse import PART_NAMES
    from graphc.passes.pipeline import PIPELINE

    before_fusing = [step.name for step in PIPELINE[:-1]]
    assert visualize.stages() == ["declared", "captured", *before_fusing, *PART_NAMES, "fuse", "kernels"]


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


def test_an_operation_without_fetches_or_an_unknown_thing_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        visualize.draw(3.5)
    assert str(caught.value) == "cannot draw 3.5 (float); wanted a Graph, or fetches of one"
