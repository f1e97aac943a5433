"""``graphc compile``: compile a step of a graph that a Python file declares.

graphc compile train.py --feeds x,y --fetches loss,train --name mlp --batch 64 --out build

The file runs with ``__name__`` set to ``graphc_model``: what stands under ``if __name__ == "__main__"`` does not. With
``train.py:declare`` its function ``declare`` is called afterwards. What then is in the default graph is compiled.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graphc.aot.compile import Artifact, compile
from graphc.aot.script import declared, fed, fetched, names, shape

SUMMARY = "compile a step ahead of time: object file, shared library, C header and loader"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("script", metavar="FILE[:FUNCTION]", help="Python file that declares the graph")
    parser.add_argument("--fetches", required=True, type=names, metavar="A,B", help="tensors and operations, by name")
    parser.add_argument("--feeds", default=[], type=names, metavar="A,B", help="names of fed tensors, in order")
    parser.add_argument("--name", default="model", help="what functions and files are called (model)")
    parser.add_argument("-o", "--out", type=Path, default=Path(), metavar="FOLDER", help="for the files (here)")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--batch", type=int, help="first size of feeds where the graph does not know it")
    sizes.add_argument("--max-batch", type=int, help="the caller passes that size with each call, up to this")
    parser.add_argument("--shape", action="append", default=[], type=shape, metavar="FEED=2,3", help="shape of a feed")
    parser.add_argument("--threads", type=int, default=1, help="threads of an instance (1)")
    parser.add_argument("--target", default="host", help="host, sse2, avx2, avx512 or neon (host)")
    parser.add_argument("--no-library", action="store_true", help="object and header only")


def run(options: argparse.Namespace) -> int:
    """Compile, and print what was written."""
    file = declared(options.script)
    artifact = compile(
        {name: fetched(file, name, "--fetches") for name in _once("--fetches", options.fetches)},
        {name: fed(file, name, "--feeds") for name in _once("--feeds", options.feeds)},
        options.out,
        name=options.name,
        batch=options.batch,
        max_batch=options.max_batch,
        shapes={fed(file, name, "--shape"): sizes for name, sizes in options.shape},
        threads=options.threads,
        target=options.target,
        library=not options.no_library,
    )
    print(summary(artifact))
    return 0


def summary(artifact: Artifact) -> str:
    """The files with their sizes, and what an instance needs."""
    files = [artifact.object, artifact.library, artifact.header, artifact.loader]
    lines = [f"{path}  {path.stat().st_size} bytes" for path in files if path is not None]
    return "\n".join([*lines, f"an instance of '{artifact.name}' takes {artifact.bytes} bytes"])


def _once(option: str, given: list[str]) -> list[str]:
    """The names, none of them twice."""
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{option}: {twice} is named twice")
    return given
