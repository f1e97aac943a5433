"""Whole steps from the cache: the same results and errors without passes, and no step for another."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import compiler, profile, recall, settings
from graphc.codegen import cache
from graphc.codegen.cache import Cache
from graphc.codegen.target import named
from graphc.dims import evaluate, symbol
from graphc.executable import Executable
from graphc.shapes import TensorType

ROOT = Path(__file__).parent.parent
BOTH = """
import sys
import numpy as np
import graphc as tf

def training():
    x, labels = tf.placeholder(tf.float32, [None, 5]), tf.placeholder(tf.int32, [None])
    loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.layers.dense(tf.nn.relu(x), 3, name="top"))
    step = [loss, tf.train.AdamOptimizer(0.1).minimize(loss)]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for rows in (4, 4, 6, 3):
            yield session.run(step, {x: np.ones((rows, 5)), labels: np.arange(rows) % 3})[0]

def loop():
    x = tf.placeholder(tf.float32, [3])
    _, y = tf.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, tf.sin(y) * x), [0, x])
    y = tf.cond(y[0] > 0, lambda: y * 2.0, lambda: y - 1.0)
    with tf.Session() as session:
        yield session.run(tf.gradients(y, x)[0], {x: [0.5, 1.0, 2.0]})

def constants():
    table = tf.constant(np.arange(4000.0).reshape(1000, 4), tf.float32)
    x = tf.placeholder(tf.int32, [2])
    with tf.Session() as session:
        value = tf.gather(table[::-1] * table, x)
        yield session.run(value, {x: [3, 500]})
        yield "passes" if "graphc.passes.pipeline" in sys.modules else "no passes"
        try:
            session.run(value, {x: [3, 5000]})
        except tf.errors.InvalidArgumentError as error:
            yield error

tf.set_random_seed(7)
for program in (training, loop, constants):
    print(*program(), sep="\\n")
"""
UNSEEDED = """
import sys
import graphc as tf
weights = tf.Variable(tf.random_normal([4, 4]))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    print(*session.run(tf.nn.dropout(tf.matmul(weights, weights), 0.5)).ravel())
print("passes" if "graphc.passes.pipeline" in sys.modules else "no passes")
"""


def _output(script: Path, folder: Path) -> list[str]:
    environment = os.environ | {"GRAPHC_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_a_second_process_gives_the_same_without_passes(tmp_path):
    script = tmp_path / "both.py"
    script.write_text(BOTH)
    first, second = _output(script, tmp_path / "cache"), _output(script, tmp_path / "cache")
    assert first[-2] == "passes"
    assert second == [*first[:-2], "no passes", first[-1]]
    assert "both.py:26" in second[-1]
    assert "= 5000" in second[-1]


def test_numbers_that_nobody_seeded_are_other_ones_by_the_same_code(tmp_path):
    script = tmp_path / "unseeded.py"
    script.write_text(UNSEEDED)
    first, second = _output(script, tmp_path / "cache"), _output(script, tmp_path / "cache")
    assert first[0] != second[0]
    assert (first[1], second[1]) == ("passes", "no passes")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache of this test alone."""
    folder = tmp_path / "cache"
    found = Cache(folder, 1 << 28)
    monkeypatch.setattr(cache, "_process_cache", lambda: found)
    return folder


def _run(seed: int = 1) -> tuple[np.ndarray, Executable]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [3])
        fetch = x * tf.constant([1.0, 2.0, 3.0]) + tf.random_uniform([3], seed=seed)
        value = session.run(fetch, {x: [1.0, 1.0, 1.0]})
        return value, session.compiled(fetch, {x: [1.0, 1.0, 1.0]})[0]


def test_seeds_are_no_part_of_a_program(own_cache):
    first, _ = _run(1)
    entries = set(own_cache.iterdir())
    other, _ = _run(2)
    again, _ = _run(1)
    assert set(own_cache.iterdir()) == entries
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(first, again)


def test_the_program_of_a_step_from_the_cache_is_built_when_it_is_asked_for(own_cache):
    _run()
    _, executable = _run()
    assert "program" not in vars(executable._code)
    assert executable.program.outline.kernels == executable.outline.kernels
    assert executable.program is executable.for_sizes({}).program


