"""Settings that TensorFlow 1 programs give to sessions and runs: read where they mean something, kept otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from graphc.lazily import when_named


class _Options:
    """Named settings; a setting that is a group of settings is made when it is first asked for."""

    groups: Mapping[str, Callable[[], Any]] = MappingProxyType({})
    defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, **settings: Any):
        for name, value in {**self.defaults, **settings}.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in self.groups:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}")
        group = self.groups[name]()
        setattr(self, name, group)
        return group

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


class GPUOptions(_Options):
    """Accepted and without effect: there is no GPU."""

    defaults = MappingProxyType(
        {"allow_growth": False, "per_process_gpu_memory_fraction": 1.0, "visible_device_list": ""}
    )


class OptimizerOptions(_Options):
    """Accepted and without effect: every step is optimised."""

    L0, L1 = -1, 0
    OFF, DEFAULT, ON_1, ON_2 = -1, 0, 1, 2
    defaults = MappingProxyType({"opt_level": 0, "global_jit_level": 0})


class RewriterConfig(_Options):
    """Accepted and without effect: every step is optimised."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    DEFAULT_MEM_OPT, NO_MEM_OPT, MANUAL, HEURISTICS = 0, 1, 2, 3
    SWAPPING_HEURISTICS, RECOMPUTATION_HEURISTICS, SCHEDULING_HEURISTICS = 4, 5, 6
    DEFAULT_NUM_ITERS, ONE, TWO = 0, 1, 2
    defaults = MappingProxyType({"optimizers": ()})


class GraphOptions(_Options):
    """Accepted and without effect: every step is optimised."""

    groups = MappingProxyType({"optimizer_options": OptimizerOptions, "rewrite_options": RewriterConfig})


class ConfigProto(_Options):
    """How a session runs: ``intra_op_parallelism_threads`` is the number of threads, where it is not 0."""

    groups = MappingProxyType({"gpu_options": GPUOptions, "graph_options": GraphOptions, "device_count": dict})
    defaults = MappingProxyType(
        {
            "allow_soft_placement": False,
            "log_device_placement": False,
            "intra_op_parallelism_threads": 0,
            "inter_op_parallelism_threads": 0,
        }
    )


class RunOptions(_Options):
    """Accepted and without effect."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    defaults = MappingProxyType({"trace_level": 0, "timeout_in_ms": 0})


class StepStats(_Options):
    """When each operation ran and where; it stays empty: :mod:`graphc.profile` tells what a step does."""

    defaults = MappingProxyType({"dev_stats": ()})


class RunMetadata(_Options):
    """What a run reports; it stays empty."""

    groups = MappingProxyType({"step_stats": StepStats})
    defaults = MappingProxyType({"partition_graphs": ()})


__getattr__ = when_named(__name__, "graphc.config", {"experimental": "graphc.frame.devices"})
