"""Each test of this folder declares into a graph of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    """The default graph."""
    with tf.Graph().as_default() as fresh:
        yield fresh
