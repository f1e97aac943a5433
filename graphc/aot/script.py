"""What both commands ask of a Python file: the graph that it declares, and parts of that graph by their names."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def declared_graph(script: str) -> Graph:
    """The graph that the file (and its function) declares."""
    path, _, function = script.partition(":")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    graph = Graph()
    with graph.as_default(), _as_script(path):
        names = runpy.run_path(path, run_name=RUN_NAME)
        if function and callable(names.get(function)):
            names[function]()
    if function and not callable(names.get(function)):
        raise ValueError(f"{path} has no function '{function}'")
    return graph


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


def fetched(graph: Graph, name: str, option: str) -> Tensor | Operation:
    """The tensor or operation called ``name``; what may have been meant is told where there is none."""
    try:
        return graph.as_graph_element(name)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{option}: {error.args[0]}{_listed('nothing reads', _results(graph))}") from None


def fed(graph: Graph, name: str, option: str) -> Tensor:
    """The tensor called ``name``, with or without its number; the placeholders are told where there is none."""
    try:
        return graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError) as error:
        inputs = [node.name for node in graph.nodes if node.type in INPUTS]
        raise ValueError(f"{option}: {error.args[0]}{_listed('placeholders are', inputs)}") from None


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
