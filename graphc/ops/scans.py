"""Running products and their like: values joined from the first on, by runs that are twice as long in every round.

run = 1:    y[i] = x[i-1] x[i]                      what is before the first value is nothing: 1 for a product
run = 2:    y[i] = x[i-3] x[i-2] x[i-1] x[i]        and so on, until a run is as long as the axis
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphc.errors import InvalidDeclaration
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of, scan_axis_of
from graphc.ops.blocks import along, flip, pad_edges
from graphc.ops.late import is_late, late_one, number
from graphc.ops.lookup import gather
from graphc.ops.loops import while_loop
from graphc.ops.reshaping import ExpandDims, shape
from graphc.ops.sequences import range as positions
from graphc.ops.shape_values import static_axis


class Scan(NamedTuple):
    """What runs along an axis: a label, what users call it, how two runs become one, and what is before the first."""

    label: str
    called: str
    joined: Callable[[Tensor, Tensor], Tensor]
    nothing: float


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running product of ``x`` along ``axis``, by products of ever longer runs: their adjoints are exact at 0."""
    tensor = convert_to_tensor(x)
    if isinstance(axis, (list, tuple)):
        raise InvalidDeclaration(f"cumprod: axis must be a scalar, not {axis!r}")
    return scanned(Scan("Cumprod", "cumprod", lambda a, b: a * b, 1), tensor, axis, exclusive, reverse, name)


def scanned(scan: Scan, x: Tensor, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Tensor:
    """The scan along an axis that may be a tensor, of a size and a rank that may be known later."""

    def of_known_rank(x: Tensor, axis: Any) -> Tensor:
        return _along(scan, x, scan_axis_of(x, number(axis), scan.called), exclusive, reverse)

    if x.type.rank is None or is_late(axis, x):
        return late_one(scan.label, of_known_rank, x, [axis], rank=x.type.rank, name=name)
    position = scan_axis_of(x, static_axis(axis, scan.called), scan.called)
    if not isinstance(x.type.sizes[position] if x.type.is_exact else (x.type.shape or ())[position], int):
        return late_one(scan.label, of_known_rank, x, [position], rank=x.type.rank, name=name)
    with graph_of([x]).name_scope(name or scan.label) as scope:
        return e.identity(_along(scan, x, position, exclusive, reverse), name=scope)


def _along(scan: Scan, x: Tensor, axis: int, exclusive: bool, reverse: bool) -> Tensor:
    size = (x.type.shape or ())[axis]
    y = flip(x, [axis]) if reverse else x
    if isinstance(size, int):
        y = _rounds(scan, y, axis, size, exclusive)
    else:
        y = _loop(scan, y, axis, exclusive)
    return flip(y, [axis]) if reverse else y


def _rounds(scan: Scan, y: Tensor, axis: int, size: int, exclusive: bool) -> Tensor:
    """All rounds one after the other, where the size says how many there are."""
    rank = y.type.rank or 0

    def behind(y: Tensor, run: int) -> Tensor:
        edges = [run if a == axis else 0 for a in range(rank)]
        return along(pad_edges(y, edges, [0] * rank, scan.nothing), axis, 0, size)

    y = behind(y, 1) if exclusive else y
    run = 1
    while run < size:
        y = scan.joined(y, behind(y, run))
        run *= 2
    return y


def _loop(scan: Scan, y: Tensor, axis: int, exclusive: bool) -> Tensor:
    """The rounds as a loop, where the size is one of many, or the step counts it."""
    places = positions(shape(y)[axis])
    beside = tuple(range(1, (y.type.rank or 1) - axis))

    def behind(y: Tensor, run: Any) -> Tensor:
        moved = gather(y, e.maximum(places - run, 0), axis=axis)
        return e.select(apply(ExpandDims(beside), places < run), constant(scan.nothing, y.dtype), moved)

    y = behind(y, 1) if exclusive else y
    last = while_loop(
        lambda run, _: run < shape(y)[axis],
        lambda run, y: (run * 2, scan.joined(y, behind(y, run))),
        [constant(1), y],
    )
    return last[1]
