"""All systems on one workload, taking turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker_process import NotDone, Worker
from workloads import Kind

# Threads of a system that just had its turn may spin for a while.
PAUSE = 0.3


@dataclass
class Measured:
    """What one system gave on one workload."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    failed: str = ""

    def add(self, answer: dict[str, Any], since: float = 0.0) -> None:
        """Take in one round; the values of the first are kept, for later ones have learnt more."""
        self.values = self.values or answer["values"]
        for label, seconds in answer["seconds"].items():
            self.seconds.setdefault(label, []).extend(second - since for second in seconds)

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Keep the last words of a worker that dies or takes too long."""
        try:
            yield
        except NotDone as failure:
            self.failed = str(failure)


def measure(workload: Any, name: str, peers: list[str], cpus: list[int], rounds: int) -> dict[str, Measured]:
    """What each system gave; those that have no such function are left out."""
    with tempfile.TemporaryDirectory() as folder:
        if workload.KIND is Kind.TURNS:
            return take_turns(workload, name, peers, cpus, rounds, Path(folder))
        return start_anew(workload, name, peers, cpus, rounds, Path(folder))


def take_turns(
    workload: Any, name: str, peers: list[str], cpus: list[int], rounds: int, cache: Path
) -> dict[str, Measured]:
    """All processes are up at once; one that waits for its turn sleeps."""
    measured: dict[str, Measured] = {}
    workers: dict[str, Worker] = {}
    with ExitStack() as stack:
        for peer in peers:
            worker = stack.enter_context(Worker(peer, name, cpus, cache, workload.TIMEOUT))
            one = Measured()
            with one.noting_failure():
                if not worker.supports():
                    continue
                workers[peer] = worker
            measured[peer] = one
        for _ in range(rounds):
            for peer, worker in workers.items():
                if not measured[peer].failed:
                    time.sleep(PAUSE)
                    with measured[peer].noting_failure():
                        measured[peer].add(worker.round())
    return measured


def start_anew(
    workload: Any, name: str, peers: list[str], cpus: list[int], rounds: int, folder: Path
) -> dict[str, Measured]:
    """Every round is a process of its own, with a cache of its own unless a warm one is wanted."""
    measured = {peer: Measured() for peer in peers}
    warm = workload.KIND is Kind.WARM_START
    counts_from_start = workload.KIND in (Kind.COLD_START, Kind.WARM_START)
    for turn in range(rounds + warm):
        for peer, one in list(measured.items()):
            cache = folder / peer / ("warm" if warm else str(turn))
            if one.failed:
                continue
            with one.noting_failure(), Worker(peer, name, cpus, cache, workload.TIMEOUT) as worker:
                if not worker.supports():
                    del measured[peer]
                    continue
                answer = worker.round()
                if not (warm and turn == 0):
                    one.add(answer, worker.started if counts_from_start else 0.0)
    return measured
