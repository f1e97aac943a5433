"""What was measured, kept as JSON; a later run adds its workloads to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Measured
from benchmarks.models import WORKLOADS

KEPT = 200  # step times a system and case, evenly chosen: their median and least say what the tables say


@dataclass
class Record:
    """All results, and what they were measured on."""

    machine: dict[str, Any] = field(default_factory=dict)
    results: dict[str, dict[str, dict[str, Measured]]] = field(default_factory=dict)  # by workload, case, system

    @classmethod
    def read_or_new(cls, path: Path) -> Record:
        """What the file holds, or nothing yet."""
        return cls.read(path) if path.exists() else cls()

    @classmethod
    def read(cls, path: Path) -> Record:
        """What the file holds."""
        kept = json.loads(path.read_text())
        results = {
            name: {case: {s: Measured(**one) for s, one in measured.items()} for case, measured in cases.items()}
            for name, cases in kept["results"].items()
        }
        return cls(kept["machine"], results)

    def write(self, path: Path) -> None:
        """To a file."""
        path.write_text(json.dumps({"machine": self.machine, "results": plain(self.results)}, indent=1) + "\n")

    def note_machine(self, processor: str, threads: int, python: str, versions: dict[str, str]) -> None:
        """Results on different processors or numbers of threads do not go into one file."""
        same = {"processor": processor, "threads": threads, "python": python}
        if self.machine and same != {key: self.machine[key] for key in same}:
            raise SystemExit("that file holds results of another machine, Python or number of threads")
        known = self.machine.get("versions", {})
        self.machine = same | {"versions": known | {system: v for system, v in versions.items() if v}}

    def add(self, workload: str, case: str, measured: dict[str, Measured]) -> None:
        """Beside what other systems gave before; the same systems' results are replaced."""
        known = self.results.setdefault(workload, {}).setdefault(case, {})
        known |= measured

    def measured(self, names: Iterable[str] = WORKLOADS) -> Iterator[dict[str, Measured]]:
        """The results of every case of some workloads."""
        for name in names:
            yield from self.results.get(name, {}).values()


def plain(results: dict[str, dict[str, dict[str, Measured]]]) -> Any:
    """Dictionaries and lists, with as many step times as are worth keeping."""
    return {
        name: {case: {s: thinned(one) for s, one in measured.items()} for case, measured in cases.items()}
        for name, cases in results.items()
    }


def thinned(one: Measured) -> dict[str, Any]:
    """Quantiles instead of thousands of times, least and median among them."""
    kept = asdict(one)
    steps = sorted(one.steps)
    if len(steps) > KEPT:
        kept["steps"] = [steps[round(place * (len(steps) - 1) / (KEPT - 1))] for place in range(KEPT)]
    return kept | {"values": one.values[:20]}


def medians(measured: dict[str, Measured]) -> dict[str, float]:
    """The median step of each system that has one."""
    return {system: median(one.steps) for system, one in measured.items() if one.steps}
