"""The dot program: where it is looked for, and how it is run.

A system's ``dot`` comes first. The wheel ``graphviz-pure``, our extra ``pictures``, brings a program of its own name,
which stands beside Python in a virtual environment whether that is activated or not.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

HOW_TO_GET_ONE = (
    "no dot program was found, which turns Graphviz text into pictures: install one with "
    "`pip install 'graphc[pictures]'`, or as the package graphviz of your system"
)


class DotNotFoundError(RuntimeError):
    """A picture is wanted as SVG or PNG, and there is no dot program to make it."""


def find_program() -> str | None:
    """The path of a dot program, or None."""
    beside_python = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    candidates = ("dot", "graphviz-pure", str(beside_python))
    return next((found for name in candidates if (found := shutil.which(name))), None)


def render(source: str, format: str) -> bytes:
    """The picture in ``format`` (svg, png, pdf); DotNotFoundError without a program, ValueError where it cannot."""
    program = find_program()
    if program is None:
        raise DotNotFoundError(HOW_TO_GET_ONE)
    result = _run(program, source, format)
    if result.returncode:
        result = _run(program, without_links_of_no_length(source), format)
    if result.returncode or not result.stdout:
        message = result.stderr.decode(errors="replace").strip()
        raise ValueError(f"{program} could not draw the picture as {format!r}: {message}")
    return result.stdout


def without_links_of_no_length(source: str) -> str:
    """The same drawing, a little looser: at one in ten, dot stumbles over such links between clusters ("init_rank")."""
    return source.replace(" minlen=0", "")


def _run(program: str, source: str, format: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program, f"-T{format}"], input=source.encode(), capture_output=True)
