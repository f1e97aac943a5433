"""Examples run, those of a page in the order and in the one folder in which a reader would type them."""

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
PAGES = {
    str(path.relative_to(ROOT)): path.read_text() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
}


class Block(NamedTuple):
    """A fenced block: its page, the line that it begins at, its language, its text."""

    page: str
    line: int
    language: str
    text: str


def blocks() -> list[Block]:
    """All fenced blocks that name a language."""
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for page, text in PAGES.items()
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


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
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder for all blocks of a page, because later ones use files that earlier ones write."""
    return {page: tmp_path_factory.mktemp(Path(page).stem) for page in PAGES}


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.page}-{block.language}-at-line-{block.line}")
def test_block_runs(block: Block, folders: dict[str, Path]) -> None:
    folder = folders[block.page]
    name = re.match(r"(?:/\*|#) (\w+\.(?:c|py))", block.text)  # the first line may name the file
    assert name or block.language != "c", f"{block.page}:{block.line}: the first line must name the file"
    if name:
        (folder / name[1]).write_text(block.text)
    elif block.language == "python":
        run([sys.executable, "-W", "error", "-c", block.text], folder, block)
    elif block.language == "sh" and not block.text.startswith("python3 -m venv"):
        run(["bash", "-euc", block.text], folder, block)


def run(command: list[str], folder: Path, block: Block) -> None:
    """Run the command in ``folder``; where it fails, its output is the message."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{scripts}:{os.environ['PATH']}"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, f"{block.page}:{block.line}\n{result.stdout}{result.stderr}"
