"""The names that users type: each is listed, exists, and says what it is; importing them is cheap."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession
from tests.told import is_told

NAMESPACES = [tf, tf.bitwise, tf.image, tf.layers, tf.linalg, tf.math, tf.nn, tf.random, tf.train]
IDS = [module.__name__ for module in NAMESPACES]


@pytest.mark.parametrize("module", NAMESPACES, ids=IDS)
def test_names_are_listed_once_in_order_and_exist(module: ModuleType) -> None:
    names = module.__all__
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=_order)
    assert [name for name in names if not hasattr(module, name)] == []


def _order(name: str) -> tuple[int, list[str | int]]:
    """Constants, then classes, then functions, numbers by their size, as ruff sorts ``__all__``."""
    parts: list[str | int] = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, parts


@pytest.mark.parametrize("module", NAMESPACES, ids=IDS)
def test_the_list_is_what_is_imported(module: ModuleType) -> None:
    tree = ast.parse(Path(module.__file__ or "").read_text())
    statements = [*tree.body, *(node for branch in tree.body if isinstance(branch, ast.If) for node in branch.body)]
    ours = [
        node for node in statements if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graphc")
    ]
    imported = {alias.asname or alias.name for node in ours for alias in node.names}
    assert imported - {"when_named"} == set(module.__all__)


@pytest.mark.parametrize("module", NAMESPACES, ids=IDS)
def test_every_function_says_what_it_does(module: ModuleType) -> None:
    things = [getattr(module, name) for name in module.__all__]
    silent = [thing for thing in things if callable(thing) and not inspect.getdoc(thing)]
    assert silent == []


def test_the_names_that_most_programs_use_are_there() -> None:
    assert {"AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer"} <= set(dir(tf.train))
    assert {"conv2d", "dense", "dropout", "flatten", "max_pooling2d"} <= set(tf.layers.__all__)
    assert tf.initializers.zeros is tf.zeros_initializer
    assert tf.random.uniform is tf.random_uniform
    assert tf.math.mod is tf.floormod is tf.mod
    assert tf.newaxis is None


def test_aliases_of_tensorflow() -> None:
    x = np.array([[1.0, -2.0, 2.5], [0.0, 3.0, -1.5]])
    tensor = tf.constant(x)
    with tf.Graph().as_default():
        tensor = tf.constant(x)
        found = InterpretedSession().run({
            "add_n": tf.add_n([tensor, tensor, tensor]),
            "arg_max": tf.arg_max(tensor, 1),
            "count": tf.count_nonzero(tensor, axis=1),
            "norm": tf.norm(tensor, axis=1),
            "norm 1": tf.norm(tensor, ord=1),
            "norm inf": tf.norm(tensor, ord=np.inf, axis=0, keepdims=True),
            "norm 3": tf.norm(tensor, ord=3),
            "std": tf.math.reduce_std(tensor, axis=0),
            "variance": tf.math.reduce_variance(tensor),
            "length": tf.math.reduce_euclidean_norm(tensor),
            "int": tf.to_int32(tensor),
            "float": tf.to_float(tensor),
            "saturated": tf.saturate_cast(tf.constant([-5, 300, 7]), tf.uint8),
        })  # fmt: skip
    wanted = {
        "add_n": 3 * x, "arg_max": [2, 1], "count": [3, 2], "norm": np.sqrt((x * x).sum(1)), "norm 1": abs(x).sum(),
        "norm inf": abs(x).max(0, keepdims=True), "norm 3": (abs(x) ** 3).sum() ** (1 / 3), "std": x.std(0),
        "variance": x.var(), "length": np.sqrt((x * x).sum()), "int": x.astype(int), "float": x,
        "saturated": [0, 255, 7],
    }  # fmt: skip
    for name, value in found.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: tf.add_n([]),
            "inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape",
        ),
        (lambda: tf.norm([1.0], ord="nuc"), "'ord' must be a supported vector norm, got nuc"),
    ],
)  # fmt: skip
def test_errors_of_composites(call: object, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()  # type: ignore[operator]
    assert is_told(caught.value, text)


def test_rooms_that_load_when_they_are_named() -> None:
    assert tf.aot.__name__ == "graphc.aot"
    assert tf.visualize.__name__ == "graphc.visualize"
    assert tf.test.compute_gradient is tf.testing.compute_gradient
    assert {"aot", "visualize", "matmul"} <= set(dir(tf))
    with pytest.raises(AttributeError) as caught:
        _ = tf.nothing_like_it
    assert str(caught.value) == "graphc has no 'nothing_like_it'; dir(graphc) lists what it has of TensorFlow 1"
    assert (caught.value.name, caught.value.obj) == ("nothing_like_it", tf)  # for Python's "Did you mean"


@pytest.mark.parametrize("module", [tf, tf.nn, tf.math, tf.linalg, tf.train], ids=lambda module: module.__name__)
def test_names_that_load_later_are_there(module: ModuleType) -> None:
    later = getattr(module, "_LATER", {})
    assert [name for name in later if not hasattr(module, name)] == []


# -- small names ---------------------------------------------------------------------------------------------


def test_names_of_devices_and_specs() -> None:
    spec = tf.DeviceSpec.from_string("/job:worker/replica:0/task:1/device:CPU:0")
    assert (spec.job, spec.replica, spec.task, spec.device_type, spec.device_index) == ("worker", 0, 1, "CPU", 0)
    assert tf.DeviceSpec.from_string("/gpu:1").to_string() == "/device:GPU:1"
    assert tf.DeviceSpec("ps", device_type="CPU").to_string() == "/job:ps/device:CPU:*"
    with pytest.raises(ValueError, match=r"^Unknown attribute: 'rack' in '/rack:a b'$"):
        tf.DeviceSpec.from_string("/rack:a b")
    (cpu,) = tf.config.experimental.list_physical_devices()
    assert cpu.device_type == "CPU" and tf.config.experimental.list_physical_devices("GPU") == []
    told = tf.TensorSpec([None, 3], tf.int32, "x")
    assert told.is_compatible_with(tf.zeros([2, 3], tf.int32)) and not told.is_compatible_with(tf.zeros([2, 3]))
    assert told == tf.TensorSpec([None, 3], tf.int32, "x") != tf.TensorSpec([2, 3], tf.int32, "x")


def test_scopes_that_change_little() -> None:
    with tf.container("here"), tf.colocate_with(tf.constant(1.0)):
        x = tf.constant(2.0)
    with tf.control_dependencies([x]), tf.init_scope():
        assert tf.constant(3.0).op.control_inputs == []

    def body(i: tf.Tensor) -> tf.Tensor:
        with tf.init_scope():
            outside.append(tf.constant(1, name="outside"))
        return i + 1

    outside: list[tf.Tensor] = []
    tf.while_loop(lambda i: i < 3, body, [0])
    assert all(tensor.graph is tf.get_default_graph() for tensor in outside) and outside


def test_partitioners_count_parts() -> None:
    """The numbers are TensorFlow 2.21's."""
    shape = tf.TensorShape([10, 3])
    for maker, wanted in (
        (tf.fixed_size_partitioner(4), [4, 1]), (tf.fixed_size_partitioner(7, axis=1), [1, 3]),
        (tf.variable_axis_size_partitioner(24), [5, 1]), (tf.variable_axis_size_partitioner(24, max_shards=3), [3, 1]),
        (tf.min_max_variable_partitioner(4, min_slice_size=16), [4, 1]), (tf.min_max_variable_partitioner(4), [1, 1]),
    ):  # fmt: skip
        assert list(maker(shape=shape, dtype=tf.float32)) == wanted


