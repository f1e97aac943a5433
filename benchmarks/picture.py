"""A picture of what was measured: a row a workload, a dot a system, times as multiples of graphc's."""

from __future__ import annotations

from math import isnan, nan
from pathlib import Path

import matplotlib

from benchmarks.measure import Measured
from benchmarks.models import WORKLOADS
from benchmarks.record import Record, medians
from benchmarks.report import OURS
from benchmarks.systems import NAMES

matplotlib.use("svg")
from matplotlib import pyplot

# Colours that people with weak colour vision tell apart (Okabe and Ito, 2008), and a shape each.
LOOKS = {
    "graphc": ("#000000", "o"),
    "numpy": ("#999999", "p"),
    "jax": ("#E69F00", "s"),
    "torch": ("#D55E00", "^"),
    "torch_compile": ("#CC79A7", "v"),
    "tensorflow": ("#56B4E9", "D"),
    "tensorflow_xla": ("#0072B2", "P"),
    "pytensor": ("#009E73", "X"),
}
ROW = 0.27  # inches
NEAREST, FARTHEST = 0.4, 100  # times graphc's; what lies beyond stands at the edge


def draw(record: Record, path: Path) -> None:
    """Write the picture of all workloads that are one model."""
    rows = [(name, record.results.get(name, {}).get("", {})) for name in WORKLOADS]
    rows = [(name, measured) for name, measured in rows if measured.get(OURS, Measured()).steps]
    # Texts stay texts, and equal results give equal files.
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": OURS, "font.size": 9}):
        figure, axes = pyplot.subplots(figsize=(9, 1.2 + ROW * len(rows)), layout="constrained")
        for system in NAMES:
            dots = [relative(measured, system) for _, measured in rows]
            if not all(map(isnan, dots)):
                colour, shape = LOOKS[system]
                axes.scatter(dots, range(len(rows)), c=colour, marker=shape, label=NAMES[system], zorder=3)
        axes.axvline(1, color=LOOKS[OURS][0], linewidth=0.8)
        axes.set_yticks(range(len(rows)), [WORKLOADS[name].title for name, _ in rows])
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(NEAREST * 0.9, FARTHEST * 1.2)
        axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100], ["1/2", "1", "2", "5", "10", "20", "50", "100"])
        axes.minorticks_off()
        axes.set_xlabel("times graphc's median step")
        axes.grid(axis="x", alpha=0.3)
        figure.legend(loc="outside upper center", ncols=len(NAMES), frameon=False, handletextpad=0.1, columnspacing=1)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def relative(measured: dict[str, Measured], system: str) -> float:
    """The median by graphc's; not a number, which draws nothing, where there is none."""
    times = medians(measured)
    return min(max(times[system] / times[OURS], NEAREST), FARTHEST) if system in times else nan
