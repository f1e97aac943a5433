"""``graphc draw``: draw the graph that a Python file declares, or what some of its operations need.

graphc draw train.py --fetch train --out train.svg
graphc draw train.py --fetch loss,train --stage kernels --out kernels.svg

The file runs as for ``graphc compile``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graphc import visualize
from graphc.aot.command import declared_graph

SUMMARY = "draw a graph: as declared, after a pass, or as the kernels that run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("script", metavar="FILE[:FUNCTION]", help="Python file that declares the graph")
    parser.add_argument("--fetch", default="", metavar="A,B", help="operations and tensors to draw with all they need")
    parser.add_argument("--out", type=Path, default=Path("graph.svg"), metavar="PICTURE", help=".svg, .png or .dot")
    parser.add_argument("--stage", default="declared", help=f"one of {', '.join(visualize.stages())} (declared)")
    parser.add_argument("--depth", type=int, metavar="N", help="how many scopes deep (as many as a person can read)")


def run(options: argparse.Namespace) -> int:
    """Draw, and print what was written."""
    graph = declared_graph(options.script)
    fetches = [graph.as_graph_element(name.strip()) for name in options.fetch.split(",") if name.strip()]
    fold = "auto" if options.depth is None else options.depth
    print(visualize.draw(fetches or graph, options.out, options.stage, fold))
    return 0