def test_variables_are_made_by_creators() -> None:
    seen = []

    def creator(next_creator: Callable[..., Any], **given: Any) -> Any:
        seen.append(given.get("name"))
        return next_creator(**{**given, "trainable": False})

    with tf.variable_creator_scope(creator):
        first, second = tf.Variable(1.0, name="a"), tf.get_variable("b", [2])
    assert not first.trainable and not second.trainable and tf.Variable(1.0).trainable and seen[0] == "a"


def test_conversions_of_other_types() -> None:
    class Wave:
        length = 3.0

    with pytest.raises(TypeError, match=r"^base_type must be a type or a tuple of types, not 3$"):
        tf.register_tensor_conversion_function(3, lambda value, **_: None)
    tf.register_tensor_conversion_function(Wave, lambda value, dtype=None, **_: tf.constant(value.length, dtype))
    value = InterpretedSession().run([tf.constant(1.0) + Wave(), tf.stack([Wave(), 2.0]), tf.square(Wave())])
    assert value[0] == 4 and value[1].tolist() == [3, 2] and value[2] == 9 and tf.is_tensor(Wave())


def test_a_critical_section_puts_what_it_executes_in_order() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v, section = tf.Variable(1.0), tf.CriticalSection()
        added = section.execute(lambda: tf.assign_add(v, 1.0))
        tripled = section.execute(lambda: tf.assign(v, v.read_value() * 3.0))
        session.run(v.initializer)
        assert session.run([tripled, added]) == [6.0, 2.0]


def test_vectorized_map_takes_any_results() -> None:
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    rows, large = tf.vectorized_map(lambda row: (row * 2, tf.reduce_sum(row) > 3), tf.constant(x))
    value = tf.Session().run([rows, large])
    np.testing.assert_array_equal(value[0], 2 * x)
    assert value[1].tolist() == [False, True, True]


def test_log_poisson_loss() -> None:
    counts, logs = np.array([0.0, 1.0, 3.0]), np.array([0.1, 0.2, 0.3])
    plain = np.exp(logs) - logs * counts
    stirling = [0, 0, 3 * np.log(3) - 3 + 0.5 * np.log(6 * np.pi)]
    whole, part = (tf.nn.log_poisson_loss(counts, tf.constant(logs), full) for full in (True, False))
    for value, wanted in zip(InterpretedSession().run([part, whole]), (plain, plain + stirling)):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
    assert [InterpretedSession().run(s).tolist() for s in tf.shape_n([tf.zeros([2]), tf.zeros([3, 1])])] == [
        [2],
        [3, 1],
    ]
