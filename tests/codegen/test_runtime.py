"""The thread pool: every task runs exactly once, whoever calls, however often, also after a fork."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from graphc.codegen import jit, runtime
from graphc.codegen.target import host, named

ROOT = Path(__file__).resolve().parents[2]
LINUX = sys.platform == "linux"

# Three kernels. count: out[i] += 3 * i. place: out[i] = the scratch pointer, after some work. nested: each task is a
# parallel loop of its own, over the row of out that belongs to it; buffers are (out, pool, columns).
KERNELS = """
declare void @graphc_parallel_for(ptr, ptr, ptr, ptr, ptr, i64, i64)

define void @count(ptr %buffers, ptr %dims, ptr %scratch, i64 %begin, i64 %end) {
entry:
  %out = load ptr, ptr %buffers
  br label %check
check:
  %i = phi i64 [%begin, %entry], [%i.next, %body]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
  %p = getelementptr i64, ptr %out, i64 %i
  %old = load i64, ptr %p
  %triple = mul i64 %i, 3
  %new = add i64 %old, %triple
  store i64 %new, ptr %p
  %i.next = add i64 %i, 1
  br label %check
done:
  ret void
}

define void @place(ptr %buffers, ptr %dims, ptr %scratch, i64 %begin, i64 %end) {
entry:
  %out = load ptr, ptr %buffers
  br label %check
check:
  %i = phi i64 [%begin, %entry], [%i.next, %body]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %spend, label %done
spend:
  %j = phi i64 [0, %check], [%j.next, %spend]
  store volatile i64 %j, ptr %scratch
  %j.next = add i64 %j, 1
  %again = icmp slt i64 %j.next, 2000
  br i1 %again, label %spend, label %body
body:
  %p = getelementptr ptr, ptr %out, i64 %i
  store ptr %scratch, ptr %p
  %i.next = add i64 %i, 1
  br label %check
done:
  ret void
}

define void @nested(ptr %buffers, ptr %dims, ptr %scratch, i64 %begin, i64 %end) {
entry:
  %row = alloca ptr
  %out = load ptr, ptr %buffers
  %pool.ptr = getelementptr ptr, ptr %buffers, i64 1
  %pool = load ptr, ptr %pool.ptr
  %columns.ptr = getelementptr i64, ptr %buffers, i64 2
  %columns = load i64, ptr %columns.ptr
  br label %check
check:
  %i = phi i64 [%begin, %entry], [%i.next, %body]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
  %first = mul i64 %i, %columns
  %p = getelementptr i64, ptr %out, i64 %first
  store ptr %p, ptr %row
  call void @graphc_parallel_for(ptr %pool, ptr @count, ptr %row, ptr null, ptr null, i64 0, i64 %columns)
  %i.next = add i64 %i, 1
  br label %check
done:
  ret void
}

define void @often(ptr %pool, ptr %buffers, i64 %tasks, i64 %times) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%i.next, %loop]
  call void @graphc_parallel_for(ptr %pool, ptr @count, ptr %buffers, ptr null, ptr null, i64 0, i64 %tasks)
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %times
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""

Pointer, Whole = ctypes.c_void_p, ctypes.c_int64


class Code:
    """The runtime and the kernels above, loaded and typed."""

    def __init__(self, serial: bool = False):
        target = host()
        self.library = jit.load(jit.compile_many([runtime.runtime_ir(target.triple, serial), KERNELS], target))
        self.create = self._function("graphc_pool_create", Pointer, ctypes.c_int)
        self.destroy = self._function("graphc_pool_destroy", None, Pointer)
        self._often = self._function("often", None, Pointer, Pointer, Whole, Whole)
        self._parallel_for = self._function("graphc_parallel_for", None, *[Pointer] * 5, Whole, Whole)

    def _function(self, name: str, *types: object) -> ctypes._CFuncPtr:
        return ctypes.CFUNCTYPE(*types)(self.library.address(name))  # type: ignore[arg-type]

    def run(
        self, pool: int | None, kernel: str, buffers: np.ndarray, tasks: int, scratch: int = 0, stride: int = 0
    ) -> None:
        self._parallel_for(pool, self.library.address(kernel), buffers.ctypes.data, None, scratch, stride, tasks)

    def count_often(self, pool: int | None, out: np.ndarray, times: int) -> None:
        """One native call that runs the loop ``times`` times over ``out``."""
        buffers = _buffers(out.ctypes.data)
        self._often(pool, buffers.ctypes.data, len(out), times)


