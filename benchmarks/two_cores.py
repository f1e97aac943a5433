"""What a core and a second one give: products and convolutions on one and on two threads, beside a bare loop.

python -m benchmarks.two_cores [--rounds N] [NAME ...]

The loop multiplies and adds in registers and touches no memory: it does as many operations a second as a core can, and
what two cores do not give it, they give nobody. Where it falls short of 2, the machine was busy with something else.

A core whose other thread works for somebody else starts half as many instructions a cycle. That loop needs no more, but
all else does. So a loop of whole numbers starts as many as there can be, and the rounds in which it got nine tenths of
its best beside the other are told apart: they had a core of their own.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np

import graphc
from benchmarks.models.sweeps import CONVOLUTIONS, convolution_cases, forward
from benchmarks.report import pretty
from benchmarks.systems.tf1 import Programs
from benchmarks.workload import Function
from graphc.codegen import jit, runtime
from graphc.codegen.target import host

SIZES = (256, 384, 512, 768, 1024)
CONVOLVED = ("3x3 16x16x32 to 32", "1x1 16x16x64 to 128")
THREADS = (1, 2)
ROUNDS, TURN_SECONDS = 25, 0.01
CLOCKS = time.perf_counter, time.process_time
# The loop's tasks, and how many turns each has: about 2 ms on one core.
LOOP_TASKS, LOOP_TURNS = 16, 20_000
OWN = 0.9  # Of the best: a core that is shared has some half of it.
SUMS = 12  # As many as hide the latency of a multiply-add; every processor has registers for them.
Call = Callable[[], Any]


def main() -> None:
    """A line for each case: both times, what a core reaches of the loop's speed, what a second core gives both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.two_cores", description=__doc__)
    parser.add_argument("name", nargs="*", help="cases whose name contains one of these; default all")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of each; default {ROUNDS}")
    options = parser.parse_args()
    loops = [loop_of(multiply_adds(), threads) for threads in THREADS]
    starts = loop_of(whole_numbers(), 1)
    heads = f"{'one':>10}{'two':>10}{'least':>10}{'least':>10}{'of peak':>9}{'least':>6}{'own core':>11}"
    print(f"{'':34}{heads}{'speed-up':>10}{'least':>8}{'loop':>8}{'least':>8}")
    for name, (case, work) in cases().items():
        if options.name and not any(part in name for part in options.name):
            continue
        calls = [call_of(case, threads) for threads in THREADS]
        passed, spent = take_turns([*calls, *loops, starts], options.rounds)
        one, two, loop, both_loops, _ = passed
        times = "".join(f"{pretty(statistic(side)):>10}" for statistic in (median, min) for side in (one, two))
        of_peak = share(work, spent[2], spent[0]) + share_alone(work, spent[2], spent[0], spent[4])
        print(f"{name:34}{times}{of_peak}{speed_up(one, two)}{speed_up(loop, both_loops, 8)}", flush=True)


def cases() -> dict[str, tuple[Function, float]]:
    """Products of every transposition in both precisions, and convolutions with both gradients.

    Each with its work, in vectors of multiply-adds.
    """
    found: dict[str, tuple[Function, float]] = {}
    for dtype, size, first, second in product((np.float32, np.float64), SIZES, "nt", "nt"):
        name = f"{size}x{size}x{size} {first}{second} {np.dtype(dtype).name}"
        case = forward((size, size), (size, size), transposed=first + second, dtype=dtype)
        found[name] = case, size**3 * np.dtype(dtype).itemsize / host().vector_bytes
    multiply_adds = {shape.name: shape.multiply_adds() for shape in CONVOLUTIONS}
    for name, case in convolution_cases().items():
        if name.startswith(CONVOLVED):
            assert isinstance(case, Function)
            found[name] = case, multiply_adds[name.partition(",")[0]] / host().lanes("f32")
    return found


def call_of(case: Function, threads: int) -> Call:
    """The case as a step of so many threads, on its own inputs."""
    config = graphc.ConfigProto(intra_op_parallelism_threads=threads)
    with graphc.Graph().as_default():
        return partial(Programs(graphc, config).function(case), *case.inputs())


