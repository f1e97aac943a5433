"""``graphc profile``: what the kernels of a step cost that a Python file declares.

graphc profile train.py --fetch loss,train --batch 64

The file runs as for ``graphc compile``. Variables begin as they are initialised, and random numbers are fed.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from graphc import profile
from graphc.aot.script import declared, fed, fetched, names, shape
from graphc.config import ConfigProto
from graphc.graph import Graph
from graphc.nodes import Tensor
from graphc.session import Session
from graphc.variables import global_variables_initializer

SUMMARY = "time the kernels of a step: operations, bytes moved, share of what the machine can do"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("script", metavar="FILE[:FUNCTION]", help="Python file that declares the graph")
    what = "what the step is run for"
    parser.add_argument("--fetches", "--fetch", required=True, type=names, metavar="A,B", help=what)
    parser.add_argument("--batch", type=int, metavar="N", help="size of feeds where the graph does not know it (32)")
    parser.add_argument("--shape", action="append", default=[], type=shape, metavar="FEED=2,3", help="shape of a feed")
    parser.add_argument("--slowest", action="store_true", help="those that take longest first, not in running order")


def run(options: argparse.Namespace) -> int:
    """Profile, and print the table."""
    file = declared(options.script)
    fetches = [fetched(file, name, "--fetches") for name in options.fetches]
    shapes = {fed(file, name, "--shape"): sizes for name, sizes in options.shape}
    feeds = _feeds(file.graph, options.batch or 32, shapes)
    with file.graph.as_default(), Session(config=ConfigProto(intra_op_parallelism_threads=1)) as session:
        session.run(global_variables_initializer())
        rows = profile.kernels(session, fetches, feeds)
        memory = profile.memory(session, fetches, feeds)
    print(profile.table(sorted(rows, key=lambda row: -row.seconds) if options.slowest else rows))
    print(", ".join(f"{name} {size / 1e3:.1f} kB" for name, size in memory._asdict().items()))
    return 0


def _feeds(graph: Graph, batch: int, shapes: dict[Tensor, list[int]]) -> dict[Tensor, Any]:
    """Numbers from 0 to 1 for every placeholder, zeros where it takes whole ones."""
    random = np.random.default_rng(0)
    feeds = {}
    for node in graph.nodes:
        if node.type == "Placeholder":
            x = node.outputs[0]
            declared = shapes.get(x, x.type.shape)
            if declared is None:
                raise ValueError(f"--shape: {node.name} is of unknown rank; say its shape")
            sizes = [size if isinstance(size, int) else batch for size in declared]
            feeds[x] = (random.random(sizes) if x.dtype.is_floating else np.zeros(sizes)).astype(x.dtype.numpy)
    return feeds