@pytest.fixture(scope="module")
def code() -> Code:
    return Code()


@pytest.fixture(params=[1, 2, 3, 8])
def pool(code: Code, request: pytest.FixtureRequest) -> Iterator[int | None]:
    made = code.create(request.param)
    yield made
    code.destroy(made)


def _buffers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_every_task_runs_once(code: Code, pool: int | None) -> None:
    for tasks in [*range(20), 63, 64, 65, 1000, 12345]:
        out = np.zeros(tasks + 1, np.int64)
        code.run(pool, "count", _buffers(out.ctypes.data), tasks)
        np.testing.assert_array_equal(out[:tasks], 3 * np.arange(tasks))
        assert out[tasks] == 0


def test_thousands_of_dispatches(code: Code, pool: int | None) -> None:
    out = np.zeros(37, np.int64)
    code.count_often(pool, out, 20_000)
    np.testing.assert_array_equal(out, 20_000 * 3 * np.arange(37))


def test_dispatches_to_workers_that_sleep(code: Code, pool: int | None) -> None:
    out = np.zeros(50, np.int64)
    for _ in range(60):
        time.sleep(0.001)  # Longer than they spin.
        code.run(pool, "count", _buffers(out.ctypes.data), 50)
    np.testing.assert_array_equal(out, 60 * 3 * np.arange(50))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_each_worker_has_its_own_scratch(code: Code, threads: int) -> None:
    made = code.create(threads)
    scratch = np.zeros((threads, 16), np.int64)
    out = np.zeros(400, np.int64)
    used: set[int] = set()
    deadline = time.monotonic() + 10  # On a busy machine it takes a while until a worker gets a CPU.
    while not used or (len(used) < min(threads, 2) and time.monotonic() < deadline):
        code.run(made, "place", _buffers(out.ctypes.data), 400, scratch.ctypes.data, scratch.strides[0])
        workers, rest = np.divmod(out - scratch.ctypes.data, scratch.strides[0])
        assert not rest.any()
        used |= set(workers.tolist())
    code.destroy(made)
    assert used <= set(range(threads))
    assert len(used) >= min(threads, 2)


def test_a_loop_inside_a_loop(code: Code, pool: int | None) -> None:
    out = np.zeros((40, 25), np.int64)
    for _ in range(20):
        code.run(pool, "nested", _buffers(out.ctypes.data, pool or 0, 25), 40)
    np.testing.assert_array_equal(out, np.broadcast_to(20 * 3 * np.arange(25), (40, 25)))


def test_several_callers_at_once(code: Code, pool: int | None) -> None:
    outs = [np.zeros(100 + caller, np.int64) for caller in range(4)]

    def call(out: np.ndarray) -> None:
        for _ in range(10):
            code.count_often(pool, out, 200)

    callers = [threading.Thread(target=call, args=(out,)) for out in outs]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
        assert not caller.is_alive()
    for out in outs:
        np.testing.assert_array_equal(out, 2000 * 3 * np.arange(len(out)))


def test_no_pool_and_no_tasks(code: Code) -> None:
    out = np.zeros(5, np.int64)
    code.run(None, "count", _buffers(out.ctypes.data), 5)
    np.testing.assert_array_equal(out, 3 * np.arange(5))
    code.run(None, "count", _buffers(0), 0)
    code.destroy(None)


@pytest.mark.parametrize("threads", [-1, 0, 1])
def test_one_thread_needs_no_pool(code: Code, threads: int) -> None:
    assert code.create(threads) is None


def test_the_serial_twin_computes_the_same() -> None:
    serial = Code(serial=True)
    assert serial.create(8) is None
    out = np.zeros(77, np.int64)
    serial.run(None, "count", _buffers(out.ctypes.data), 77)
    np.testing.assert_array_equal(out, 3 * np.arange(77))
    serial.destroy(None)


