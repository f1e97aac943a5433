"""The loader beside the library: NumPy is all it needs, and wrong feeds are told apart."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import aot
from graphc.aot import loader
from tests.aot import models


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> aot.Artifact:
    step = models.line()
    entries = {"train": ([step.loss, step.train], step.feeds), "evaluate": ([step.loss, step.scores], step.feeds)}
    return aot.compile_entries(entries, tmp_path_factory.mktemp("loader"), name="line", max_batch=8)


ALONE = """
import sys
import line
model = line.load()
print(model.train([[1, 2], [3, 4]], [1, 2]), model.variables["weights"].ravel().tolist())
print([name for name in ("graphc", "llvmlite", "networkx") if name in sys.modules])
"""


def test_the_copied_file_needs_numpy_alone(artifact: aot.Artifact) -> None:
    command = [sys.executable, "-W", "error", "-c", ALONE]
    result = subprocess.run(command, cwd=artifact.folder, capture_output=True, text=True, check=True, env={})
    model = artifact.load()
    loss = model.train([[1, 2], [3, 4]], [1, 2])
    assert result.stdout.splitlines() == [f"{loss} {model.variables['weights'].ravel().tolist()}", "[]"]


def test_results_have_names(artifact: aot.Artifact) -> None:
    model = artifact.load()
    result = model.evaluate(x=np.eye(2), y=[0.0, 0.0])
    assert result._fields == ("loss", "scores")
    assert result.scores.tolist() == [0.5, -1.0]
    assert result.loss == np.float32(0.625)
    assert type(result.loss) is np.float32


def test_feeds_of_any_layout(artifact: aot.Artifact) -> None:
    model = artifact.load()
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert not x.flags.c_contiguous
    assert model.evaluate(x, np.zeros(3, np.float64)[::-1]).scores.tolist() == (x @ [0.5, -1.0]).tolist()


def test_variables_are_views_that_stay(artifact: aot.Artifact) -> None:
    model = aot.load(artifact.library)
    name = next(iter(model.variables))
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.variables[name] = 3


def test_wrong_feeds(artifact: aot.Artifact) -> None:
    model = artifact.load()
    x, y = np.ones([3, 2]), np.ones(3)
    signature = "train(x: float32[batch,2], y: float32[batch])"
    for values, named, error, text in [
        ((x,), {}, TypeError, f"{signature} was not given y"),
        ((), {}, TypeError, f"{signature} was not given x and y"),
        ((), {"x": x}, TypeError, f"{signature} was not given y"),
        ((x,), {"x": x}, TypeError, f"{signature} was given x twice"),
        ((x, y), {"z": 1}, TypeError, f"{signature} has no feed z"),
        ((x, y, y), {}, TypeError, f"{signature} takes 2 values and was given 3"),
        ((x[:, :1], y), {}, ValueError, "feed 'x' has shape [batch,2], but got (3, 1)"),
        ((x, 1.0), {}, ValueError, "feed 'y' has shape [batch], but got ()"),
        ((x, y[:2]), {}, ValueError, "feed 'y' has batch 2, others 3"),
        ((np.ones([9, 2]), np.ones(9)), {}, ValueError, "batch is 9, wanted 1 to 8"),
        ((x[:0], y[:0]), {}, ValueError, "batch is 0, wanted 1 to 8"),
    ]:
        with pytest.raises(error) as caught:
            model.train(*values, **named)
        assert str(caught.value) == text
    for wrong in (["a"] * 3, [[1.0], [2.0, 3.0]]):
        with pytest.raises(ValueError, match=r"^feed 'y' is float32: "):
            model.train(x, wrong)
    assert model.variables["weights"].tolist() == [[0.5], [-1.0]]
    with pytest.raises(AttributeError, match=r"^Model has no attribute or entry point 'step'$"):
        model.step(x, y)
    assert "train" in dir(model)


def test_whole_numbers_are_not_cut(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        rows = tf.placeholder(tf.int32, [2], name="rows")
        model = aot.compile({"next": rows + 1}, [rows], tmp_path).load()
    assert model.step([1.0, 2.0]).tolist() == [2, 3]
    for values in ([0.5, 1.0], [2**40, 1], [np.nan, 1.0]):
        with pytest.raises(TypeError, match=r"^feed 'rows' is int32 and cannot hold values of dtype (float64|int64)$"):
            model.step(values)


def test_imaginary_parts_are_not_dropped(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        rows = tf.placeholder(tf.float32, [2], name="rows")
        model = aot.compile({"next": rows + 1.0}, [rows], tmp_path).load()
    with pytest.raises(TypeError, match=r"^feed 'rows' is float32 and cannot hold complex numbers \(complex128\)$"):
        model.step([1j, 2.0])


def test_a_model_shows_its_functions(artifact: aot.Artifact) -> None:
    feeds = "x: float32[batch,2], y: float32[batch]"
    assert repr(artifact.load()) == f"<Model 'line': train({feeds}); evaluate({feeds}); 2 variables>"


def test_libraries_that_are_none(artifact: aot.Artifact, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^there is no library .*/none\.so$"):
        aot.load(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("text")
    with pytest.raises(OSError, match=r"text\.so cannot be loaded as a library of this machine: "):
        aot.load(tmp_path / "text.so")
    with pytest.raises(ValueError, match=r"libline\.so holds no model named 'other' that graphc compiled; give its "):
        aot.load(str(artifact.library), "other")


def test_threads_share_an_instance(artifact: aot.Artifact) -> None:
    """Steps of several Python threads do not mix: 40 of them in any order end where 40 in one thread end."""
    x, y = np.ones([8, 2], np.float32), np.ones(8, np.float32)
    alone, shared = artifact.load(), artifact.load()
    for _ in range(40):
        alone.train(x, y)
    workers = [threading.Thread(target=lambda: [shared.train(x, y) for _ in range(10)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert shared.variables["weights"].tobytes() == alone.variables["weights"].tobytes()


def test_memory_that_the_step_took_is_freed_where_copying_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[int] = []
    monkeypatch.setattr(loader, "_free", freed.append)
    blocks = [np.ones(3, np.float32) for _ in range(3)]
    rooms = [np.array(block.ctypes.data, np.uintp) for block in blocks]
    fetches = [{"shape": [size], "dtype": "float32", "given": True} for size in (3, [[1, "m0"]], 3)]
    assert [len(array) for array in loader._cut(rooms, fetches, {"m0": 2})] == [3, 2, 3]
    with pytest.raises(MemoryError):
        loader._cut(rooms, fetches, {"m0": 1 << 55})
    assert freed == [int(room) for room in rooms] * 2
