"""What there is to compute on, ``tf.config.experimental`` and ``tf.DeviceSpec``: one CPU, and names for others."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = [
    "DeviceSpec",
    "PhysicalDevice",
    "get_memory_growth",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "set_memory_growth",
    "set_visible_devices",
]


class PhysicalDevice(NamedTuple):
    """A device of this machine."""

    name: str
    device_type: str


_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU, unless another type is asked for."""
    return [_CPU] if device_type in (None, "CPU") else []


get_visible_devices = list_physical_devices


def list_logical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The CPU by the name that ``tf.device`` takes, unless another type is asked for."""
    return [PhysicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def _check(devices: Any) -> None:
    for device in devices if isinstance(devices, (list, tuple)) and not hasattr(devices, "name") else [devices]:
        if device != _CPU:
            raise ValueError(f"Unrecognized device: {device!r}; there is {_CPU}")


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Accepted: there is one device; ``ValueError`` for another."""
    _check(devices)


def get_memory_growth(device: Any) -> bool:
    """Whether memory is taken as it is needed; ``ValueError`` as in TensorFlow, where a CPU has no such setting."""
    _check(device)
    raise ValueError("Cannot get memory growth on device when not enabled: the CPU has no such setting")


def set_memory_growth(device: Any, enable: bool) -> None:
    """Accepted: memory is taken as it is needed; ``ValueError`` for a device that there is not."""
    _check(device)


class DeviceSpec:
    """A device's name in its parts: ``/job:worker/replica:0/task:1/device:CPU:0``, each of which may be missing."""

    def __init__(
        self, job: str | None = None, replica: int | None = None, task: int | None = None,
        device_type: str | None = None, device_index: int | None = None,
    ):  # fmt: skip
        self.job = job
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        self.device_type = None if device_type is None else device_type.upper()
        self.device_index = None if device_index is None else int(device_index)

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """The parts of a name; ``ValueError`` where a part is not known."""
        return cls().parse_from_string(spec)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Takes the parts of a name for its own; ``ValueError`` where a part is not known."""
        self.__init__()  # type: ignore[misc]  # a spec keeps nothing of what it was
        for part in filter(None, spec.split("/")):
            key, _, value = part.partition(":")
            if key in ("job", "replica", "task") and value:
                setattr(self, key, value if key == "job" else int(value))
            elif found := re.fullmatch(r"(?:device:)?(\w+?)(?::(\d+|\*))?", part):
                if self.device_type is not None:
                    raise ValueError(f"Cannot specify multiple device types: {spec}")
                self.device_type = found[1].upper()
                self.device_index = int(found[2]) if (found[2] or "*") != "*" else None
            else:
                raise ValueError(f"Unknown attribute: '{key}' in '{spec}'")
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Takes over the parts that ``dev`` has."""
        for name, value in vars(dev).items():
            if value is not None:
                setattr(self, name, value)

    def to_string(self) -> str:
        """The name."""
        parts = [f"/{key}:{getattr(self, key)}" for key in ("job", "replica", "task") if getattr(self, key) is not None]
        if self.device_type is not None:
            parts.append(f"/device:{self.device_type}:{'*' if self.device_index is None else self.device_index}")
        return "".join(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"<DeviceSpec '{self.to_string()}'>"
