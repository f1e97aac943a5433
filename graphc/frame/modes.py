"""Switches between TensorFlow's ways of working, and the version that graphc follows: graphs and sessions, always."""

from __future__ import annotations

from typing import NoReturn

__all__ = [
    "COMPILER_VERSION",
    "GIT_VERSION",
    "GRAPH_DEF_VERSION",
    "VERSION",
    "control_flow_v2_enabled",
    "disable_control_flow_v2",
    "disable_eager_execution",
    "disable_resource_variables",
    "disable_tensor_equality",
    "disable_v2_behavior",
    "disable_v2_tensorshape",
    "enable_eager_execution",
    "enable_resource_variables",
    "enable_tensor_equality",
    "enable_v2_behavior",
    "enable_v2_tensorshape",
    "executing_eagerly",
    "resource_variables_enabled",
]

VERSION = "1.15.5"  # the TensorFlow whose names, defaults and values graphc has
GIT_VERSION = f"v{VERSION}-0-graphc"
COMPILER_VERSION = "llvmlite"
GRAPH_DEF_VERSION = 134  # of TensorFlow 1.15


def disable_v2_behavior() -> None:
    """Nothing to do: graphc is TensorFlow 1."""


def disable_eager_execution() -> None:
    """Nothing to do: operations are always declared into a graph."""


def disable_control_flow_v2() -> None:
    """Nothing to do: there is one kind of ``tf.cond`` and ``tf.while_loop``."""


def disable_resource_variables() -> None:
    """Nothing to do: a read sees the value from before the run in either kind."""


def enable_resource_variables() -> None:
    """Nothing to do: a variable's order of reads and writes is always defined."""


def disable_v2_tensorshape() -> None:
    """Nothing to do: sizes are ``tf.Dimension``."""


def disable_tensor_equality() -> None:
    """Nothing to do: tensors are compared by identity."""


def executing_eagerly() -> bool:
    """False."""
    return False


def control_flow_v2_enabled() -> bool:
    """False."""
    return False


def resource_variables_enabled() -> bool:
    """False."""
    return False


def _no_version_2(what: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"tf.{what}: graphc is TensorFlow 1 with graphs; {instead}")


def enable_eager_execution(config: object = None, device_policy: object = None, execution_mode: object = None) -> None:
    """``NotImplementedError``: operations are declared into a graph, and run in a session."""
    _no_version_2("enable_eager_execution", "declare the operations and run them in a tf.Session")


def enable_v2_behavior() -> None:
    """``NotImplementedError``: graphc is TensorFlow 1."""
    _no_version_2("enable_v2_behavior", "leave the call out")


def enable_v2_tensorshape() -> None:
    """``NotImplementedError``: sizes are ``tf.Dimension``."""
    _no_version_2("enable_v2_tensorshape", "use the .value of a tf.Dimension")


def enable_tensor_equality() -> None:
    """``NotImplementedError``: tensors are compared by identity."""
    _no_version_2("enable_tensor_equality", "use tf.equal")
