"""graphc beside other systems: same weights, same batches, same CPUs, taking turns. See README.md beside this file."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Plan, measure
from benchmarks.models import WORKLOADS
from benchmarks.record import Record
from benchmarks.report import geometric_mean, heading, line_of_case, ratio, table
from benchmarks.systems import NAMES, PACKAGES


def main() -> None:
    """Measure, print a table for each workload, and keep everything where asked."""
    options = parse()
    cpus = sorted(os.sched_getaffinity(0))[: options.threads]
    pythons = {system: options.python.get(system, sys.executable) for system in options.systems}
    versions = {system: installed_version(system, python) for system, python in pythons.items()}
    pythons = {system: python for system, python in pythons.items() if versions[system]}
    record = Record.read_or_new(options.out) if options.out else Record()
    record.note_machine(processor(), len(cpus), platform.python_version(), versions)
    print(f"{processor()}, {len(cpus)} thread(s); " + ", ".join(f"{s} {v or 'missing'}" for s, v in versions.items()))
    quick = options.quick
    plan = Plan(
        pythons, cpus, options.rounds or (3 if quick else 10), 0.1 if quick else 0.25, options.starts,
        options.limit, budget=5.0 if quick else 30.0,
    )  # fmt: skip
    for name in options.workload:
        workload = WORKLOADS[name]
        print(f"\n{workload.title} [{name}]", flush=True)
        if workload.is_sweep:
            print(heading(plan.pythons))
        for case, measured in measure(workload, plan):
            print(line_of_case(case, measured, plan.pythons) if workload.is_sweep else table(measured), flush=True)
            record.add(name, case, measured)
            if options.out:
                record.write(options.out)
    found = [one for one in map(ratio, record.measured(options.workload)) if one]
    if found:
        print(f"\ngraphc by the best other system: {geometric_mean(found):.2f} (geometric mean of {len(found)})")


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME")
    parser.add_argument("--systems", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--threads", type=int, default=1, help="CPUs and threads of each system; default 1")
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--rounds", type=int, help="instead of 10, or of 3 if quick")
    parser.add_argument("--starts", type=int, default=0, help="more processes that time the first step, cold and warm")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a first step or a round; default 120")
    parser.add_argument("--python", nargs="+", type=system_and_python, default=[], metavar="SYSTEM=PYTHON")
    parser.add_argument("--out", type=Path, metavar="FILE", help="add what is measured to this JSON file")
    options = parser.parse_args()
    options.python = dict(options.python)
    return options


def system_and_python(text: str) -> tuple[str, str]:
    """A system and the interpreter of an environment that has it."""
    system, equals, python = text.partition("=")
    if system not in NAMES or not equals:
        raise argparse.ArgumentTypeError(f"not SYSTEM=PYTHON, with one of {', '.join(NAMES)}: {text}")
    return system, python


def installed_version(system: str, python: str) -> str:
    """The version of a system, or nothing where it is missing; graphc's is that of the checkout."""
    program = f"from importlib.metadata import version; print(version({PACKAGES.get(system, system)!r}))"
    if system == "graphc":
        program = "from graphc.version import __version__; print(__version__)"
    result = subprocess.run([python, "-c", program], cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else ""


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
