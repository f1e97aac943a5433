"""What every test stands on: which tests can run here."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

MNIST_VARIABLE = "GRAPHC_MNIST"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, saying why, what needs another system or data that is not here."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            if find_spec(name) is None:
                pytest.skip(f"{name} is not installed")
    if item.get_closest_marker("mnist") and not os.environ.get(MNIST_VARIABLE):
        pytest.skip(f"{MNIST_VARIABLE} does not name the folder of the MNIST files")


@pytest.fixture
def mnist_folder() -> Path:
    """The folder with the four IDX files of MNIST; for tests marked mnist."""
    return Path(os.environ[MNIST_VARIABLE])
