"""What is in the object file: little, and nothing that asks for more than the C library."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from graphc import aot
from graphc.codegen import elf
from tests.aot import models

LIBC = {"calloc", "free", "memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp"}
LIBC |= {"fopen", "fclose", "fread", "fwrite", "rewind", "rename", "remove"}
POSIX = {"getpid", "sched_getaffinity", "sigfillset"}  # and everything that begins with pthread_


def symbols(path: Path, *options: str) -> set[str]:
    """The names that nm lists."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    lines = subprocess.run(["nm", *options, str(path)], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1] for line in lines}


def test_training_step_of_the_mnist_perceptron_is_small(tmp_path: Path) -> None:
    step = models.perceptron(784, 128, 10)
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=64, threads=2)
    assert artifact.object.stat().st_size <= 100_000


def test_one_thread_needs_the_c_library_only(tmp_path: Path) -> None:
    step = models.convolutional()
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=8)
    assert symbols(artifact.object, "-u") <= LIBC


def test_threads_need_posix_threads(tmp_path: Path) -> None:
    step = models.convolutional()
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, batch=8, threads=3)
    missing = symbols(artifact.object, "-u")
    assert "pthread_create" in missing
    assert {name for name in missing if not name.startswith("pthread_")} <= LIBC | POSIX


def test_only_the_interface_is_visible(tmp_path: Path) -> None:
    step = models.line()
    artifact = aot.compile([step.loss, step.train], step.feeds, tmp_path, name="fit", batch=4, threads=2)
    words = ["init", "create", "destroy", "step", "save", "load", "variable", "error", "description"]
    assert symbols(artifact.object, "-g", "--defined-only") == {f"fit_{word}" for word in words}


@pytest.mark.parametrize(("target", "machine"), [("sse2", 62), ("avx2", 62), ("avx512", 62), ("neon", 183)])
@pytest.mark.parametrize("threads", [1, 2])
def test_other_processors(target: str, machine: int, threads: int, tmp_path: Path) -> None:
    step = models.perceptron()
    artifact = aot.compile(
        [step.loss, step.train], step.feeds, tmp_path, batch=8, target=target, threads=threads, library=False
    )
    content = artifact.object.read_bytes()
    assert content[:4] == b"\x7fELF"
    assert int.from_bytes(content[18:20], "little") == machine
    assert artifact.library is None


def test_plain_x86_runs_here(tmp_path: Path) -> None:
    if not elf.available():
        pytest.skip("this is no x86-64 Linux")
    step = models.perceptron()
    batches = models.batches(step, 5, 8)
    host = aot.compile([step.loss, step.train], step.feeds, tmp_path, name="own", batch=8).load()
    plain = aot.compile([step.loss, step.train], step.feeds, tmp_path, name="plain", batch=8, target="sse2").load()
    for batch in batches:
        assert abs(host.step(*batch) - plain.step(*batch)) < 1e-5
