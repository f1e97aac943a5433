"""What users install: passes and codegen ship inside graphc, and nothing generic lands beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from graphc.version import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = "graphc", "graphc.passes", "graphc.codegen", "graphc.codegen.lower", "graphc.codegen.kernels"


def build(kind: str, folder: Path) -> Path:
    """The file that setuptools makes from a copy of the project, so that the checkout stays clean."""
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "out"))
    program = f"from setuptools.build_meta import build_{kind} as build; print(build({str(folder)!r}))"
    result = subprocess.run([sys.executable, "-c", program], cwd=copy, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder / result.stdout.splitlines()[-1]


def python_files() -> set[str]:
    """The package's files by the place where they are to be installed."""
    inside = {path.relative_to(ROOT) for path in (ROOT / "graphc").rglob("*.py")}
    linked = {
        Path("graphc") / path.relative_to(ROOT)
        for name in ("passes", "codegen")
        for path in (ROOT / name).rglob("*.py")
    }
    return {str(path) for path in inside | linked}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"graphc", f"graphc-{__version__}.dist-info"}
    assert {name for name in names if name.endswith(".py")} == python_files()
    assert "graphc/py.typed" in names


def test_source_distribution_builds_the_same_wheel(tmp_path: Path, wheel: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    program = f"from setuptools.build_meta import build_wheel; print(build_wheel({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, check=True)
    (again,) = tmp_path.glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_installed_wheel_imports_from_anywhere(tmp_path: Path, wheel: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert_imports(tmp_path, tmp_path / "site")


def test_bare_checkout_imports(tmp_path: Path) -> None:
    program = f"import {', '.join(MODULES)}"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_editable_install_hides_the_top_level_folders(tmp_path: Path) -> None:
    zipfile.ZipFile(build("editable", tmp_path)).extractall(tmp_path / "site")
    program = (
        f"import site, importlib.util as util; site.addsitedir({str(tmp_path / 'site')!r});"
        f"import {', '.join(MODULES)};"
        "print(util.find_spec('passes'), util.find_spec('codegen'))"
    )
    assert run_isolated(program, tmp_path) == "None None"


def assert_imports(folder: Path, site: Path) -> None:
    """A user's own codegen folder neither hides ours nor is hidden by it."""
    (folder / "codegen").mkdir()
    (folder / "codegen" / "__init__.py").write_text("mine = True")
    program = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(site)!r}]; import codegen, {', '.join(MODULES)};"
        "print(codegen.mine, graphc.codegen.__name__)"
    )
    assert run_isolated(program, folder) == "True graphc.codegen"


def run_isolated(program: str, folder: Path) -> str:
    """What the program prints in a Python that sees neither this checkout nor the user's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # -S -I would hide the dependencies too, so a checkout on the path (installed as a .pth file) is taken from it.
    hide = f"import sys; sys.path = [place for place in sys.path if place != {str(ROOT)!r}]\n"
    command = [sys.executable, "-c", hide + program]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_dependencies_are_these_four() -> None:
    names = {requirement.split(">")[0] for requirement in PROJECT["dependencies"]}
    assert names == {"numpy", "networkx", "graphviz", "llvmlite"}
