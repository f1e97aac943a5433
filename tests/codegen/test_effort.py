"""What compiling takes, counted: modules, how carefully LLVM makes each, and the size of their text."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import compiler
from graphc.capture import capture
from graphc.codegen import cache, jit, llvm, runtime
from graphc.codegen.cache import Cache
from graphc.codegen.ir import Module
from graphc.codegen.objects import distinct_kernels, program_text, write_kernel
from graphc.codegen.target import named

# Today's counts, which repeat exactly; who needs fewer lowers them.
KERNELS, TEXT = 7, 82_000

Made = list[tuple[str, int]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """The modules that LLVM makes objects of, by the first function in each, and with what level."""
    modules: Made = []
    object_of = llvm.Machine.object_of

    def noted(self: llvm.Machine, text: str) -> bytes:
        first = next(line for line in text.splitlines() if line.startswith("define") and "internal" not in line)
        modules.append((first.partition("@")[2].partition("(")[0].strip('"'), self.level))
        return object_of(self, text)

    monkeypatch.setenv("GRAPHC_CACHE", "0")
    monkeypatch.setattr(llvm.Machine, "object_of", noted)
    monkeypatch.setattr(jit.cache, "_process_cache", lambda: None)
    monkeypatch.setattr(runtime, "_runtimes", [])
    monkeypatch.setattr(runtime, "_pools", {})
    yield modules
    # The workers' code goes with the pool that this test made: none may be in it any more, asleep or waiting.
    for pool in filter(None, runtime._pools.values()):
        destroy = runtime._runtimes[0].address("graphc_pool_destroy")
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(destroy)(pool)


# What few programs have, and what takes a step's compilation milliseconds to load.
RARE = {
    *("graphc.codegen.choose_winograd", "graphc.codegen.emit_turned", "graphc.codegen.inside"),
    *(f"graphc.codegen.{name}" for name in ("door", "gate", "lower.blocks", "step_control", "step_memory")),
    *(f"graphc.codegen.{name}" for name in ("emit_division", "scalar_cast", "scalar_division")),
    "graphc.ops.sequence_lengths",
    *(f"graphc.codegen.kernels.{form}" for form in ("clipped", "dot", "paired", "winograd")),
    *(f"graphc.passes.{name}" for name in ("complexes", "count", "saved_sizes", "widen")),
    *("graphc.passes.specialise_bodies", "graphc.passes.specialise_loops", "graphc.train.rows"),
}

TRAINING = """
import sys
import numpy as np
import graphc as tf
x = tf.placeholder(tf.float32, [8, 6])
loss = tf.reduce_mean(tf.square(tf.layers.dense(tf.layers.dense(x, 5, tf.nn.relu), 3)))
train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(train, {x: np.ones((8, 6))})
print(*sys.modules)
"""


def test_a_plain_training_step_loads_nothing_for_what_it_has_not() -> None:
    run = [sys.executable, "-c", TRAINING]
    result = subprocess.run(run, env={**os.environ, "GRAPHC_CACHE": "0"}, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "graphc.codegen.kernels.contraction" in loaded
    assert not loaded & RARE
    assert all(map(find_spec, RARE)), "what has another name now would never be found"


def sessions(threads: int) -> tf.Session:
    return tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads))


def test_a_step_of_one_task_needs_no_thread_pool(made: Made) -> None:
    a, b = (tf.placeholder(tf.float32, []) for _ in range(2))
    with sessions(2) as session:
        assert session.run(a * b + 1, {a: 2.0, b: 3.0}) == 7
    kernel, step = sorted(made)
    assert kernel[0].startswith("graphc_k") and kernel[1] == jit.FAST
    assert step == ("step", jit.QUICK)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_of_several_tasks_gets_the_pool_where_there_are_threads(made: Made, threads: int) -> None:
    x = tf.placeholder(tf.float32, [300_000])
    values = np.linspace(-1, 1, 300_000, dtype=np.float32)
    with sessions(threads) as session:
        assert np.array_equal(session.run(x + x, {x: values}), values + values)
        count = len(made)
        session.run(x - 1, {x: values})
    assert (("graphc_pool_create", jit.QUICK) in made[:count]) == (threads > 1)
    assert len(made) == count + 2  # the pool is there


def test_first_values_are_made_by_code_that_is_there_quickly(made: Made) -> None:
    size = tf.get_variable("size", [4, 5], initializer=tf.random_uniform_initializer(seed=1))
    step = tf.assign_add(size, tf.ones([4, 5]))
    with sessions(1) as session:
        session.run(tf.global_variables_initializer())
        assert {level for name, level in made if name.startswith("graphc_k")} == {jit.QUICK}
        made.clear()
        session.run(step.op)
        assert {level for name, level in made if name.startswith("graphc_k")} == {jit.FAST}


def test_a_long_loop_is_fast_even_where_it_runs_once(made: Made) -> None:
    with tf.control_dependencies([tf.assign(tf.Variable(0.0), tf.reduce_sum(tf.tanh(tf.range(1e6) / 7)))]):
        start = tf.no_op()
    with sessions(1) as session:
        session.run(start)
    assert jit.FAST in {level for name, level in made if name.startswith("graphc_k")}


def test_what_takes_a_thousandth_of_a_step_need_not_be_fast(made: Made) -> None:
    x, few = tf.placeholder(tf.float32, [768, 768]), tf.placeholder(tf.float32, [5])
    values, numbers = np.eye(768, dtype=np.float32), np.arange(5, dtype=np.float32)
    with sessions(1) as session:
        square, norm = session.run([tf.matmul(x, x), tf.reduce_sum(few * few)], {x: values, few: numbers})
        assert np.array_equal(square, values) and norm == 30
        assert sorted(level for name, level in made if name.startswith("graphc_k")) == [jit.QUICK, jit.FAST]
        made.clear()
        session.run(tf.reduce_sum(few * few), {few: numbers})
        assert [level for name, level in made if name.startswith("graphc_k")] == [jit.FAST]  # it is all of this step


def perceptron(seed: int = 3) -> tuple[tf.Tensor, tf.Operation, tf.Tensor, tf.Tensor]:
    x, y = tf.placeholder(tf.float32, [64, 784]), tf.placeholder(tf.int32, [64])
    tf.set_random_seed(seed)
    scores = tf.layers.dense(tf.layers.dense(x, 128, tf.nn.relu), 10)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores))
    return loss, tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss), x, y


def test_the_level_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit.cache, "_process_cache", lambda: None)
    generator = np.random.default_rng(0)
    images, labels = generator.random((64, 784), np.float32), generator.integers(0, 10, 64).astype(np.int32)

    def trained() -> list[np.ndarray]:
        with tf.Graph().as_default(), sessions(2) as session:
            loss, train, x, y = perceptron()
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, train], {x: images, y: labels})[0] for _ in range(3)]
            return [np.array(losses), *session.run(tf.global_variables())]

    usual = trained()
    monkeypatch.setattr(jit, "FAST", jit.QUICK)
    quick = trained()
    monkeypatch.setattr(jit, "FAST", 3)
    monkeypatch.setattr(jit, "QUICK", 3)
    careful = trained()
    for values in (quick, careful):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(usual, values, strict=True))


def test_the_text_of_a_training_step_stays_short() -> None:
    loss, train, x, y = perceptron()
    _, program = compiler.build_program(capture([loss], [train], [x, y]), {}, named("avx2"))
    kernels, module = distinct_kernels(program), Module()
    for name, kernel in kernels.items():
        write_kernel(name, kernel, program, named("avx2"), module)
    assert len(kernels) <= KERNELS
    assert len(str(module)) <= TEXT


def test_kernels_that_draw_are_apart_from_those_that_other_steps_want(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(tmp_path / "cache", 1 << 24)
    monkeypatch.setattr(cache, "_process_cache", lambda: store)
    monkeypatch.setattr(jit, "QUICK", jit.FAST)  # modules are filled level by level

    def ran(with_noise: bool) -> None:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [64, 64])
            y = tf.matmul(x, x)
            session.run([y, tf.random_uniform([40, 50])] if with_noise else y, {x: np.eye(64)})

    ran(with_noise=True)
    ran(with_noise=False)


def test_a_step_becomes_the_same_program_wherever_its_nodes_are_in_memory() -> None:
    """Else the cache would not know it again."""
    texts, kept = set(), []
    for round in range(8):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [64, 2])
            h = x
            for width in (16, 16, 16, 1):
                h = tf.tanh(tf.layers.dense(h, width))
            (slope,) = tf.gradients(h, x)
            (curve,) = tf.gradients(slope[:, 0], x)
            loss = tf.reduce_mean(tf.square(slope + h * curve))
            step = capture([loss], [tf.train.AdamOptimizer().minimize(loss)], [x])
            _, program = compiler.build_program(step, {}, named("avx2"))
            texts.add(program_text(program))
            kept.append([bytearray(97 * round + 31 * n) for n in range(500)])  # other addresses next time
            kept.append(step)
    assert len(texts) == 1
