"""The object as a shared library, made by the C compiler where there is one."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path


def find_compiler(triple: str) -> list[str] | None:
    """The command of a C compiler that links for a target: ``$CC`` or ``cc`` here, a cross compiler elsewhere."""
    machine = triple.split("-")[0]
    if machine != _own_machine():
        return _first_found([f"{machine}-linux-gnu-gcc"])
    given = shlex.split(os.environ.get("CC", ""))
    return given or _first_found(["cc", "gcc", "clang"])


def _own_machine() -> str:
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def _first_found(names: list[str]) -> list[str] | None:
    return next(([name] for name in names if shutil.which(name)), None)


def link_shared(compiler: list[str], object_file: Path, library: Path) -> None:
    """Links the object; the finished file takes the place of an old one at once, which loaded processes keep."""
    unfinished = library.with_name(f"{library.name}.{os.getpid()}.part")
    command = [*compiler, "-shared", "-pthread", "-o", str(unfinished), str(object_file)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{result.stdout}{result.stderr}")
        os.replace(unfinished, library)
    finally:
        unfinished.unlink(missing_ok=True)
