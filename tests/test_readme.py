"""The README's examples run, in the order and in the one folder in which a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


class Block(NamedTuple):
    """A fenced block: its language, the line of the README it begins at, its text."""

    language: str
    line: int
    text: str


def blocks() -> list[Block]:
    """All fenced blocks of the README."""
    found = []
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        found.append(Block(match[1], README.count("\n", 0, match.start()) + 1, match[2]))
    return found


def set_up_commands() -> list[str]:
    """The one-line commands that make an environment of their own."""
    return [line for line in README.splitlines() if line.startswith("python3 -m venv")]


def test_two_commands_set_everything_up() -> None:
    job, tests = set_up_commands()
    assert job.endswith("python samples/digits.py")
    assert tests.endswith("python -m pytest -q")


def test_every_environment_variable_is_in_the_table() -> None:
    settings = (ROOT / "graphc" / "settings.py").read_text()
    assert set(re.findall(r"^\| `(GRAPHC_\w+)`", README, re.MULTILINE)) == set(re.findall(r"GRAPHC_\w+", settings))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all blocks, because later ones use files that earlier ones write."""
    return tmp_path_factory.mktemp("readme")


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.language}-at-line-{block.line}")
def test_block_runs(block: Block, folder: Path) -> None:
    match block.language:
        case "python":
            run([sys.executable, "-W", "error", "-c", block.text], folder, block)
        case "c":
            # The first line names the file: /* main.c ... */
            name = re.match(r"/\* (\w+\.c)", block.text)
            assert name, f"README.md:{block.line}: the first line must name the file"
            (folder / name[1]).write_text(block.text)
        case "sh" if not block.text.startswith("python3 -m venv"):
            run(["bash", "-euc", block.text], folder, block)


def run(command: list[str], folder: Path, block: Block) -> None:
    """Run the command in ``folder``; where it fails, its output is the message."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{scripts}:{os.environ['PATH']}"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, f"README.md:{block.line}\n{result.stdout}{result.stderr}"
