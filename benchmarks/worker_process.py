"""A worker as its parent sees it: started on pinned CPUs, asked for rounds, given up when it takes too long."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Each library asks another variable how many threads to use.
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("GRAPHC_NUM_THREADS", "NUMBA_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"),
)


class NotDone(Exception):
    """The worker died, or did not answer in time."""


class Worker:
    """One process for one system and one workload; anew where the last one was given up."""

    def __init__(self, python: str, system: str, workload: str, cpus: list[int], cache: Path) -> None:
        self.command = [python, "-m", "benchmarks.worker", system, workload, ",".join(map(str, cpus))]
        self.environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(len(cpus))) | caches(cache)
        self.environment["PYTHONPATH"] = str(ROOT)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A new process."""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=self.environment,
            bufsize=0, cwd=ROOT,
        )  # fmt: skip

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.errors.close()
            self.process = None

    def ask(self, request: str, case: str, seconds: float, limit: float) -> dict[str, Any]:
        """The worker's answer; a worker that dies or takes longer than ``limit`` is given up."""
        if self.process is None:
            self.start()
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps([request, case, seconds]).encode() + b"\n")
            answer = self.answer(limit)
        except (NotDone, BrokenPipeError) as failure:
            reason = str(failure) if isinstance(failure, NotDone) else self.last_words()
            self.stop()
            return {"failed": reason}
        if "first" in answer:
            answer["first"] -= self.started
        return answer

    def answer(self, limit: float) -> dict[str, Any]:
        """The worker's next line."""
        assert self.process is not None and self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], limit)[0]:
            raise NotDone(f"not done after {limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise NotDone(self.last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def last_words(self) -> str:
        """The last line that the worker wrote to standard error."""
        assert self.process is not None
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.returncode}"


def caches(folder: Path) -> dict[str, str]:
    """Where each system keeps compiled code, so that nothing is left from earlier runs."""
    return {
        "GRAPHC_CACHE_DIR": str(folder),
        "TORCHINDUCTOR_CACHE_DIR": str(folder),
        "NUMBA_CACHE_DIR": str(folder),
        "PYTENSOR_FLAGS": f"base_compiledir={folder}",
    }
