"""What the commands ask of a Python file: the graph that it declares, and parts of it by name."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.pictures.units import initialisation
from graphc.tracebacks import from_file

RUN_NAME = "graphc_model"
SHOWN_NAMES = 5
INPUTS = ("Placeholder", "PlaceholderWithDefault")
NO_RESULTS = (*INPUTS, "Const", "VariableV2", "ReadVariableOp", "Assign")


class ScriptError(Exception):
    """The file did not come to its end; the text is its traceback, from its own first line on."""


class Declared(NamedTuple):
    """The graph that a file (and its function) declares, and what the file's variables hold at its end."""

    graph: Graph
    variables: dict[str, Any]


def declared(script: str) -> Declared:
    """What the file, and its function where one is named, declares."""
    path, _, function = script.partition(":")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    graph = Graph()
    with graph.as_default(), _as_script(path):
        variables = runpy.run_path(path, run_name=RUN_NAME)
        if function and callable(variables.get(function)):
            variables[function]()
    if function and not callable(variables.get(function)):
        raise ValueError(f"{path} has no function '{function}'")
    return Declared(graph, variables)


@contextmanager
def _as_script(path: str) -> Iterator[None]:
    """The file sees no arguments, and finds the modules beside it; what it raises is told as Python would."""
    arguments = sys.argv
    sys.argv = [path]
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        yield
    except SystemExit as error:
        place = from_file(error.__traceback__, path)
        line = f" at line {place.tb_lineno}" if place else ""
        code = "" if error.code is None else repr(error.code)
        raise ScriptError(f"{path} ended itself with sys.exit({code}){line}") from None
    except Exception as error:
        lines = traceback.format_exception(type(error), error, from_file(error.__traceback__, path))
        raise ScriptError("".join(lines).rstrip()) from None
    finally:
        sys.argv = arguments
        sys.path.pop(0)


# -- parts by name -------------------------------------------------------------------------------------


def fetched(file: Declared, name: str, option: str) -> Tensor | Operation:
    """What the graph, or else a variable of the file, calls ``name``; what may have been meant where there is none.

    A name without number means the tensor where the operation gives one.
    """
    try:
        element: Any = file.graph.as_graph_element(name)
    except (KeyError, ValueError) as error:
        element = _held(file, name)
        if element is None:
            raise ValueError(f"{option}: {error.args[0]}{_listed('nothing reads', _results(file.graph))}") from None
    gives_value = isinstance(element, Operation) and len(element.outputs) == 1 and not element.kind.has_effect
    return element.outputs[0] if gives_value else element


def fed(file: Declared, name: str, option: str) -> Tensor:
    """The tensor of a name, with or without its number, or else of a variable; the placeholders where there is none."""
    try:
        return file.graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError) as error:
        element = _held(file, name)
        if not isinstance(element, Tensor):
            inputs = [node.name for node in file.graph.nodes if node.type in INPUTS]
            raise ValueError(f"{option}: {error.args[0]}{_listed('placeholders are', inputs)}") from None
        return element


def _held(file: Declared, name: str) -> Tensor | Operation | None:
    """What the file's variable of that name holds, where it is of the graph."""
    value = file.variables.get(name)
    try:
        return None if isinstance(value, str) else file.graph.as_graph_element(value)
    except (TypeError, ValueError):
        return None


def names(text: str) -> list[str]:
    """``a, b`` -> a and b: the value of an option."""
    return [name.strip() for name in text.split(",") if name.strip()]


def shape(text: str) -> tuple[str, list[int]]:
    """``x=2,3`` -> x and [2, 3]: the value of an option."""
    name, _, sizes = text.partition("=")
    return name, [int(size) for size in sizes.split(",") if size.strip()]


def _results(graph: Graph) -> list[str]:
    """What the program itself does not read on: losses, training operations; the last declared first."""
    aside = initialisation(graph)
    own = [node for node in graph.nodes if node not in aside and node.role != "adjoint"]
    read = {before for node in own for before in node.before}
    return [node.name for node in reversed(own) if node not in read and node.type not in NO_RESULTS]


def _listed(what: str, found: list[str]) -> str:
    more = ", ..." if len(found) > SHOWN_NAMES else ""
    return f" (in this graph {what} {', '.join(found[:SHOWN_NAMES])}{more})" if found else ""
