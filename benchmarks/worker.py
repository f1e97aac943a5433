"""One system on one workload, in a process of its own: a request line in, a line of JSON out.

python -m benchmarks.worker SYSTEM WORKLOAD CPUS

``start CASE`` builds a case and makes its first call; ``round CASE`` repeats the call for a while. A worker holds one
case at a time.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from itertools import cycle
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import numpy as np

from benchmarks.models import WORKLOADS
from benchmarks.workload import Case, Function, Training, Unsupported

Answer = dict[str, Any]
PART = 1 << 16
clock = time.perf_counter


def main(system: str, workload: str, cpus: str) -> None:
    """Answer every request until there are no more."""
    # Before anything counts CPUs or starts threads.
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    before = processor_seconds()
    module = import_module(f"benchmarks.systems.{system}")
    desk = Desk(module, WORKLOADS[workload].cases, processor_seconds() - before)
    for line in sys.stdin:
        print(json.dumps(desk.answer(*json.loads(line))), file=answers)


class Desk:
    """Answers requests, and holds the case at hand."""

    def __init__(self, system: Any, cases: Any, import_seconds: float) -> None:
        self.system, self.cases, self.import_seconds = system, cases, import_seconds
        self.call: Callable[..., Any] = print
        self.learns = False
        self.batches: Iterator[Any] = iter(())

    def answer(self, request: str, case: str, seconds: float) -> Answer:
        """What was asked for, or why it could not be had."""
        try:
            made = self.start(self.cases[case]) if request == "start" else self.round(seconds)
        except Unsupported as reason:
            return {"unsupported": str(reason)}
        except Exception as error:
            first_line = (str(error).strip() or "no message").splitlines()[0]
            return {"failed": f"{type(error).__name__}: {first_line}"[:300]}
        return made | {"import": self.import_seconds, "peak": peak_bytes()}

    def start(self, case: Case) -> Answer:
        """Declare, differentiate, compile, and run once."""
        self.call, self.batches = print, iter(())
        gc.collect()
        drawing = clock()
        case = drawn(case)
        batches = case.batches()
        begin, used = clock(), processor_seconds()
        self.learns = isinstance(case, Training)
        self.call = self.system.training(case) if isinstance(case, Training) else self.system.function(case)
        first = self.call(*batches[0])
        used = processor_seconds() - used
        self.batches = cycle([*batches[1:], batches[0]])
        # Drawing the numbers is the benchmark's own work, the same for all.
        answer = {"compile": used, "first": time.monotonic() - (begin - drawing)}
        return answer | {"values": [float(first)] if self.learns else summary(first)}

    def round(self, seconds: float) -> Answer:
        """Calls, until they took that long together; at least one."""
        times: list[float] = []
        losses = []
        end = clock() + seconds
        while not times or clock() < end:
            batch = next(self.batches)
            begin = clock()
            result = self.call(*batch)
            times.append(clock() - begin)
            if self.learns:
                losses.append(result)
        return {"seconds": times, "values": [float(loss) for loss in losses]}


def drawn(case: Case) -> Case:
    """The same case with its numbers already drawn."""
    weights = case.weights()
    if isinstance(case, Function):
        inputs = case.inputs()
        return replace(case, weights=lambda: weights, inputs=lambda: inputs)
    batches = case.batches()
    return replace(case, weights=lambda: weights, batches=lambda: batches)


def summary(result: Any) -> list[float]:
    """Two means of each array, one of which notices the order; by parts, for memory is measured too."""
    values = []
    for array in result if isinstance(result, (list, tuple)) else [result]:
        flat = np.ravel(array)
        plain = ordered = 0.0
        for begin in range(0, flat.size, PART):
            part = np.abs(flat[begin : begin + PART], dtype=np.float64)
            plain += part.sum()
            ordered += part @ np.arange(begin, begin + part.size)
        values += [plain / flat.size, ordered / flat.size**2]
    return [float(value) for value in values]


def processor_seconds() -> float:
    """Of this process and of the compilers that it called: unlike time, the same however busy the machine is."""
    used = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_bytes() -> int:
    """The most memory that this process held so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
