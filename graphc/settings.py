"""What users set from outside: the environment variables graphc reads, and how many threads it uses.

===================  ==================================================================================
GRAPHC_NUM_THREADS   threads of a parallel loop; without it OMP_NUM_THREADS; without both, the usable CPUs
GRAPHC_CACHE         0 turns the on-disk cache of compiled code off
GRAPHC_CACHE_DIR     its folder; by default ``graphc`` in the user's cache folder
GRAPHC_CACHE_MB      its largest size in megabytes, 256 by default
GRAPHC_WINOGRAD      1 computes convolutions of 3 x 3 with fewer multiplications and larger rounding errors
GRAPHC_VERBOSE       0 silent, 1 what is compiled, 2 times of each stage, 3 the lines that each pass changed
GRAPHC_DUMP          a folder that receives each stage of each compiled step, numbered: graphs, pictures, loops
===================  ==================================================================================

The environment is read once, at the first question; `set_num_threads` changes the thread count afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

MAX_THREADS = 4096


class Settings(NamedTuple):
    """The values of the environment variables, checked; ``None`` where the user said nothing."""

    num_threads: int | None
    cache: bool
    cache_dir: str | None
    cache_bytes: int
    winograd: bool
    verbose: int
    dump: str | None


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
        winograd=bool(_whole(environment, "GRAPHC_WINOGRAD", 0, 0, 1)),
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
    quota = quota_of_group("/proc/self/cgroup", "/sys/fs/cgroup")
    return max(1, min(allowed, quota or allowed))


def quota_of_group(groups: str, root: str) -> int | None:
    """CPUs that the control groups of this process allow, rounded up; None without a limit.

    ``groups`` is the file that names them, ``root`` the folder where they stand. A group is limited by all groups above
    it as well. A container sees its own group at the root, while the file may name a path that does not exist there;
    the way upwards ends at the root in either case.
    """
    limits = [limit for folder in _group_folders(groups, root) if (limit := _quota_of_folder(folder))]
    return min(limits, default=None)


def _group_folders(groups: str, root: str) -> Iterator[str]:
    """Where limits may stand: the file's lines are ``0::/path`` (version 2) and ``4:cpu,cpuacct:/path`` (version 1)."""
    for line in _text(groups).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        names = path.strip("/").split("/") if path.strip("/") else []
        if number == "0":
            bases = [root]
        elif "cpu" in controllers.split(","):
            bases = [f"{root}/{controllers}", f"{root}/cpu"]
        else:
            continue
        for base in bases:
            for depth in range(len(names), -1, -1):
                yield "/".join([base, *names[:depth]])


def _quota_of_folder(folder: str) -> int | None:
    """``cpu.max`` holds "quota period" in version 2; version 1 has a file for each, with -1 for no limit."""
    quota, _, period = _text(f"{folder}/cpu.max").strip().partition(" ")
    if not quota:
        quota = _text(f"{folder}/cpu.cfs_quota_us").strip()
        period = _text(f"{folder}/cpu.cfs_period_us").strip()
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return -(-int(quota) // int(period))


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read()
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


def _folder(environment: Mapping[str, str], name: str) -> str | None:
    text = environment.get(name, "").strip()
    return os.path.expanduser(text) if text else None


def _user_cache(environment: Mapping[str, str]) -> str | None:
    """``$XDG_CACHE_HOME/graphc`` or ``~/.cache/graphc``; None where there is no home."""
    given = environment.get("XDG_CACHE_HOME", "").strip()
    if os.path.isabs(given):  # The XDG base directory specification: relative paths are ignored.
        return os.path.join(given, "graphc")
    home = os.path.expanduser("~")
    return os.path.join(home, ".cache", "graphc") if os.path.isabs(home) else None
