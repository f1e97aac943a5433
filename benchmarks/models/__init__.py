"""Everything that is measured, each model written once in the words of ``benchmarks.systems.vocabulary``."""

from __future__ import annotations

from benchmarks.models import convolutional, dense, functions, physics, recurrent, sweeps, transformer
from benchmarks.workload import Workload

ALL: tuple[Workload, ...] = (
    *functions.OVERHEAD,
    *dense.WORKLOADS,
    *convolutional.WORKLOADS,
    *recurrent.WORKLOADS,
    *transformer.WORKLOADS,
    *physics.WORKLOADS,
    *functions.WORKLOADS,
    *sweeps.WORKLOADS,
)
WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in ALL}
