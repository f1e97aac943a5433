"""docs/symbols.md is true: it is what the program beside it makes of the code, and names do what it says of them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import graphc as tf
from graphc.left_out import ADVICE, LeftOut, advice_for

DOCS = Path(__file__).parent.parent / "docs"


def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_symbols", DOCS / "make_symbols.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return program()


@pytest.fixture(scope="module")
def symbols(maker: ModuleType) -> list[Any]:
    return maker.symbols()


def test_the_page_is_what_the_code_gives() -> None:
    """In a process of its own: other tests load modules by their paths, which are names of graphc's from then on."""
    code = "import make_symbols as m; print(m.page(m.symbols()), end='')"
    result = subprocess.run([sys.executable, "-c", code], cwd=DOCS, capture_output=True, text=True, check=True)
    assert (DOCS / "symbols.md").read_text() == result.stdout, "run python docs/make_symbols.py"


def test_every_name_that_a_namespace_lists_is_there(maker: ModuleType) -> None:
    """Names that load late too: each leads to a thing, none to a place that was moved."""
    names = list(maker.provided_names())
    assert len(names) > 1000
    assert [name for name in names if isinstance(maker.found(name), LeftOut)] == []


def test_what_is_left_out_can_be_named_and_says_so_when_it_is_used(symbols: list[Any], maker: ModuleType) -> None:
    left_out = [symbol.name for symbol in symbols if symbol.state == "left out"]
    assert set(ADVICE) <= set(left_out), "left out and provided"
    for name in left_out:
        with pytest.raises(NotImplementedError) as caught:
            maker.found(name)(1)
        assert str(caught.value) == f"tf.{name} is not part of graphc; instead: {advice_for(name)}"


def test_a_namespace_that_is_left_out_leaves_its_names_out() -> None:
    assert hasattr(tf, "keras") and hasattr(tf.contrib, "tpu") and not hasattr(tf, "nothing")
    with pytest.raises(NotImplementedError, match=r"^tf\.keras\.layers\.Dense is not part of graphc; "):
        tf.keras.layers.Dense(3)
    with pytest.raises(NotImplementedError, match=r"^tf\.keras\.models is not part of graphc; "):
        _ = tf.keras.models.Sequential
    assert not hasattr(tf.keras, "models") and not hasattr(tf.contrib.tpu, "CrossShardOptimizer")
    assert getattr(tf.estimator, "Estimator", None) is None
    with pytest.raises(NotImplementedError, match=r"^tf\.keras\.Model is not part of graphc"):
        type("Net", (), {})  # a class of one's own is no trouble
        exec("class Net(tf.keras.Model): pass", {"tf": tf})
    with pytest.raises(NotImplementedError, match=r"^tf\.distribute\.MirroredStrategy is not part"):
        tf.distribute.MirroredStrategy()
    with pytest.raises(NotImplementedError, match=r"^tf\.function is not part"):
        tf.function(lambda: 3)
    assert not isinstance(3, tf.RaggedTensor)


def test_what_has_a_job_in_a_namespace_that_is_left_out_is_there() -> None:
    keys = tf.estimator.ModeKeys
    assert (keys.TRAIN, keys.EVAL, keys.PREDICT) == ("train", "eval", "infer") and tf.contrib.learn.ModeKeys is keys
    assert issubclass(tf.layers.Dense, tf.keras.layers.Layer)
    assert tf.keras.initializers.he_normal is tf.initializers.he_normal
    assert tf.keras.initializers.truncated_normal().stddev == 0.05  # Keras's default; tf.initializers has 1
    spec = tf.estimator.EstimatorSpec("train", loss=tf.constant(2.0), train_op=tf.no_op())
    assert tf.Session().run(spec.loss) == 2 and spec.predictions == {} and spec.train_op.type == "NoOp"
    for mode, what in (("train", "train_op"), ("eval", "loss"), ("infer", "predictions")):
        with pytest.raises(ValueError, match=f"^Missing {what}.$"):
            tf.estimator.EstimatorSpec(mode)


def test_every_difference_is_of_a_name_that_is_there(maker: ModuleType, symbols: list[Any]) -> None:
    told = {symbol.name for symbol in symbols if symbol.state == "differs"}
    assert set(maker.differences()) == told


def test_no_common_name_is_left_out(symbols: list[Any]) -> None:
    assert [symbol.name for symbol in symbols if symbol.state == "left out" and symbol.tier in ("50", "75", "90")] == []
