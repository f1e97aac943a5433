"""What every test stands on: which tests can run here, an empty default graph, a cache folder of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from graphc import settings
from graphc.scopes import reset_default_graph

MNIST_VARIABLE = "GRAPHC_MNIST"
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # TensorFlow 1's layers and cells are in the package tf_keras


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, saying why, what needs another system or data that is not here."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            if find_spec(name) is None:
                pytest.skip(f"{name} is not installed")
    if item.get_closest_marker("mnist") and not os.environ.get(MNIST_VARIABLE):
        pytest.skip(f"{MNIST_VARIABLE} does not name the folder of the MNIST files")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache of compiled code for all tests of a run and the programs they start, so that no old code is found."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHC_CACHE_DIR", str(folder))
        settings.current.cache_clear()  # the environment is read once, and a test file may have asked already
        yield folder


@pytest.fixture(autouse=True)
def empty_default_graph() -> Iterator[None]:
    """Each test declares into a default graph of its own."""
    yield
    reset_default_graph()


@pytest.fixture
def mnist_folder() -> Path:
    """The folder with the four IDX files of MNIST; for tests marked mnist."""
    return Path(os.environ[MNIST_VARIABLE])
