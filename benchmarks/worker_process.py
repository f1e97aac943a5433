"""A worker as its parent sees it: started on pinned CPUs, asked for rounds, given up when it takes too long."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).parent
# Each library asks another variable how many threads to use.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GRAPHC_NUM_THREADS")


class NotDone(Exception):
    """The worker died, or did not answer in time."""


class Worker:
    """One process for one system and one workload; use it in a with statement."""

    def __init__(self, peer: str, workload: str, cpus: list[int], cache: Path, timeout: float) -> None:
        self.timeout = timeout
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(len(cpus)))
        environment |= {"PYTHONPATH": str(HERE.parent), "GRAPHC_CACHE_DIR": str(cache)}
        command = [sys.executable, str(HERE / "worker.py"), peer, workload, ",".join(map(str, cpus))]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment, bufsize=0
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def supports(self) -> bool:
        """Whether this system can do the workload; waits for the first answer."""
        return "unsupported" not in self.answer()

    def round(self) -> dict[str, Any]:
        """One more round."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(b"\n")
        except BrokenPipeError:
            raise NotDone(self.last_words()) from None
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The worker's next line."""
        pipe = self.process.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], self.timeout)[0]:
            raise NotDone(f"not done after {self.timeout:.0f} s")
        line = pipe.readline()
        if not line:
            raise NotDone(self.last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def last_words(self) -> str:
        """The last line that the worker wrote to standard error."""
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.returncode}"