def loop_of(text: str, threads: int) -> Call:
    """`LOOP_TASKS` tasks of a loop, shared by so many threads as any kernel's are."""
    library = jit.load([jit.compile_ir(text, host())])
    kernel, (pointer, whole) = library.address("loop"), (ctypes.c_void_p, ctypes.c_int64)
    if threads == 1:
        arguments: tuple[int | None, ...] = None, None, None, 0, LOOP_TASKS
        run = ctypes.CFUNCTYPE(None, *[pointer] * 3, *[whole] * 2)(kernel)
    else:
        arguments = runtime.process_pool(threads), kernel, None, None, None, 0, LOOP_TASKS
        run = ctypes.CFUNCTYPE(None, *[pointer] * 5, *[whole] * 2)(runtime.parallel_for())

    def call(_: object = library) -> None:  # Which must live as long as its code is called.
        run(*arguments)

    return call


def multiply_adds() -> str:
    """The loop whose values are vectors, each multiplied and added to once a turn."""
    lanes = host().lanes("f32")
    kind, function = f"<{lanes} x float>", f"@llvm.fmuladd.v{lanes}f32"
    text = loop_text(kind, lambda i: [f"%more{i} = call {kind} {function}({', '.join([f'{kind} %sum{i}'] * 3)})"])
    return f"{text}\ndeclare {kind} {function}({kind}, {kind}, {kind})"


def whole_numbers() -> str:
    """The loop whose values are whole numbers, with two instructions for each."""
    return loop_text("i64", lambda i: [f"%half{i} = add i64 %sum{i}, {i + 3}", f"%more{i} = xor i64 %half{i}, {i + 5}"])


def loop_text(kind: str, steps: Callable[[int], list[str]]) -> str:
    """A loop as a kernel, in LLVM IR: `SUMS` values, and in every turn the ``steps`` from %sum{i} to %more{i}."""
    numbers = range(SUMS)
    phis = [f"%sum{i} = phi {kind} [zeroinitializer, %entry], [%more{i}, %loop]" for i in numbers]
    body = [*phis, *(step for i in numbers for step in steps(i)), "%next = add i64 %turn, 1"]
    lines = [
        f'target triple = "{host().triple}"',
        "define void @loop(ptr %buffers, ptr %dims, ptr %scratch, i64 %begin, i64 %end) {",
        f"entry:\n  %tasks = sub i64 %end, %begin\n  %turns = mul i64 %tasks, {LOOP_TURNS}",
        f"  %kept = alloca {kind}\n  br label %loop",
        "loop:\n  %turn = phi i64 [0, %entry], [%next, %loop]",
        *body,
        "  %again = icmp slt i64 %next, %turns\n  br i1 %again, label %loop, label %done",
        "done:",
        *(f"store volatile {kind} %more{i}, ptr %kept" for i in numbers),
        "ret void\n}",
    ]
    return "\n".join(lines)


def take_turns(calls: list[Call], rounds: int) -> list[list[list[float]]]:
    """Seconds of a call of each in every round, the mean of as many as fill its turn: those that passed, and those that
    the processor spent on it, which leave out what the machine did for others meanwhile."""
    for call in calls:
        call()
    times: list[list[list[float]]] = [[[] for _ in calls] for _ in CLOCKS]
    for _ in range(rounds):
        for number, call in enumerate(calls):
            count, begins = 0, [clock() for clock in CLOCKS]
            while not count or time.perf_counter() - begins[0] < TURN_SECONDS:
                call()
                count += 1
            for clock, begin, found in zip(CLOCKS, begins, times):
                found[number].append((clock() - begin) / count)
    return times


def share(work: float, loop: list[float], times: list[float]) -> str:
    """How many of the loop's vectors a second a case's ``work`` comes to: the median of all rounds, and the least."""
    part = work / (LOOP_TASKS * LOOP_TURNS * SUMS)
    return f"{median(part * a / b for a, b in zip(loop, times)):9.0%}{part * min(loop) / min(times):6.0%}"


def share_alone(work: float, loop: list[float], times: list[float], started: list[float]) -> str:
    """The median in rounds with a core of their own, and how many these were."""
    starts = [a / b for a, b in zip(loop, started)]
    best = sorted(starts)[-1 - len(starts) // 10]  # Above are rounds in which the other loop was interrupted.
    own = [number for number, ratio in enumerate(starts) if ratio >= OWN * best]
    part = work / (LOOP_TASKS * LOOP_TURNS * SUMS)
    return f"{median(part * loop[i] / times[i] for i in own):6.0%} in{len(own):2}"


def speed_up(one: list[float], two: list[float], width: int = 10) -> str:
    """The median of all rounds' ratios, and the ratio of the least times."""
    return f"{median(a / b for a, b in zip(one, two)):{width}.2f}{min(one) / min(two):8.2f}"


if __name__ == "__main__":
    main()
