"""Sums of products by labelled axes: ``einsum("bij,bjk->bik", a, b)`` as transposes, reshapes and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, convert_to_tensor, convert_together, graph_of
from graphc.ops.contraction import matmul
from graphc.ops.late import late
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import ExpandDims, reshape, shape, transpose
from graphc.ops.sequences import range as iota
from graphc.ops.slicing import getitem
from graphc.shapes import TensorType

Labels = str  # one letter for each axis
_SPARE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # letters for the axes that ``...`` stands for, those of the equation left out


@telling_line
def einsum(equation: str, *inputs: Any, name: str | None = None) -> Tensor:
    """The sum over all labels that are not behind ``->`` of the products of the inputs at those labels."""
    tensors = convert_together(*inputs)
    if any(x.type.rank is None for x in tensors):
        kind = TensorType(tensors[0].dtype, None)
        return late("Einsum", lambda *known: einsum(equation, *known), tensors, [], kind, name=name)[0]
    terms, output = _parsed(equation, tensors)
    _check_sizes(equation, terms, tensors)
    with graph_of(tensors).name_scope(name or "einsum") as scope:
        parts = [_diagonal(x, term) for x, term in zip(tensors, terms, strict=True)]
        while len(parts) > 1:
            needed = output + "".join(labels for _, labels in parts[2:])
            first, second = (_summed(x, labels, other + needed) for (x, labels), other in
                             ((parts[0], parts[1][1]), (parts[1], parts[0][1])))  # fmt: skip
            parts[:2] = [_product(*first, *second, needed)]
        x, labels = _summed(*parts[0], output)
        return e.identity(_ordered(x, labels, output), name=scope)


def _parsed(equation: str, tensors: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each input and of the result, with letters where ``...`` was."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"einsum {equation!r} names {len(terms)} inputs, but {len(tensors)} are given")
    spare = "".join(letter for letter in _SPARE if letter not in equation)
    rest = max(_behind_dots(term, x) for term, x in zip(terms, tensors, strict=True))
    terms = [_without_dots(term, x, spare[:rest], equation) for term, x in zip(terms, tensors, strict=True)]
    if arrow:
        output = output.replace("...", spare[:rest])
    else:  # as in NumPy: what stands once, sorted, after what the dots stand for
        everything = "".join(terms)
        once = sorted(label for label in set(everything) - set(spare[:rest]) if everything.count(label) == 1)
        output = spare[:rest] + "".join(once)
    wrong = [label for label in output if output.count(label) > 1 or all(label not in term for term in terms)]
    if wrong or not all(label.isalpha() for label in "".join(terms) + output):
        raise ValueError(f"einsum {equation!r}: the result's labels must be letters of the inputs, each once")
    return terms, output


def _behind_dots(term: str, x: Tensor) -> int:
    """How many axes ``...`` stands for."""
    return (x.type.rank or 0) - len(term.replace("...", "")) if "..." in term else 0


def _without_dots(term: str, x: Tensor, spare: Labels, equation: str) -> Labels:
    number = _behind_dots(term, x)
    labels = term.replace("...", spare[len(spare) - number :] if number > 0 else "")
    if number < 0 or len(labels) != x.type.rank:
        raise ValueError(f"einsum {equation!r}: {term!r} does not fit {x.op.describe()}, which is {x.type}")
    return labels


def _check_sizes(equation: str, terms: Sequence[Labels], tensors: Sequence[Tensor]) -> None:
    found: dict[str, Any] = {}
    for term, x in zip(terms, tensors, strict=True):
        for label, size in zip(term, x.type.shape or (), strict=True):
            if size is not None and found.setdefault(label, size) != size:
                types = ", ".join(str(x.type) for x in tensors)
                raise ValueError(f"einsum {equation!r} of {types}: {label!r} has sizes {found[label]} and {size}")


def _diagonal(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """Each label once: where it stands twice, the elements at equal positions."""
    for label in labels:
        while labels.count(label) > 1:
            first, last = labels.index(label), labels.rindex(label)
            rank = len(labels)
            size = _size(x, first)
            other = [tuple(a for a in range(rank) if a != axis) for axis in (first, last)]
            rows, cols = (apply(ExpandDims(axes), iota(size)) for axes in other)
            x = reduce_sum(e.select(e.equal(rows, cols), x, convert_to_tensor(0, x.dtype)), last)
            labels = labels[:last] + labels[last + 1 :]
    return x, labels


def _summed(x: Tensor, labels: Labels, needed: Labels) -> tuple[Tensor, Labels]:
    """The sum over the labels that nothing needs."""
    axes = [axis for axis, label in enumerate(labels) if label not in needed]
    kept = "".join(label for label in labels if label in needed)
    return (reduce_sum(x, axes) if axes else x), kept


def _product(a: Tensor, a_labels: Labels, b: Tensor, b_labels: Labels, needed: Labels) -> tuple[Tensor, Labels]:
    """The product of two inputs, summed over what both have and nothing needs."""
    both = [label for label in a_labels if label in b_labels]
    batch = "".join(label for label in both if label in needed)
    inner = "".join(label for label in both if label not in needed)
    rows = "".join(label for label in a_labels if label not in both)
    cols = "".join(label for label in b_labels if label not in both)
    a, b = _ordered(a, a_labels, batch + rows + inner), _ordered(b, b_labels, batch + inner + cols)
    sizes = {label: _size(x, axis) for x, labels in ((a, batch + rows), (b, batch + inner + cols))
             for axis, label in enumerate(labels)}  # fmt: skip
    if not inner:
        spread = ExpandDims(tuple(len(batch + rows) + n for n in range(len(cols))))
        moved = ExpandDims(tuple(len(batch) + n for n in range(len(rows))))
        return (apply(spread, a) if cols else a) * (apply(moved, b) if rows else b), batch + rows + cols
    left = _merged(a, sizes, batch, rows, inner)
    right = _merged(b, sizes, batch, inner, cols)
    return _shaped(matmul(left, right), [[sizes[n]] for n in batch + rows + cols]), batch + rows + cols


def _merged(x: Tensor, sizes: dict[str, Any], batch: Labels, *groups: Labels) -> Tensor:
    """``x`` with each of two groups of neighbouring axes as one axis."""
    if all(len(group) == 1 for group in groups):
        return x
    return _shaped(x, [[sizes[label]] for label in batch] + [[sizes[label] for label in group] for group in groups])


def _shaped(x: Tensor, groups: Sequence[Sequence[Any]]) -> Tensor:
    """``x`` under the shape of these products of sizes."""
    entries = []
    for group in groups:
        total: Any = 1
        for size in group:
            total = total * size
        entries.append(total)
    unknown = [n for n, entry in enumerate(entries) if isinstance(entry, Tensor)]
    if len(unknown) == 1 and 0 not in [entry for entry in entries if isinstance(entry, int)]:
        entries[unknown[0]] = -1
    elif unknown:
        return reshape(x, convert_to_tensor(entries, dtypes.int32))
    return reshape(x, tuple(entries))


def _size(x: Tensor, axis: int) -> Any:
    """The size of an axis: a number, or a scalar tensor where it is not known."""
    size = x.type.sizes[axis] if x.type.is_exact else (x.type.shape or ())[axis]
    return size if isinstance(size, int) else getitem(shape(x), axis)


def _ordered(x: Tensor, labels: Labels, wanted: Labels) -> Tensor:
    return x if labels == wanted else transpose(x, [labels.index(label) for label in wanted])
