"""``graphc compile``: compile a step of a graph that a Python file declares.

graphc compile train.py --feeds x,y --fetches loss,train --name mlp --batch 64 --out build

The file runs with ``__name__`` set to ``graphc_model``: what stands under ``if __name__ == "__main__"`` does not. With
``train.py:declare`` its function ``declare`` is called afterwards. What then is in the default graph is compiled.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphc.aot.compile import Artifact, compile
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor

SUMMARY = "compile a step ahead of time: object file, shared library, C header and loader"
RUN_NAME = "graphc_model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("script", metavar="FILE[:FUNCTION]", help="Python file that declares the graph")
    parser.add_argument("--fetches", required=True, type=_names, metavar="A,B", help="names of tensors and operations")
    parser.add_argument("--feeds", default=[], type=_names, metavar="A,B", help="names of fed tensors, in order")
    parser.add_argument("--name", default="model", help="what functions and files are called (model)")
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="for the files (here)")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--batch", type=int, help="first size of feeds where the graph does not know it")
    sizes.add_argument("--max-batch", type=int, help="the caller passes that size with each call, up to this")
    parser.add_argument("--shape", action="append", default=[], type=_shape, metavar="FEED=2,3", help="shape of a feed")
    parser.add_argument("--threads", type=int, default=1, help="threads of an instance (1)")
    parser.add_argument("--target", default="host", help="host, sse2, avx2, avx512 or neon (host)")
    parser.add_argument("--no-library", action="store_true", help="object and header only")


def run(options: argparse.Namespace) -> int:
    """Compile, and print what was written."""
    graph = declared_graph(options.script)
    artifact = compile(
        {name: _fetch(graph, name) for name in options.fetches},
        {name: _feed(graph, name) for name in options.feeds},
        options.out,
        name=options.name,
        batch=options.batch,
        max_batch=options.max_batch,
        shapes={_feed(graph, name): shape for name, shape in options.shape},
        threads=options.threads,
        target=options.target,
        library=not options.no_library,
    )
    print(summary(artifact))
    return 0


def declared_graph(script: str) -> Graph:
    """The graph that the file (and its function) declares."""
    path, _, function = script.partition(":")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    graph = Graph()
    with graph.as_default(), _as_script(path):
        names = runpy.run_path(path, run_name=RUN_NAME)
        if function:
            if not callable(names.get(function)):
                raise ValueError(f"{path} has no function '{function}'")
            names[function]()
    return graph


@contextmanager
def _as_script(path: str) -> Iterator[None]:
    """The file sees no arguments, and finds the modules beside it."""
    arguments = sys.argv
    sys.argv = [path]
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        yield
    finally:
        sys.argv = arguments
        sys.path.pop(0)


def summary(artifact: Artifact) -> str:
    """The files with their sizes, and what an instance needs."""
    files = [artifact.object, artifact.library, artifact.header, artifact.loader]
    lines = [f"{path}  {path.stat().st_size} bytes" for path in files if path is not None]
    return "\n".join([*lines, f"an instance of '{artifact.name}' takes {artifact.bytes} bytes"])


def _fetch(graph: Graph, name: str) -> Tensor | Operation:
    """The tensor or operation of a name; a name without number means the tensor where the operation gives one."""
    try:
        element = graph.as_graph_element(name)
    except (KeyError, ValueError) as error:
        raise ValueError(f"--fetches: {error.args[0]}") from None
    gives_value = isinstance(element, Operation) and len(element.outputs) == 1 and not element.kind.has_effect
    return element.outputs[0] if gives_value else element  # type: ignore[union-attr]


def _feed(graph: Graph, name: str) -> Tensor:
    try:
        element: Any = graph.as_graph_element(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError) as error:
        raise ValueError(f"--feeds: {error.args[0]}") from None
    return element


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _shape(text: str) -> tuple[str, list[int]]:
    name, _, sizes = text.partition("=")
    return name, [int(size) for size in sizes.split(",") if size.strip()]