def _threads_of_process() -> dict[str, str]:
    """Number and status text of each thread of this process; one that ends meanwhile is left out."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found[task] = Path(f"/proc/self/task/{task}/status").read_text()
    return found


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_workers_start_late_block_signals_and_end(code: Code) -> None:
    before = set(_threads_of_process())
    made = code.create(4)
    assert set(_threads_of_process()) == before
    out = np.zeros(9, np.int64)
    code.run(made, "count", _buffers(out.ctypes.data), 9)
    started = {task: text for task, text in _threads_of_process().items() if task not in before}
    assert len(started) == 3
    for text in started.values():
        (blocked,) = (int(line.split()[1], 16) for line in text.splitlines() if line.startswith("SigBlk"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGPROF):
            assert blocked >> (number - 1) & 1
    code.destroy(made)
    deadline = time.monotonic() + 5  # The kernel lists a joined thread for a moment.
    while set(_threads_of_process()) != before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert set(_threads_of_process()) == before


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_callers_signal_mask_is_as_before(code: Code) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    made = code.create(2)
    code.run(made, "count", _buffers(np.zeros(9, np.int64).ctypes.data), 9)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    code.destroy(made)


def test_pools_come_and_go(code: Code) -> None:
    out = np.zeros(30, np.int64)
    for threads in [2, 3, 4] * 30:
        made = code.create(threads)
        code.run(made, "count", _buffers(out.ctypes.data), 30)
        code.destroy(made)
    code.destroy(code.create(5))  # Never used.
    np.testing.assert_array_equal(out, 90 * 3 * np.arange(30))


FORK = """
import os, sys, threading, time
import numpy as np
sys.path.insert(0, {tests!r})
from test_runtime import Code

code = Code()
pool = code.create({threads})

def works():
    out = np.zeros(500, np.int64)
    code.count_often(pool, out, 300)
    return bool((out == 900 * np.arange(500)).all())

if {started}:
    assert works()
stop = False
def busy():
    while not stop:
        assert works()
other = threading.Thread(target=busy)
if {busy}:
    other.start()
for round in range(8):
    child = os.fork()
    if child == 0:
        ok = works()
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if works() else 1)
        ok = ok and os.waitpid(grandchild, 0)[1] == 0 and works()
        code.destroy(pool)
        os._exit(0 if ok else 1)
    assert works()
    assert os.waitpid(child, 0)[1] == 0
stop = True
if {busy}:
    other.join()
assert works()
code.destroy(pool)
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("started", "busy"), [(False, False), (True, False), (True, True)])
def test_a_forked_child_has_its_own_workers(started: bool, busy: bool) -> None:
    script = FORK.format(tests=str(Path(__file__).parent), threads=3, started=started, busy=busy)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "done"), ran.stderr


def test_the_process_ends_while_workers_spin() -> None:
    script = f"""
import sys
import numpy as np
sys.path.insert(0, {str(Path(__file__).parent)!r})
from graphc.codegen import runtime
from test_runtime import Code
code = Code()
pool = runtime.process_pool(3)
assert pool == runtime.process_pool(3) != runtime.process_pool(2) and runtime.process_pool(1) == 0
out = np.zeros(500, np.int64)
code.count_often(pool, out, 100)
assert (out == 300 * np.arange(500)).all()
print("done")
"""
    environment = {**os.environ, "GRAPHC_CACHE": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "done"), ran.stderr


@pytest.mark.parametrize(
    "triple",
    ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "arm64-apple-darwin", "riscv64-unknown-linux-gnu"],
)
def test_the_text_is_legal_for_other_processors(triple: str) -> None:
    from llvmlite import binding

    for serial in (False, True):
        text = runtime.runtime_ir(triple, serial)
        assert "$" not in text
        binding.parse_assembly(text).verify()
        assert ("pthread" in text) == (not serial)


def test_the_serial_twin_needs_nothing_from_outside() -> None:
    from llvmlite import binding

    module = binding.parse_assembly(runtime.runtime_ir(named("neon").triple, serial=True))
    assert [function.name for function in module.functions if function.is_declaration] == []


def test_the_pool_needs_posix_only() -> None:
    from llvmlite import binding

    module = binding.parse_assembly(runtime.runtime_ir(host().triple))
    outside = {function.name for function in module.functions if function.is_declaration}
    assert {name for name in outside if not name.startswith("llvm.")} <= jit.EXTERNALS
