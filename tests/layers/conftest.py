"""Every test of this folder runs twice: by the NumPy meaning of the graph, and compiled."""

from __future__ import annotations

from typing import Any

import pytest

import graphc as tf
from tests.interpreted import InterpretedSession


@pytest.fixture(params=[InterpretedSession, tf.Session], ids=["interpreted", "compiled"], autouse=True)
def session_class(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the module's tests make when they make a ``Session``."""
    monkeypatch.setattr(request.module, "Session", request.param)
    return request.param
