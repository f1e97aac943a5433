"""Pictures of graphs: as declared, after any pass, and as the kernels that run.

    from graphc import visualize

    visualize.draw(train, "declared.svg")                     what train needs, as declared
    visualize.draw(train, "kernels.svg", stage="kernels")     the native functions of the step, with bytes and FLOPs
    visualize.draw(graph)                                     a whole graph; a notebook shows it by itself

Stages, in order: ``declared``; ``captured`` (a step without effects); the name of each pass in
:data:`graphc.passes.pipeline.PIPELINE` and of the parts of fusing; and ``kernels``. The DOT text needs no program
beyond Python; SVG and PNG are made by a ``dot`` program where one is found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from graphc.graph import Graph
from graphc.pictures.boxes import Choice
from graphc.pictures.fold import Fold
from graphc.pictures.picture import DotMissingWarning, Picture, picture_of
from graphc.pictures.program import DotNotFoundError, DotTimeoutError, PlainerPictureWarning
from graphc.visualize.stages import names, stage_of

__all__ = [
    "DotMissingWarning",
    "DotNotFoundError",
    "DotTimeoutError",
    "Picture",
    "PlainerPictureWarning",
    "dot_text",
    "draw",
    "stages",
    "svg_text",
]

LONGEST_NAME = 60  # characters of a row in a table


def draw(
    what: Any,
    path: str | os.PathLike[str] | None = None,
    stage: str = "declared",
    fold: Fold = "auto",
    shapes: Mapping[Any, Sequence[int | None]] | None = None,
    feed_dict: Mapping[Any, Any] | None = None,
    format: str | None = None,
    constants: bool = False,
    initialisers: bool = False,
    direction: str = "TB",
) -> Picture:
    """A picture of ``what``: a graph, or fetches (a tensor, an operation, a name, or a list of them) and all they need.

    ``path`` saves it in the format of its ending (svg, png, pdf, dot); where no dot program draws it, the DOT text is
    written beside it instead, with a warning that says why. ``stage`` says how far the step has come on its
    way to machine code. ``fold`` says which scopes are drawn as one box: ``"auto"`` folds until a person can read it
    (equal kernels, where there are many), a number opens scopes to that depth, names fold these scopes, None folds
    none. For stages after ``captured``, ``shapes`` or ``feed_dict`` give sizes that were declared unknown; the others
    stay symbols. ``constants`` draws small constants as boxes, ``initialisers`` what gives variables their first
    values. ``direction`` is Graphviz's rankdir.

    Example::

        x = tf.placeholder(tf.float32, [3], name="x")
        assert "f32[3]" in draw(tf.square(x)).source
    """
    drawn = stage_of(what, stage, shapes or {}, feed_dict or {})
    title = f"{_name(what)}: {stage}" + (f" ({drawn.summary})" if drawn.summary else "")
    choice = Choice(fold, constants, initialisers)
    picture = picture_of(drawn.graph, title, drawn.targets, choice, drawn.facts, direction)
    if path is not None:
        picture.save(path, format)
    return picture


def dot_text(what: Any, **options: Any) -> str:
    """The picture in Graphviz's language; takes what :func:`draw` takes."""
    return draw(what, **options).source


def svg_text(what: Any, **options: Any) -> str:
    """The picture as SVG, or words that say how to get a dot program: what a notebook shows."""
    return draw(what, **options)._repr_svg_()


def stages() -> list[str]:
    """The names that ``stage`` may have, in order."""
    return names()


def _name(what: Any) -> str:
    name = ", ".join(_names(what))
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _names(what: Any) -> list[str]:
    if isinstance(what, Graph):
        return ["graph"]
    if isinstance(what, Mapping):
        what = list(what.values())
    if isinstance(what, (list, tuple)):
        return [name for item in what for name in _names(item)]
    return [what if isinstance(what, str) else getattr(what, "op", what).name]
