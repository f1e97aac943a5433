"""The names that users type: each is listed, exists, and says what it is; importing them is cheap."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import graphc as tf
from tests.interpreted import InterpretedSession

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
    assert {"AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer"} <= set(tf.train.__all__)
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
    assert str(caught.value) == text


def test_config_reads_like_tensorflow() -> None:
    config = tf.ConfigProto(allow_soft_placement=True, gpu_options=tf.GPUOptions(allow_growth=True))
    config.intra_op_parallelism_threads = 2
    assert config.gpu_options.allow_growth is True
    assert tf.ConfigProto().gpu_options.allow_growth is False
    tf.ConfigProto().graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    assert tf.ConfigProto().graph_options.optimizer_options.global_jit_level == 0
    assert tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE).trace_level == 3
    with pytest.raises(AttributeError) as caught:
        _ = config.no_such_setting
    assert str(caught.value) == "ConfigProto has no setting 'no_such_setting'"


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
