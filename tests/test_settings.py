"""The environment variables and the thread count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import settings


def test_nothing_set_gives_the_defaults() -> None:
    values = settings.read({"HOME": "/home/someone"})
    assert values.num_threads is None
    assert values.cache is True
    assert values.cache_bytes == 256 * 1024 * 1024
    assert values.winograd is False
    assert values.verbose == 0
    assert values.dump is None


def test_every_variable_is_read() -> None:
    values = settings.read(
        {
            "GRAPHC_NUM_THREADS": "3",
            "GRAPHC_CACHE": "0",
            "GRAPHC_CACHE_DIR": "/somewhere/cache",
            "GRAPHC_CACHE_MB": "7",
            "GRAPHC_WINOGRAD": "1",
            "GRAPHC_VERBOSE": "2",
            "GRAPHC_DUMP": "stages",
        }
    )
    assert values == settings.Settings(
        num_threads=3,
        cache=False,
        cache_dir="/somewhere/cache",
        cache_bytes=7 * 1024 * 1024,
        winograd=True,
        verbose=2,
        dump="stages",
    )


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "6,2"}, 6),
        ({"GRAPHC_NUM_THREADS": "2", "OMP_NUM_THREADS": "5"}, 2),
        ({"GRAPHC_NUM_THREADS": " ", "OMP_NUM_THREADS": ""}, None),
    ],
)
def test_threads_of_the_environment(environment: dict[str, str], threads: int | None) -> None:
    assert settings.read(environment).num_threads == threads


def test_the_cache_folder_follows_xdg() -> None:
    assert settings.read({"XDG_CACHE_HOME": "/var/caches"}).cache_dir == "/var/caches/graphc"
    relative = settings.read({"XDG_CACHE_HOME": "caches"}).cache_dir
    assert relative == os.path.expanduser("~/.cache/graphc")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("GRAPHC_NUM_THREADS", "many", "1 to 4096"),
        ("GRAPHC_NUM_THREADS", "0", "1 to 4096"),
        ("GRAPHC_NUM_THREADS", "-2", "1 to 4096"),
        ("OMP_NUM_THREADS", "1.5", "1 to 4096"),
        ("GRAPHC_CACHE", "yes", "0 to 1"),
        ("GRAPHC_CACHE_MB", "1GB", "0 to 1073741824"),
        ("GRAPHC_VERBOSE", "4", "0 to 3"),
    ],
)
def test_a_bad_value_is_named(name: str, text: str, wanted: str) -> None:
    with pytest.raises(ValueError) as caught:
        settings.read({name: text})
    assert str(caught.value) == f"environment variable {name} is '{text}', wanted a whole number from {wanted}"


def test_a_set_thread_count_comes_first() -> None:
    settings.set_num_threads(11)
    try:
        assert settings.thread_count() == 11
    finally:
        settings.set_num_threads(None)
    assert settings.thread_count() == (settings.current().num_threads or settings.usable_cpus())


@pytest.mark.parametrize("count", [0, -1, 4097, 2.0, "2"])
def test_a_bad_thread_count_is_refused(count: object) -> None:
    with pytest.raises(ValueError) as caught:
        settings.set_num_threads(count)  # type: ignore[arg-type]
    assert str(caught.value) == f"number of threads is {count!r}, wanted a whole number from 1 to 4096 or None"


def test_usable_cpus_is_at_least_one_and_at_most_the_affinity() -> None:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert 1 <= settings.usable_cpus() <= allowed


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_quota_of_version_2_is_rounded_up(tmp_path: Path) -> None:
    _write(tmp_path / "self", "0::/jobs/mine\n")
    _write(tmp_path / "fs/jobs/mine/cpu.max", "250000 100000\n")
    assert settings.quota_of_group(f"{tmp_path}/self", f"{tmp_path}/fs") == 3


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    _write(tmp_path / "self", "0::/jobs/mine\n")
    _write(tmp_path / "fs/jobs/mine/cpu.max", "max 100000\n")
    _write(tmp_path / "fs/jobs/cpu.max", "150000 100000\n")
    assert settings.quota_of_group(f"{tmp_path}/self", f"{tmp_path}/fs") == 2


def test_quota_of_version_1(tmp_path: Path) -> None:
    _write(tmp_path / "self", "7:memory:/mine\n4:cpu,cpuacct:/mine\n")
    _write(tmp_path / "fs/cpu,cpuacct/mine/cpu.cfs_quota_us", "50000\n")
    _write(tmp_path / "fs/cpu,cpuacct/mine/cpu.cfs_period_us", "100000\n")
    assert settings.quota_of_group(f"{tmp_path}/self", f"{tmp_path}/fs") == 1


def test_a_container_that_sees_its_group_as_root(tmp_path: Path) -> None:
    _write(tmp_path / "self", "4:cpu:/docker/0123\n")
    _write(tmp_path / "fs/cpu/cpu.cfs_quota_us", "400000\n")
    _write(tmp_path / "fs/cpu/cpu.cfs_period_us", "100000\n")
    assert settings.quota_of_group(f"{tmp_path}/self", f"{tmp_path}/fs") == 4


@pytest.mark.parametrize("text", ["max 100000", "-1 100000", "", "100000 0", "nonsense"])
def test_no_limit(tmp_path: Path, text: str) -> None:
    _write(tmp_path / "self", "0::/\n")
    _write(tmp_path / "fs/cpu.max", text)
    assert settings.quota_of_group(f"{tmp_path}/self", f"{tmp_path}/fs") is None


def test_a_missing_proc_is_no_limit(tmp_path: Path) -> None:
    assert settings.quota_of_group(f"{tmp_path}/none", str(tmp_path)) is None


def test_the_import_loads_neither_llvm_nor_pathlib() -> None:
    file = settings.__file__
    code = f"import importlib.util as u, sys; s = u.spec_from_file_location('alone', {file!r})\n"
    code += "m = sys.modules['alone'] = u.module_from_spec(s); s.loader.exec_module(m)\n"
    code += "print(m.thread_count(), *[name for name in ('numpy', 'llvmlite', 'pathlib') if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(settings.thread_count())]


def test_what_is_compiled_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = settings.current()._replace(verbose=1)
    monkeypatch.setattr(settings, "current", lambda: chosen)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        total = tf.reduce_sum(x, name="total")
        count = tf.get_variable("count", initializer=0)
        session.run(count.initializer)
        counted = tf.assign_add(count, 1).op
        for size in (2, 2, 4):
            session.run([total, counted], {x: np.ones((size, 3))})
    told = [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()]
    assert told == ["compiled (x f32[2,3]) -> (total, new count)", "compiled (x f32[n0,3]) -> (total, new count)"]
