"""Any graph as a picture: its text in Graphviz's language, shown in a notebook or saved in any format."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from graphc.graph import Graph
from graphc.nodes import Operation
from graphc.pictures.boxes import Choice, Facts, drawing_of
from graphc.pictures.dot import dot_of
from graphc.pictures.program import (
    DotNotFoundError,
    DotTimeoutError,
    render,
    without_links_of_no_length,
)

TEXT_FORMATS = ("dot", "gv")


class DotMissingWarning(UserWarning):
    """A picture was saved as Graphviz text, because there is no dot program, or none that draws it in time."""


class Picture:
    """A drawn graph; ``source`` is its DOT text, and ``print`` says where it was saved."""

    def __init__(self, source: str):
        self._closest = source
        self.source = without_links_of_no_length(source)  # text that every dot program draws
        self.path: Path | None = None

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """Writes the picture to ``path`` in the format of its ending (svg, png, pdf, dot), and returns the path.

        Where no dot program draws it, the DOT text is written beside it instead, ending in ``.dot``, with a warning
        that says why; the path returned is that of the file written. Folders that are not there yet are made.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        format = (format or path.suffix[1:] or "svg").lower()
        try:
            content = self.source.encode() if format in TEXT_FORMATS else render(self._closest, format)
        except (DotNotFoundError, DotTimeoutError) as error:
            instead = path.with_suffix(".dot")
            instead.write_text(self.source, encoding="utf-8")
            message = f"{instead} was written in place of {path}: {error}"
            warnings.warn(message, DotMissingWarning, stacklevel=2)
            self.path = instead
            return instead
        path.write_bytes(content)
        self.path = path
        return path

    def svg(self) -> str:
        """The picture as SVG; ``DotNotFoundError`` where there is no dot program."""
        return render(self._closest, "svg").decode()

    def png(self) -> bytes:
        """The picture as PNG; ``DotNotFoundError`` where there is no dot program."""
        return render(self._closest, "png")

    def _repr_svg_(self) -> str:
        """For notebooks: the picture, or words that say how to get a dot program."""
        try:
            return self.svg()
        except (DotNotFoundError, DotTimeoutError) as error:
            return _words(str(error))

    def __fspath__(self) -> str:
        if self.path is None:
            raise TypeError("this picture has not been saved; call save(path)")
        return str(self.path)

    def __str__(self) -> str:
        return self.source if self.path is None else str(self.path)

    def __repr__(self) -> str:
        return f"<Picture of {len(self.source.splitlines())} lines, {self.path or 'not saved'}>"


def picture_of(
    graph: Graph,
    title: str,
    targets: Sequence[Operation] = (),
    choice: Choice | None = None,
    facts: Facts | None = None,
    direction: str = "TB",
) -> Picture:
    """The part of a graph that ``targets`` need (the whole graph where there are none) as a picture.

    Kernels keep to no scope, run down the page in their order, and name the variables that they work on; where they are
    many, those that are one native function share a box.
    """
    in_kernels = any(node.type == "Kernel" for node in graph.nodes)
    choice = choice or Choice()
    if in_kernels:
        choice = replace(choice, variables=False, scopes=False)
    facts = facts or Facts({tensor.op: ["returned"] for tensor in graph.targets})
    return Picture(dot_of(drawing_of(graph, targets, choice, facts), title, direction, beside=not in_kernels))


def _words(text: str) -> str:
    """A line of text as SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{7 * len(text) + 20}" height="30">'
        f'<text x="10" y="20" font-family="monospace" font-size="11">{escape(text)}</text></svg>'
    )
