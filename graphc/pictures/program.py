"""The dot program: where it is looked for, and how it is run.

A system's ``dot`` comes first. The wheel ``graphviz-pure``, our extra ``pictures``, brings a program of its own name,
which stands beside Python in a virtual environment whether that is activated or not.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import warnings
from pathlib import Path

HOW_TO_GET_ONE = (
    "no dot program was found, which turns Graphviz text into pictures: install one with "
    "`pip install 'graphc[pictures]'`, or as the package graphviz of your system"
)


PATIENCE = 20.0  # seconds for a drawing as it was meant; half a minute is what a person waits for
LAST_PATIENCE = 40.0  # seconds for the plainer one
# Straight lines, and few rounds of looking for short ones and for fewer crossings: a fourth of the time and less.
PLAINER = ("-Gsplines=line", "-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=0.1")


class DotNotFoundError(RuntimeError):
    """A picture is wanted as SVG or PNG, and there is no dot program to make it."""


class DotTimeoutError(RuntimeError):
    """The dot program did not finish a picture in time."""


class PlainerPictureWarning(UserWarning):
    """A picture took so long that it is drawn with less care."""


def find_program() -> str | None:
    """The path of a dot program, or None."""
    beside_python = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    candidates = ("dot", "graphviz-pure", str(beside_python))
    return next((found for name in candidates if (found := shutil.which(name))), None)


def render(source: str, format: str) -> bytes:
    """The picture in ``format`` (svg, png, pdf).

    ``DotNotFoundError`` without a program, ``DotTimeoutError`` where it does not finish, ``ValueError`` where it fails.
    """
    program = find_program()
    if program is None:
        raise DotNotFoundError(HOW_TO_GET_ONE)
    try:
        result = _drawn([program, f"-T{format}"], source, PATIENCE)
    except subprocess.TimeoutExpired:
        warnings.warn(
            f"{program} did not finish the picture within {PATIENCE:g} s, and tries again with straight lines and less "
            "care: draw less of the graph, or fold more of it",
            PlainerPictureWarning,
            stacklevel=2,
        )
        result = _plainly_drawn([program, f"-T{format}"], source)
    if result.returncode or not result.stdout:
        message = result.stderr.decode(errors="replace").strip()
        raise ValueError(f"{program} could not draw the picture as {format!r}: {message}")
    return result.stdout


def _plainly_drawn(command: list[str], source: str) -> subprocess.CompletedProcess[bytes]:
    """With straight lines; a program that knows no such options has had its time."""
    try:
        return _drawn([*command, *PLAINER], source, LAST_PATIENCE)
    except subprocess.TimeoutExpired:
        raise DotTimeoutError(
            f"{command[0]} did not finish the picture within {PATIENCE:g} s, nor a plainer one within "
            f"{LAST_PATIENCE:g} s: draw less of the graph, or fold more of it"
        ) from None


def _drawn(command: list[str], source: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    result = _run(command, source, seconds)
    return _run(command, without_links_of_no_length(source), seconds) if result.returncode else result


def without_links_of_no_length(source: str) -> str:
    """The same drawing, a little looser: at one in ten, dot stumbles over such links between clusters ("init_rank")."""
    return source.replace(" minlen=0", "")


def _run(command: list[str], source: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, input=source.encode(), capture_output=True, timeout=seconds)
