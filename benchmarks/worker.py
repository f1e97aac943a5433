"""One system, one workload, in a process of its own: a line in asks for a round, a line of JSON out answers.

python worker.py PEER WORKLOAD CPUS
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module


def main(peer_name: str, workload_name: str, cpus: str) -> None:
    """Answer for every round asked; the first answer says whether this system can do the workload."""
    # Before anything counts CPUs or starts threads.
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    import numpy  # noqa: F401 - so that the peer's import is measured without it

    start = time.process_time()
    peer = import_module(f"peers.with_{peer_name}")
    seconds = time.process_time() - start

    from timing import note_import

    note_import(peer.__name__, seconds)
    workload = import_module(f"workloads.{workload_name}")
    if not hasattr(peer, workload.NEEDS):
        print(json.dumps({"unsupported": f"{peer_name} has no {workload.NEEDS}"}), file=answers)
        return
    one_round = workload.prepare(peer)
    print(json.dumps({"ready": True}), file=answers)
    for _ in sys.stdin:
        print(json.dumps(one_round()._asdict()), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
