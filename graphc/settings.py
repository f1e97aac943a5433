"""What users set from outside: the environment variables graphc reads, and how many threads it uses.

===================  ==================================================================================
GRAPHC_NUM_THREADS   threads of a parallel loop; without it OMP_NUM_THREADS; without both, the usable CPUs
GRAPHC_CACHE         0 turns the on-disk cache of compiled code off
GRAPHC_CACHE_DIR     its folder; by default ``graphc`` in the user's cache folder
GRAPHC_CACHE_MB      its largest size in megabytes, 256 by default
GRAPHC_VERBOSE       0 silent, 1 what is compiled, 2 times of each stage, 3 what each pass did
GRAPHC_DUMP          a folder that receives each stage of each compiled step, numbered
===================  ==================================================================================

The environment is read once, at the first question; `set_num_threads` changes the thread count afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MAX_THREADS = 4096


@dataclass(frozen=True)
class Settings:
    """The values of the environment variables, checked; ``None`` where the user said nothing."""

    num_threads: int | None
    cache: bool
    cache_dir: Path | None
    cache_bytes: int
    verbose: int
    dump: Path | None


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process."""
    return read(os.environ)


def read(environment: Mapping[str, str]) -> Settings:
    """The settings an environment holds; a ValueError names the variable that makes no sense."""
    return Settings(
        num_threads=_threads_wanted(environment),
        cache=bool(_whole(environment, "GRAPHC_CACHE", 1, 0, 1)),
        cache_dir=_folder(environment, "GRAPHC_CACHE_DIR") or _user_cache(environment),
        cache_bytes=_whole(environment, "GRAPHC_CACHE_MB", 256, 0, 1 << 30) << 20,
        verbose=_whole(environment, "GRAPHC_VERBOSE", 0, 0, 3),
        dump=_folder(environment, "GRAPHC_DUMP"),
    )


def thread_count() -> int:
    """How many threads a parallel loop uses: what was set, else the environment, else the usable CPUs."""
    return _set_threads or current().num_threads or usable_cpus()


def set_num_threads(count: int | None) -> None:
    """Use this many threads from the next compiled step on; ``None`` returns to environment and machine."""
    global _set_threads
    if count is not None and not (isinstance(count, int) and 1 <= count <= MAX_THREADS):
        raise ValueError(f"number of threads is {count!r}, wanted a whole number from 1 to {MAX_THREADS} or None")
    _set_threads = count


_set_threads: int | None = None


@lru_cache(maxsize=1)
def usable_cpus() -> int:
    """How many CPUs this process may keep busy: its affinity, or less where its control group has a quota."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # Linux only.
        allowed = os.cpu_count() or 1
    quota = _quota_of_group(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return max(1, min(allowed, quota or allowed))


def _quota_of_group(groups: Path, root: Path) -> int | None:
    """CPUs that the control groups of this process allow, rounded up; None without a limit.

    A group is limited by all groups above it as well. In a container the listed path may not exist, as the container
    sees its own group at the root; the walk upwards ends there in any case.
    """
    limits = [limit for folder in _group_folders(groups, root) if (limit := _quota_of_folder(folder))]
    return min(limits, default=None)


def _group_folders(groups: Path, root: Path) -> list[Path]:
    """Where the limits stand: lines are ``0::/path`` (version 2) and ``4:cpu,cpuacct:/path`` (version 1)."""
    folders = []
    for line in _text(groups).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and "cpu" not in controllers.split(","):
            continue
        for base in (root,) if number == "0" else (root / controllers, root / "cpu"):
            inner = base / path.lstrip("/")
            folders += [inner, *(parent for parent in inner.parents if parent.is_relative_to(base))]
    return folders


def _quota_of_folder(folder: Path) -> int | None:
    """``cpu.max`` holds "quota period" in version 2; version 1 has a file for each, with -1 for no limit."""
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip()
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return -(-int(quota) // int(period))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _threads_wanted(environment: Mapping[str, str]) -> int | None:
    """GRAPHC_NUM_THREADS, else OMP_NUM_THREADS, of whose list of nesting levels the first counts."""
    own = _whole(environment, "GRAPHC_NUM_THREADS", 0, 1, MAX_THREADS)
    if own:
        return own
    outermost = environment.get("OMP_NUM_THREADS", "").split(",")[0]
    return _whole({"OMP_NUM_THREADS": outermost}, "OMP_NUM_THREADS", 0, 1, MAX_THREADS) or None


def _whole(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"environment variable {name} is '{text}', wanted a whole number from {least} to {most}")
    return int(text)


def _folder(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name, "").strip()
    return Path(text).expanduser() if text else None


def _user_cache(environment: Mapping[str, str]) -> Path | None:
    """``$XDG_CACHE_HOME/graphc`` or ``~/.cache/graphc``; None where there is no home."""
    given = environment.get("XDG_CACHE_HOME", "").strip()
    if given and Path(given).is_absolute():  # The XDG base directory specification: relative paths are ignored.
        return Path(given) / "graphc"
    home = Path("~").expanduser()
    return home / ".cache" / "graphc" if home.is_absolute() else None
