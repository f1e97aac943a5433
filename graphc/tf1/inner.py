"""Names that TensorFlow has in its inner modules alone, and that programs take from there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphc.contrib.layers.utils import constant_value, smart_cond
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor, is_tensor
from graphc.ops.elementwise import identity
from graphc.scopes import control_dependencies
from graphc.shapes import TensorShape
from graphc.variables import Variable

__all__ = [
    "DeviceAttributes",
    "IsGoogleCudaEnabled",
    "ResourceVariable",
    "Timeline",
    "as_shape",
    "constant_value",
    "enabled",
    "in_eager_mode",
    "is_tensor",
    "list_local_devices",
    "matrix",
    "scalar",
    "smart_cond",
    "smart_constant_value",
    "unknown_shape",
    "vector",
    "with_dependencies",
]

ResourceVariable = Variable
smart_constant_value = constant_value


def with_dependencies(dependencies: Sequence[Any], output_tensor: Any, name: str | None = None) -> Tensor:
    """The tensor, once the dependencies have run."""
    with control_dependencies(dependencies):
        return identity(convert_to_tensor(output_tensor), name=name)


class DeviceAttributes(NamedTuple):
    """What ``list_local_devices`` tells of a device."""

    name: str
    device_type: str
    memory_limit: int
    physical_device_desc: str


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The CPU."""
    return [DeviceAttributes("/device:CPU:0", "CPU", 0, "")]


class Timeline:
    """Accepted for programs that trace a run: the trace is empty; ``graphc.profile`` makes one of a step."""

    def __init__(self, step_stats: Any, graph: Any = None):
        self._step_stats = step_stats

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False) -> str:
        """A trace file without events."""
        return json.dumps({"traceEvents": []})


def unknown_shape(rank: int | None = None, ndims: int | None = None) -> TensorShape:
    """A shape of unknown sizes, and of unknown rank where none is given."""
    rank = ndims if rank is None else rank
    return TensorShape(None) if rank is None else TensorShape([None] * rank)


def scalar() -> TensorShape:
    """The shape []."""
    return TensorShape([])


def vector(length: Any) -> TensorShape:
    """The shape [length]."""
    return TensorShape([length])


def matrix(rows: Any, cols: Any) -> TensorShape:
    """The shape [rows, cols]."""
    return TensorShape([rows, cols])


def as_shape(shape: Any) -> TensorShape:
    """A TensorShape of whatever spells one."""
    return TensorShape(shape)


def in_eager_mode() -> bool:
    """False."""
    return False


def enabled() -> bool:
    """False: this is TensorFlow 1."""
    return False


def IsGoogleCudaEnabled() -> bool:
    """False."""
    return False
