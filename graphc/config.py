"""Settings that TensorFlow 1 programs give to sessions and runs: read where they mean something, kept otherwise.

They are told apart by name and kind as in TensorFlow, whose protocol messages they stand for: a misspelt setting is
refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MappingProxyType, SimpleNamespace
from typing import Any

from graphc.lazily import when_named


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str.__str__(value)


# What may be set, by the kind of the setting; a TypeError says that the value cannot.
_TAKEN: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {
        bool: lambda value: bool(operator.index(value)),
        int: operator.index,
        float: lambda value: float(0.0 + value),
        str: _text,
        list: list,
        dict: dict,
        SimpleNamespace: lambda value: value,
    }
)
_PLAIN = (bool, int, float, str)


class _Options:
    """Named settings, each with its kind; until it is set, it is as its kind makes it: False, 0, an empty list."""

    fields: Mapping[str, type] = MappingProxyType({})

    def __init__(self, **settings: Any):
        for name, value in settings.items():
            kind = self._kind(name, ValueError)
            if value is not None:
                self.__dict__[name] = self._taken(name, kind, value)

    def __getattr__(self, name: str) -> Any:
        made = self._kind(name, AttributeError)()
        # Groups of settings, and lists, are changed in place.
        return made if isinstance(made, _PLAIN) else self.__dict__.setdefault(name, made)

    def __setattr__(self, name: str, value: Any) -> None:
        kind = self._kind(name, AttributeError)
        if kind not in _PLAIN:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be assigned; change what is in it")
        self.__dict__[name] = self._taken(name, kind, value)

    def _kind(self, name: str, error: type[Exception]) -> type:
        if name not in self.fields:
            raise error(f'Protocol message {type(self).__name__} has no "{name}" field.')
        return self.fields[name]

    def _taken(self, name: str, kind: type, value: Any) -> Any:
        if kind is int and isinstance(value, str):
            value = getattr(type(self), value, value)  # a choice by its name
        try:
            if kind in _TAKEN:
                return _TAKEN[kind](value)
            if isinstance(value, kind):
                return value
            return kind(**value)
        except TypeError:
            text = f"{type(self).__name__}.{name} must be {kind.__name__}, but got {value!r}"
            raise TypeError(text) from None

    def __eq__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in {**vars(self), **vars(other)})

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def CopyFrom(self, other: Any) -> None:
        """Becomes the same as ``other``, of the same class."""
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__}.CopyFrom takes the same, but got {other!r}")
        self.__dict__.clear()
        self.__dict__.update(deepcopy(vars(other)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


class GPUOptions(_Options):
    """Accepted and without effect: there is no GPU."""

    fields = MappingProxyType(
        {
            "allocator_type": str,
            "allow_growth": bool,
            "deferred_deletion_bytes": int,
            "experimental": SimpleNamespace,
            "force_gpu_compatible": bool,
            "per_process_gpu_memory_fraction": float,
            "polling_active_delay_usecs": int,
            "polling_inactive_delay_msecs": int,
            "visible_device_list": str,
        }
    )


class OptimizerOptions(_Options):
    """Accepted and without effect: every step is optimised."""

    L0, L1 = -1, 0
    OFF, DEFAULT, ON_1, ON_2 = -1, 0, 1, 2
    fields = MappingProxyType(
        {
            "do_common_subexpression_elimination": bool,
            "do_constant_folding": bool,
            "do_function_inlining": bool,
            "global_jit_level": int,
            "max_folded_constant_in_bytes": int,
            "opt_level": int,
        }
    )


class RewriterConfig(_Options):
    """Accepted and without effect: every step is optimised."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    DEFAULT_MEM_OPT, NO_MEM_OPT, MANUAL, HEURISTICS = 0, 1, 2, 3
    SWAPPING_HEURISTICS, RECOMPUTATION_HEURISTICS, SCHEDULING_HEURISTICS = 4, 5, 6
    DEFAULT_NUM_ITERS, ONE, TWO = 0, 1, 2
    fields = MappingProxyType(
        {
            **dict.fromkeys(
                (
                    "arithmetic_optimization",
                    "auto_mixed_precision",
                    "constant_folding",
                    "debug_stripper",
                    "dependency_optimization",
                    "function_optimization",
                    "implementation_selector",
                    "layout_optimizer",
                    "loop_optimization",
                    "memory_optimization",
                    "meta_optimizer_iterations",
                    "meta_optimizer_timeout_ms",
                    "min_graph_nodes",
                    "pin_to_host_optimization",
                    "remapping",
                    "scoped_allocator_optimization",
                    "shape_optimization",
                ),
                int,
            ),
            **dict.fromkeys(("disable_meta_optimizer", "disable_model_pruning", "fail_on_optimizer_errors"), bool),
            **dict.fromkeys(("custom_optimizers", "optimizers"), list),
            **dict.fromkeys(
                (
                    "auto_parallel",
                    "inter_optimizer_verifier_config",
                    "post_optimization_verifier_config",
                    "scoped_allocator_opts",
                ),
                SimpleNamespace,
            ),
            "memory_optimizer_target_node_name_scope": str,
        }
    )


class GraphOptions(_Options):
    """Accepted and without effect: every step is optimised."""

    fields = MappingProxyType(
        {
            "build_cost_model": int,
            "build_cost_model_after": int,
            "enable_bfloat16_sendrecv": bool,
            "enable_recv_scheduling": bool,
            "infer_shapes": bool,
            "optimizer_options": OptimizerOptions,
            "place_pruned_graph": bool,
            "rewrite_options": RewriterConfig,
            "timeline_step": int,
        }
    )


class ConfigProto(_Options):
    """How a session runs: ``intra_op_parallelism_threads`` is the number of threads, where it is not 0."""

    fields = MappingProxyType(
        {
            "allow_soft_placement": bool,
            "cluster_def": SimpleNamespace,
            "device_count": dict,
            "device_filters": list,
            "experimental": SimpleNamespace,
            "gpu_options": GPUOptions,
            "graph_options": GraphOptions,
            "inter_op_parallelism_threads": int,
            "intra_op_parallelism_threads": int,
            "isolate_session_state": bool,
            "log_device_placement": bool,
            "operation_timeout_in_ms": int,
            "placement_period": int,
            "rpc_options": SimpleNamespace,
            "session_inter_op_thread_pool": list,
            "use_per_session_threads": bool,
        }
    )


class RunOptions(_Options):
    """Accepted and without effect."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    fields = MappingProxyType(
        {
            "debug_options": SimpleNamespace,
            "experimental": SimpleNamespace,
            "inter_op_thread_pool": int,
            "output_partition_graphs": bool,
            "report_tensor_allocations_upon_oom": bool,
            "timeout_in_ms": int,
            "trace_level": int,
        }
    )


class StepStats(_Options):
    """When each operation ran and where; it stays empty: :mod:`graphc.profile` tells what a step does."""

    fields = MappingProxyType({"dev_stats": list})


class RunMetadata(_Options):
    """What a run reports; it stays empty."""

    fields = MappingProxyType(
        {
            "cost_graph": SimpleNamespace,
            "function_graphs": list,
            "partition_graphs": list,
            "step_stats": StepStats,
        }
    )


__getattr__ = when_named(__name__, "graphc.config", {"experimental": "graphc.frame.devices"})
