"""Imports point one way, files stay short, and heavy libraries wait until a step is compiled."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("graphc", "passes", "codegen", "samples", "benchmarks", "tests")
LONGEST_FILE = 500
LISTS = ("graphc/__init__.py",)  # one name a line, in order: nobody reads it from end to end

# The rooms from the top floor down. A module may import from its own room and from floors below, never from above
# or from another room of the same floor. The first pattern that fits, read from the top, names a module's room.
FLOORS: list[dict[str, list[str]]] = [
    {"front door": ["graphc", "graphc.__main__", "graphc.tf1*"]},
    {
        "session": [
            "graphc.contrib*",
            "graphc.data*",
            *("graphc.session", "graphc.session_state", "graphc.interactive"),
            *("graphc.first_values", "graphc.settled", "graphc.staging", "graphc.versions"),
            *("graphc.feeding", "graphc.fetching", "graphc.profile*"),
            *("graphc.aot*", "graphc.visualize*", "graphc.export", "graphc.test*"),
            *("graphc.train.session_manager", "graphc.train.monitored_session", "graphc.train.supervisor"),
        ]
    },
    {
        "compiler": [
            "graphc.compiler",
            "graphc.capture",
            "graphc.step",
            "graphc.executable",
            "graphc.faults",
            "graphc.recall",
        ]
    },
    {
        "codegen": ["graphc.codegen", "graphc.codegen.*"],
        "optimising passes": ["graphc.passes", "graphc.passes.*"],
    },
    {
        "namespaces": [
            *("graphc.nn*", "graphc.layers*", "graphc.train*", "graphc.losses", "graphc.clipping"),
            *("graphc.metrics*", "graphc.distributions*", "graphc.summary*", "graphc.decoding*", "graphc.lookup"),
            "graphc.queues*",
            *("graphc.exchange*", "graphc.graph_util", "graphc.saved_model*", "graphc.checkpoints*"),
            *(
                "graphc.functional",
                "graphc.second_derivatives",
                "graphc.tensor_array",
                "graphc.composites",
                "graphc.config",
                "graphc.examples*",
            ),
            "graphc.critical_section",
            *("graphc.math*", "graphc.linalg*", "graphc.sparse*", "graphc.random", "graphc.bitwise", "graphc.strings"),
            *("graphc.signal*", "graphc.spectral"),
            *("graphc.image*", "graphc.debugging*", "graphc.initialised", "graphc.raw_ops*", "graphc.quantization"),
        ]
    },
    {"pictures": ["graphc.pictures*"]},
    {"program frame": ["graphc.frame*", "graphc.io*", "graphc.python_io"]},
    {"gradient passes": []},
    {
        "variables": [
            "graphc.variables",
            "graphc.variable_parts",
            "graphc.variable_scope",
            "graphc.initializers*",
            "graphc.templates",
            "graphc.partitioners",
        ]
    },
    {"ops": ["graphc.ops", "graphc.ops.*", "graphc.operators", "graphc.philox"]},
    {"scopes": ["graphc.scopes", "graphc.interpret"]},
    {"graph": ["graphc.graph", "graphc.needed", "graphc.nodes", "graphc.body"]},
    {
        "ground": [
            "graphc.arithmetic",
            "graphc.shapes",
            "graphc.dtypes",
            "graphc.errors",
            "graphc.dims",
            "graphc.settings",
            "graphc.records",
            "graphc.alignment",
            "graphc.checksums",
            "graphc.nest",
            "graphc.mistakes",
            "graphc.lazily",
            "graphc.collector",
            "graphc.left_out",
            "graphc.tracebacks",
            "graphc.version",
            "graphc.specs",
        ]
    },
]
# These stand in a folder of another room: optimizers call them while the user declares.
_DIFFERENTIATING = (
    *("adjoints", "gradients", "gradients_if", "gradients_outwards", "gradients_while", "forward_gradients"),
    "twins",
)
EXCEPTIONS = {f"graphc.passes.{module}": "gradient passes" for module in _DIFFERENTIATING}
# What users call on a graph though it is made upstairs; these imports stand inside the method.
WAYS_UP = {
    "graphc.graph": {"graphc.scopes", "graphc.export", "graphc.visualize", "graphc.exchange.writing"},
    "graphc.body": {"graphc.ops.base"},
    "graphc.ops.late": {"graphc.passes.gradients"},
}

# Beyond what NumPy loads. The last three take milliseconds each: pathlib brings urllib, hashlib OpenSSL.
NOT_LOADED_BY_IMPORT = (
    *("llvmlite", "networkx", "graphviz", "safetensors", "google.protobuf"),
    *("dataclasses", "hashlib", "pathlib"),
)
MOST_MODULES = 101  # of ours: more than that does not fit in 45 ms


class Import(NamedTuple):
    """One import of one of our modules by another."""

    target: str
    line: int
    late: bool  # inside a function, so it runs after all modules are loaded


def module_files() -> dict[str, Path]:
    """Every module of the package by the name it is imported by; passes and codegen under graphc."""
    found = {}
    for folder in ("graphc", "passes", "codegen"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if relative.parts[:2] in [("graphc", "passes"), ("graphc", "codegen")]:
                continue
            parts = ("graphc", *relative.parts) if folder != "graphc" else relative.parts
            found[".".join(parts).removesuffix(".py").removesuffix(".__init__")] = path
    return found


MODULES = module_files()


@cache
def imports_of(module: str) -> list[Import]:
    """What the module imports of ours, each import resolved to the module that it names."""
    tree = ast.parse(MODULES[module].read_text())
    late = {id(node) for function in functions(tree) for node in ast.walk(function)}
    for_types = {id(node) for branch in ast.walk(tree) if is_for_types(branch) for node in ast.walk(branch)}
    found = []
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        for name in imported_names(node, module):
            target = name if name in MODULES else name.rpartition(".")[0]
            if target in MODULES and target != module:
                found.append(Import(target, node.lineno, id(node) in late))
    return found


def is_for_types(node: ast.AST) -> bool:
    """Whether this is ``if TYPE_CHECKING:``, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def functions(tree: ast.Module) -> Iterator[ast.AST]:
    """All functions of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def late_imports(tree: ast.Module) -> set[int]:
    """The lines of all imports inside functions."""
    return {x.lineno for f in functions(tree) for x in ast.walk(f) if isinstance(x, ast.Import | ast.ImportFrom)}


def imported_names(node: ast.AST, module: str) -> list[str]:
    """The full dotted names that an import statement mentions; none for any other node."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    return []


