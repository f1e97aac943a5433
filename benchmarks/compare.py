"""graphc against other systems: same weights, same batches, same CPUs, taking turns. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from measure import Measured, measure
from report import disagreement, table

# A checkout that is not installed can be measured too.
sys.path.insert(0, str(Path(__file__).parent.parent))

PEERS = ("graphc", "numpy", "jax", "torch", "tensorflow")
WORKLOADS = ("mlp", "cnn", "matmul", "overhead", "start", "start_warm", "imports", "chain", "chain_long")


def main() -> None:
    """Measure, print a table for each workload, and write everything as JSON where asked."""
    options = parse()
    cpus = sorted(os.sched_getaffinity(0))[: options.threads]
    peers = [peer for peer in options.peers if find_spec(peer)]
    missing = sorted(set(options.peers) - set(peers))
    print(f"{processor()}, {len(cpus)} thread(s)" + (f"; not installed: {', '.join(missing)}" if missing else ""))
    results: dict[str, dict[str, Measured]] = {}
    for name in options.workload:
        workload = import_module(f"workloads.{name}")
        results[name] = measure(workload, name, peers, cpus, options.rounds or workload.ROUNDS)
        print(f"\n{workload.TITLE}\n{table(results[name])}", *disagreement(results[name]), sep="\n", flush=True)
        if options.json:
            write(options.json, peers, cpus, results)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--threads", type=int, default=1, help="CPUs and threads of each system; default 1")
    parser.add_argument("--rounds", type=int, help="instead of each workload's own number")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times there")
    return parser.parse_args()


def write(path: Path, peers: list[str], cpus: list[int], results: dict[str, dict[str, Measured]]) -> None:
    """Everything measured so far, with what it was measured on."""
    record = {
        "processor": processor(),
        "threads": len(cpus),
        "python": platform.python_version(),
        "versions": {peer: installed_version(peer) for peer in peers},
        "results": {name: {peer: asdict(one) for peer, one in measured.items()} for name, measured in results.items()},
    }
    path.write_text(json.dumps(record, indent=1))


def installed_version(peer: str) -> str:
    """The version of a system; graphc's own may be that of the checkout."""
    if peer == "graphc":
        return "checkout"
    return version("tensorflow-cpu" if peer == "tensorflow" else peer)


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
