"""``graphc draw``: draw the graph that a Python file declares, or what some of its operations need.

graphc draw train.py --fetches train --out train.svg
graphc draw train.py --fetches loss,train --stage kernels --batch 64 --out kernels.svg

The file runs as for ``graphc compile``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from graphc import visualize
from graphc.aot.script import INPUTS, Declared, declared, fed, fetched, names, shape
from graphc.nodes import Tensor

SUMMARY = "draw a graph: as declared, after a pass, or as the kernels that run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("script", metavar="FILE[:FUNCTION]", help="Python file that declares the graph")
    what = "operations and tensors to draw with all they need"
    parser.add_argument("--fetches", "--fetch", default=[], type=names, metavar="A,B", help=what)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("graph.svg"), metavar="PICTURE", help=".svg, .png or .dot (graph.svg)"
    )
    parser.add_argument("--stage", default="declared", help=f"one of {', '.join(visualize.stages())} (declared)")
    parser.add_argument("--depth", type=_depth, metavar="N", help="how many scopes deep (as many as a person can read)")
    parser.add_argument(
        "--batch", type=_positive, metavar="N", help="first size of feeds where the graph does not know it"
    )
    parser.add_argument("--shape", action="append", default=[], type=shape, metavar="FEED=2,3", help="shape of a feed")


def run(options: argparse.Namespace) -> int:
    """Draw, and print what was written."""
    file = declared(options.script)
    fetches = [fetched(file, name, "--fetches") for name in options.fetches]
    fold = "auto" if options.depth is None else options.depth
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(f"graphc draw: {message}", file=sys.stderr)
        print(visualize.draw(fetches or file.graph, options.out, options.stage, fold, _shapes(file, options)))
    return 0


def _shapes(file: Declared, options: argparse.Namespace) -> dict[Tensor, list[int | None]]:
    """The sizes that were given: a batch for every placeholder of unknown first size, and whole shapes."""
    shapes: dict[Tensor, list[int | None]] = {}
    for node in file.graph.nodes if options.batch else ():
        declared = node.outputs[0].type.shape if node.type in INPUTS else None
        if declared and declared[0] is None:
            shapes[node.outputs[0]] = [options.batch, *declared[1:]]  # type: ignore[list-item]
    return {**shapes, **{fed(file, name, "--shape"): sizes for name, sizes in options.shape}}


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no size, wanted a whole number from 1 on")
    return int(text)


def _depth(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no depth, wanted a whole number from 0 on")
    return int(text)