def room_of(module: str) -> tuple[int, str] | None:
    """The floor (0 is the top) and the room of a module."""
    for floor, rooms in enumerate(FLOORS):
        for room, patterns in rooms.items():
            if module in EXCEPTIONS:
                if EXCEPTIONS[module] == room:
                    return floor, room
            elif any(fnmatchcase(module, pattern) for pattern in patterns):
                return floor, room
    return None


def where(path: Path, line: int) -> str:
    """A place as editors and people write it."""
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_has_a_room() -> None:
    homeless = [module for module in MODULES if room_of(module) is None]
    assert not homeless, f"name a room for these in FLOORS: {homeless}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    floor, room = room_of(module) or (0, "front door")
    wrong = []
    for target, line, late in imports_of(module):
        if late and target in WAYS_UP.get(module, set()):
            continue
        target_floor, target_room = room_of(target) or (len(FLOORS), "")
        if target_floor < floor or (target_floor == floor and target_room != room):
            wrong.append(f"{where(MODULES[module], line)}: {module} ({room}) imports {target} ({target_room})")
    assert not wrong, "\n".join(wrong)


def test_no_cycle_among_the_imports_at_module_level() -> None:
    needs = {module: {i.target for i in imports_of(module) if not i.late} for module in MODULES}
    while free := [module for module, targets in needs.items() if not targets & needs.keys()]:
        for module in free:
            del needs[module]
    assert not needs, f"there is a cycle among {sorted(one_cycle(needs))}"


def one_cycle(needs: dict[str, set[str]]) -> set[str]:
    """The modules of one cycle, found by walking on until a module comes again."""
    path: list[str] = []
    module = next(iter(needs))
    while module not in path:
        path.append(module)
        module = min(needs[module] & needs.keys())
    return set(path[path.index(module) :])


def all_files() -> list[Path]:
    """Every Python file of the project, each once."""
    linked = [ROOT / "graphc" / "passes", ROOT / "graphc" / "codegen"]
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in files if not any(path.is_relative_to(link) for link in linked)]


def test_no_star_import_and_no_import_of_a_top_level_folder() -> None:
    wrong = []
    for path in all_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                wrong.append(f"{where(path, node.lineno)}: star import")
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            wrong += [
                f"{where(path, node.lineno)}: write graphc.{name}"
                for name in names
                if name.split(".")[0] in ("passes", "codegen")
            ]
    assert not wrong, "\n".join(wrong)


def test_an_import_inside_a_function_says_why() -> None:
    silent = []
    for path in MODULES.values():
        text = path.read_text()
        if not re.search(r"^ +(import|from) ", text, re.MULTILINE):
            continue  # most files, which need not be parsed
        lines, inside = text.splitlines(), late_imports(ast.parse(text))
        firsts = [line for line in inside if line - 1 not in inside]  # the first of a run speaks for those below it
        silent += [where(path, line) for line in firsts if "  # " not in lines[line - 1]]
    assert not silent, f"move the import to the top of the file, or say beside it what it keeps unloaded: {silent}"


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in all_files()}
    long = {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST_FILE}
    long = {name: length for name, length in long.items() if name not in LISTS}
    assert not long, f"longer than {LONGEST_FILE} lines: {long}"


def test_import_graphc_loads_little() -> None:
    program = "import sys, numpy; known = set(sys.modules); import graphc; print(*sorted(set(sys.modules) - known))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = result.stdout.split()
    assert not set(NOT_LOADED_BY_IMPORT) & set(loaded)
    ours = [name for name in loaded if name.split(".")[0] == "graphc"]
    assert len(ours) <= MOST_MODULES, f"few programs need all of these; see graphc/lazily.py: {ours}"
