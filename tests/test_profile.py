"""What the profile says of a step: kernels, operations and bytes that are counted, and how they read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import profile
from graphc.__main__ import main
from graphc.codegen.roofline import FAR, Stream, block_sizes, roofline
from graphc.codegen.target import host
from graphc.records import replace

ROWS, COLUMNS = 128, 96
SIZE = 4 * ROWS * COLUMNS  # bytes of a block


def rows_of(build, *shapes):
    """The rows of the profile of what ``build`` makes of placeholders."""
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(tf.float32, shape) for shape in shapes]
        fetches = build(*places)
        return profile.kernels(session, fetches, {p: rng.random(p.shape, np.float32) for p in places}, repeats=1)


def softmax(x, g):
    y = tf.nn.softmax(x)
    return [y, *tf.gradients(y, x, grad_ys=g)]


def layer_norm(x, g, gain, bias):
    mean, variance = tf.nn.moments(x, [1], keep_dims=True)
    y = (x - mean) * tf.rsqrt(variance + 1e-5) * gain + bias
    return [y, *tf.gradients(y, [x, gain, bias], grad_ys=g)]


def batch_norm(x, g, gain, bias):
    y, _, _ = tf.nn.fused_batch_norm(tf.reshape(x, [8, 4, 4, COLUMNS]), gain, bias)
    return [y, *tf.gradients(y, [x, gain, bias], grad_ys=tf.reshape(g, [8, 4, 4, COLUMNS]))]


def cross_entropy(x, labels):
    loss = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x)
    return [loss, *tf.gradients(loss, x)]


BLOCK, ROW = (ROWS, COLUMNS), (COLUMNS,)


@pytest.mark.parametrize(
    ("build", "shapes", "kernels", "blocks"),
    [
        (softmax, (BLOCK, BLOCK), 1, 4),
        (layer_norm, (BLOCK, BLOCK, ROW, ROW), 2, 6),  # the columns of x and g are added up in a second kernel
        (batch_norm, (BLOCK, BLOCK, ROW, ROW), 1, 4),
        (cross_entropy, (BLOCK, BLOCK), 1, 3),
    ],
)
def test_inputs_are_read_at_most_twice(build, shapes, kernels, blocks):
    rows = rows_of(build, *shapes)
    assert len(rows) == kernels
    moved = sum(row.bytes for row in rows)
    assert blocks * SIZE <= moved < (blocks + 0.5) * SIZE


def test_rounds_of_a_large_normalisation_are_counted_one_by_one():
    rows = rows_of(lambda x: tf.nn.softmax(x, 0), (40_000, 16))
    large = [row.bytes // (4 * 40_000 * 16) for row in rows]
    assert large == [1, 0, 1, 0, 2]  # greatest in pieces and of all, sums in pieces and of all, quotients


@pytest.mark.parametrize(
    ("gradients", "times"),
    [
        (False, [1 / 16, 1, 0, 2]),  # a sample; both sums in pieces; their totals; x read again, y stored
        (True, [1 / 16, 2, 0, 4, 0]),  # the adjoints' sums read x and g beside that, once: y and x's adjoint are stored
    ],
)
def test_a_large_batch_normalisation_reads_its_inputs_twice(gradients, times):
    def build(x, g, gain, bias):
        y, _, _ = tf.nn.fused_batch_norm(x, gain, bias)
        return [y, *tf.gradients(y, [x, gain, bias], grad_ys=g)] if gradients else [y]

    shape = (8, 64, 64, 16)
    moved = [row.bytes / (4 * np.prod(shape)) for row in rows_of(build, shape, shape, (16,), (16,))]
    np.testing.assert_allclose(moved, times, atol=0.02)


def test_no_kernel_is_better_than_the_machine(monkeypatch):
    slow = roofline()._replace(flops=1.0)
    monkeypatch.setattr(profile, "roofline", lambda: slow)
    (row,) = rows_of(lambda x: tf.exp(x), BLOCK)
    assert row.least == row.seconds


def test_the_table_has_a_line_for_each_kernel_and_for_all():
    row = profile.Row("a/dense/MatMul", "Contract+Add+Add", 2_000_000, 40_000, 4, 25e-6, 10e-6)
    assert profile.table([row, row._replace(name="sum", ops="Sum", seconds=75e-6)]) == (
        "kernel                                              us  time      kFLOP        kB  GFLOP/s    GB/s  roof"
        "  tasks  ops\n"
        "a/dense/MatMul                                    25.0   25%     2000.0      40.0     80.0     1.6   40%"
        "      4  Contract + 2 Add\n"
        "sum                                               75.0   75%     2000.0      40.0     26.7     0.5   13%"
        "      4  Sum\n"
        "all 2 kernels                                    100.0  100%     4000.0      80.0     40.0     0.8   20%"
        "      8"
    )


def test_the_roofline_is_the_slower_of_operations_and_bytes():
    machine = roofline()._replace(flops=1e9, streams=(Stream(1000, 4e9, 2e9), Stream(1 << 62, 1e9, 5e8)))
    assert machine.seconds(flops=5e6, read=500, written=500) == 5e-3
    assert machine.seconds(flops=5e6, read=500, written=500, item_bytes=8) == 1e-2
    assert machine.seconds(flops=0, read=800, written=0) == 2e-7
    assert machine.seconds(flops=0, read=400, written=400) == 3e-7
    assert machine.seconds(flops=0, read=1000, written=1000) == 3e-6


@pytest.mark.parametrize("l3", [1 << 20, 32 << 20, 260 << 20])
def test_blocks_are_in_the_memory_that_is_there(l3):
    """Processors of servers have caches of hundreds of megabytes."""
    sizes = block_sizes(replace(host(), l1=48 << 10, l2=2 << 20, l3=l3))
    assert sizes[0] == 24 << 10 and sizes[-1] == FAR


def test_the_roofline_of_this_machine_is_measured():
    machine = roofline()
    assert machine.flops > 0 and [stream.most for stream in machine.streams] == sorted(
        {s.most for s in machine.streams}
    )
    assert all(stream.read > 0 and 0 < stream.written <= 4 * stream.read for stream in machine.streams)


def test_the_command_prints_the_table(tmp_path, capsys):
    path = tmp_path / "model.py"
    path.write_text(
        "import graphc as tf\n"
        "x = tf.placeholder(tf.float32, [None, 8], name='x')\n"
        "labels = tf.placeholder(tf.int64, [None])\n"
        "loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.layers.dense(x, 3))\n"
        "train = tf.train.AdamOptimizer().minimize(loss, name='train')\n"
    )
    assert main(["profile", str(path), "--fetch", "train", "--batch", "5", "--slowest"]) == 0
    head, *lines, total, memory = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["kernel", "us", "time"]
    assert total.startswith(f"all {len(lines)} kernels")
    assert memory.startswith("arena ")
    assert main(["profile", str(path), "--fetches", "x", "--batch", "5"]) == 0
    assert "fetches 0.2 kB" in capsys.readouterr().out  # the tensor of that name, not the operation, which gives none
    assert main(["profile", str(path), "--fetches", "trein"]) == 2
    assert "graphc profile: --fetches:" in capsys.readouterr().err


def test_the_command_knows_the_variables_of_the_example_in_the_readme(tmp_path, capsys):
    text = (Path(__file__).parents[1] / "README.md").read_text()
    code, asked = text.partition("`graphc profile train.py ")[2].split("```python\n")[:2][::-1]
    path = tmp_path / "train.py"
    path.write_text(code.partition("```")[0])
    assert main(["profile", str(path), *asked.partition("`")[0].split()]) == 0
    assert capsys.readouterr().out.count(" kernels  ") == 2  # of the file itself, and of the command


@pytest.mark.parametrize("optimizer", [tf.train.MomentumOptimizer(0.1, 0.9), tf.train.AdamOptimizer()])
def test_a_dense_network_stores_no_gradient_of_its_weights(optimizer):
    with tf.Graph().as_default(), tf.Session() as session:
        x, labels = tf.placeholder(tf.float32, [64, 784]), tf.placeholder(tf.int64, [64])
        logits = tf.layers.dense(tf.layers.dense(x, 128, tf.nn.relu), 10)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        step = [loss, optimizer.minimize(loss)]
        feeds = {x: np.ones((64, 784), np.float32), labels: np.arange(64) % 10}
        planned = profile.memory(session, step, feeds)
        session.run(tf.global_variables_initializer())
        assert planned.arena <= 100_000 < 4 * 784 * 128
        assert len(profile.kernels(session, step, feeds, repeats=1)) <= 8


def test_without_a_session() -> None:
    x = tf.placeholder(tf.float32, [3])
    for name in ("kernels", "memory"):
        with pytest.raises(TypeError, match=rf"^profile\.{name} takes the tf\.Session first, not None$"):
            getattr(profile, name)(None, x + 1.0)