def test_a_profile_of_a_step_from_the_cache_has_its_kernels(own_cache):
    rows = []
    for _ in range(2):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [64])
            rows.append([row.ops for row in profile.kernels(session, tf.nn.softmax(x), {x: np.ones(64)})])
    assert rows[0] == rows[1] != []


def test_an_entry_whose_code_is_gone_is_none(own_cache):
    first, _ = _run()
    smallest = sorted(own_cache.iterdir(), key=lambda file: file.stat().st_size)
    for file in smallest:
        kept = file.read_bytes()
        file.unlink()
        value, _ = _run()
        np.testing.assert_array_equal(value, first)
        file.write_bytes(kept)


def _keys_of(declare, **changes) -> str | None:
    with tf.Graph().as_default():
        x = tf.placeholder(
            changes.pop("dtype", tf.float32), changes.pop("shape", [4, 4]), name=changes.pop("name", "x")
        )
        step = compiler.capture([declare(x)], [], [x])
    exact = {step.feeds[x].op.name: changes.pop("exact", step.feeds[x].type)}
    given = {"fixed": {}, "by_value": False, "target": named("avx2")} | changes
    return recall.key_of(step, exact, **given)


def _doubled(x):
    return x * 2.0


OTHERS = {
    "constant": (lambda x: x * 3.0, {}),
    "sign of zero": (lambda x: x * -0.0, {}),
    "array": (lambda x: x * np.full([4, 4], 2.0, "f"), {}),
    "op": (lambda x: x + 2.0, {}),
    "order": (lambda x: 2.0 * x, {}),
    "field": (lambda x: tf.reduce_sum(x, 0), {}),
    "other field": (lambda x: tf.reduce_sum(x, 1), {}),
    "name": (_doubled, {"name": "y"}),
    "shape": (_doubled, {"shape": [4, 5]}),
    "dtype": (lambda x: x * 2, {"dtype": tf.float64}),
    "fixed": (_doubled, {"fixed": {"x": np.ones([4, 4], "f")}}),
    "fixed to another": (_doubled, {"fixed": {"x": np.zeros([4, 4], "f")}}),
    "by value": (_doubled, {"by_value": True}),
    "target": (_doubled, {"target": named("sse2")}),
    "branches": (lambda x: tf.cond(x[0, 0] > 0, lambda: x, lambda: x * 2.0), {}),
    "other branches": (lambda x: tf.cond(x[0, 0] > 0, lambda: x, lambda: x * 3.0), {}),
    "times": (lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2.0), [0, x])[1], {}),
    "more times": (lambda x: tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * 2.0), [0, x])[1], {}),
}


def test_equal_steps_have_one_key_and_others_another():
    keys = {name: _keys_of(declare, **changes) for name, (declare, changes) in OTHERS.items()}
    assert None not in keys.values()
    assert _keys_of(_doubled) == _keys_of(_doubled)
    assert len({_keys_of(_doubled), *keys.values()}) == len(OTHERS) + 1


def test_a_key_tells_sizes_that_are_symbols_apart():
    n = symbol("n")
    sizes = [n, symbol("m"), n + 1, 2 * n, n * n, n // 2, symbol("n", 4), 4]
    keys = {_keys_of(_doubled, shape=[None, 4], exact=TensorType(tf.float32, (size, 4))) for size in sizes}
    assert len(keys) == len(sizes)


def test_symbols_are_kept_for_other_processes():
    n, m = symbol("n"), symbol("m")
    size = (n * n + 3 * m) // 2 + 1
    copy = pickle.loads(pickle.dumps(size))
    assert copy == size
    assert hash(copy) == hash(size)
    assert evaluate(copy, {"n": 5, "m": 1}) == 15


@pytest.mark.parametrize("change", [{"dump": "/tmp"}, {"verbose": 2}, {"cache": False}])
def test_whoever_wants_to_see_the_stages_sees_all(monkeypatch, change):
    now = settings.current()._replace(**change)
    monkeypatch.setattr(settings, "current", lambda: now)
    assert _keys_of(_doubled) is None


def test_what_a_user_wrote_in_python_has_no_name():
    with pytest.raises(recall._Nameless):
        recall._text(lambda: 1)
    with pytest.raises(recall._Nameless):
        recall._text(_run)
    with pytest.raises(recall._Nameless):
        recall._text(object())
