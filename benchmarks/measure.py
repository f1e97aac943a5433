"""All systems on one workload, taking turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.worker_process import Worker
from benchmarks.workload import Workload

# Threads of a system that just had its turn may spin for a while.
PAUSE = 0.2


@dataclass
class Measured:
    """What one system gave on one case. Seconds, but for ``peak`` and ``warm_peak``, which are bytes."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)  # from the start of the process to the first result
    warm: list[float] = field(default_factory=list)  # the same with what an earlier process left in the caches
    compile: float | None = None  # processor seconds from the first declaration to the first result
    imports: float | None = None  # processor seconds
    peak: int | None = None
    warm_peak: int | None = None  # of a process that found the caches filled and made the first call
    failed: str = ""  # what went wrong, if anything did; there are then no times
    lacking: str = ""  # what the system does not have

    def add(self, answer: dict[str, Any]) -> bool:
        """Take in an answer; whether it was one."""
        self.failed, self.lacking = answer.get("failed", ""), answer.get("unsupported", "")
        if self.failed or self.lacking:
            self.steps.clear()  # half a measurement is none
            return False
        self.steps += answer.get("seconds", [])
        self.values += answer["values"]
        self.compile = answer.get("compile", self.compile)
        self.imports, self.peak = answer["import"], answer["peak"]
        return True


@dataclass(frozen=True)
class Plan:
    """How to measure."""

    pythons: dict[str, str]  # for each system its interpreter
    cpus: list[int]
    rounds: int
    round_seconds: float
    starts: int  # processes that are started to time the first step, each with an empty and with a filled cache
    limit: float  # seconds for one answer
    budget: float  # seconds of rounds for one system on one case


Results = dict[str, dict[str, Measured]]  # by case and system


def measure(workload: Workload, plan: Plan) -> Iterator[tuple[str, dict[str, Measured]]]:
    """For each case what every system gave; systems that the workload skips are left out."""
    pythons = {system: python for system, python in plan.pythons.items() if system not in workload.skipped}
    with workers(workload, pythons, plan) as started:
        for case in workload.cases:
            measured = take_turns(started, case, plan)
            if plan.starts and not workload.is_sweep:
                start_anew(workload, {s: p for s, p in pythons.items() if measured[s].steps}, plan, measured)
            yield case, measured


@contextmanager
def workers(workload: Workload, pythons: dict[str, str], plan: Plan) -> Iterator[dict[str, Worker]]:
    """A worker for each system, each with an empty cache; they start when they are first asked."""
    with tempfile.TemporaryDirectory() as folder:
        made = {
            system: Worker(python, system, workload.name, plan.cpus, Path(folder, system))
            for system, python in pythons.items()
        }
        try:
            yield made
        finally:
            for worker in made.values():
                worker.stop()


def take_turns(started: dict[str, Worker], case: str, plan: Plan) -> dict[str, Measured]:
    """All processes are up at once; one that waits for its turn sleeps."""
    measured = {system: Measured() for system in started}
    for system, worker in started.items():
        answer = worker.ask("start", case, 0, plan.limit)
        if measured[system].add(answer):
            measured[system].first.append(answer["first"])
    systems = list(started)
    for turn in range(plan.rounds):
        # Nobody is always the one after the slowest.
        for system in systems[turn % len(systems) :] + systems[: turn % len(systems)]:
            one = measured[system]
            if one.values and not one.failed and sum(one.steps) <= plan.budget:
                time.sleep(PAUSE)
                one.add(started[system].ask("round", case, plan.round_seconds, plan.limit))
    return measured


def start_anew(workload: Workload, pythons: dict[str, str], plan: Plan, measured: dict[str, Measured]) -> None:
    """More first steps, each of a process of its own: with an empty cache, then with the cache of that process."""
    for _ in range(plan.starts):
        for system, python in pythons.items():
            with workers(workload, {system: python}, plan) as started:
                for times in (measured[system].first, measured[system].warm):
                    answer = started[system].ask("start", "", 0, plan.limit)
                    started[system].stop()
                    times += [answer["first"]] if "first" in answer else []
                measured[system].warm_peak = answer.get("peak")
