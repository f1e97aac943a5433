"""What an open batch size costs: one compiled step for every size beside a step compiled for each, taking turns.

python -m benchmarks.any_batch [WORKLOAD ...]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import cycle
from statistics import median
from typing import Any

import numpy as np

import graphc
from benchmarks.models import WORKLOADS
from benchmarks.report import pretty
from benchmarks.systems.tf1 import Programs
from benchmarks.workload import Arrays, Training

USUAL = ("mlp_4_16_3", "mlp_64_32_10", "mlp_784_128_10", "mlp_784_256_256_10")
USUAL += ("mlp_784_1024_1024_10", "autoencoder", "lenet", "lstm", "transformer", "resnet20")
ROUNDS, ROUND_SECONDS = 12, 0.1
Step = Callable[[], Any]


def main() -> None:
    """A line for each workload and size: both times, and their ratio by median and by least."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.any_batch", description=__doc__)
    parser.add_argument("workload", nargs="*", default=USUAL, help=f"training steps; default {' '.join(USUAL)}")
    options = parser.parse_args()
    print(f"{'':24}{'batch':>8}{'fixed':>12}{'any':>12}{'ratio':>8}{'least':>8}")
    for name in options.workload:
        case = WORKLOADS[name].cases[""]
        assert isinstance(case, Training), f"{name} is not a training step"
        usual = len(case.batches()[0][0])
        open_step = learnt(Programs(graphc, any_batch=True).training(case), case, (usual - 1, usual + 1))
        for size in (max(usual // 16, 2), usual // 2, usual, usual + usual // 2 - 1):
            fixed = turning(Programs(graphc).training(Resized(case, size)), batches(case, size))
            times = take_turns(fixed, turning(open_step, batches(case, size)))
            show(name, size, *times)


def learnt(step: Callable[..., Any], case: Training, sizes: tuple[int, ...]) -> Callable[..., Any]:
    """The step, once it has met two sizes: from then on one compiled step serves all."""
    for size in sizes:
        step(*batches(case, size)[0])
    return step


class Resized(Training):
    """The same training with batches of another size."""

    def __init__(self, case: Training, size: int) -> None:
        super().__init__(case.loss, case.weights, lambda: batches(case, size), case.optimizer)


def batches(case: Training, size: int) -> list[Arrays]:
    """The rows of the case's batches, ``size`` at a time."""
    rows = [np.concatenate(parts) for parts in zip(*case.batches())]
    return [tuple(part[at : at + size] for part in rows) for at in range(0, len(rows[0]) - size + 1, size)]


def turning(step: Callable[..., Any], given: list[Arrays]) -> Step:
    """The step on one batch after the other."""
    left = cycle(given)
    return lambda: step(*next(left))


def take_turns(*steps: Step) -> list[list[float]]:
    """Seconds of each call of each step; the rounds alternate, so that what slows the machine hits all."""
    times: list[list[float]] = [[] for _ in steps]
    for step in steps:
        step()
    for _ in range(ROUNDS):
        for step, found in zip(steps, times):
            until = time.perf_counter() + ROUND_SECONDS
            while (begin := time.perf_counter()) < until:
                step()
                found.append(time.perf_counter() - begin)
    return times


def show(name: str, size: int, fixed: list[float], any_size: list[float]) -> None:
    """One line of the table."""
    ratios = (statistic(any_size) / statistic(fixed) for statistic in (median, min))
    print(
        f"{name:24}{size:8}{pretty(median(fixed)):>12}{pretty(median(any_size)):>12}"
        + "".join(f"{ratio:8.3f}" for ratio in ratios),
        flush=True,
    )


if __name__ == "__main__":
    main()
