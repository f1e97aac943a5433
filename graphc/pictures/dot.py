"""A drawing in Graphviz's language.

The forward part goes down the page. The adjoints stand beside the operations whose adjoints they are, so their links go
up; updates stand beside the adjoints that they use. For that, links between adjoints are handed to Graphviz the other
way round with the arrow at their beginning, and links between parts ask for no distance. Kernels run down the page.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from typing import Any

from graphc.nodes import Operation, Tensor
from graphc.pictures.boxes import Box, Drawing, Link
from graphc.pictures.scopes import Scope
from graphc.pictures.units import Unit, short_value

FONT = "Helvetica"  # the one sans-serif font whose widths every dot program knows
GREY, PALE = "#6b7280", "#a9b1bd"
# Fill and line of each role: blue, orange and green of a palette that colour-blind readers can tell apart.
COLOURS = {"forward": ("#e3eef9", "#2b6ca3"), "adjoint": ("#fdebd3", "#b8621b"), "update": ("#def2e6", "#1f7a56")}
MEANINGS = {"forward": "forward", "adjoint": "adjoint (gradients)", "update": "update"}
OTHER_COLOURS = ("#f3f4f6", "#4b5563")
SHAPES = {"variable": "cylinder", "placeholder": "invhouse", "constant": "note", "kernel": "box", "operation": "box"}
SHOWN_VARIABLES = 4  # names in a box, and lines of a label: more make it larger than what it stands for
SHOWN_TYPES = 2  # on an arrow; of more, only how many there are
SHOWN_LINES = 30  # of a tooltip
LONGEST_TITLE = 36


def dot_of(drawing: Drawing, title: str, direction: str = "TB", beside: bool = True) -> str:
    """The drawing as DOT text; the same drawing always gives the same text. ``beside`` puts the parts side by side."""
    import graphviz  # loads only when a picture is asked for

    graph = graphviz.Digraph("graphc")
    graph.attr("graph", rankdir=direction, newrank="true", nodesep="0.3", ranksep="0.3", fontname=FONT, fontsize="11")
    graph.attr("graph", label=_legend(drawing, title), labelloc="t", tooltip=title, bgcolor="white")
    graph.attr("node", fontname=FONT, fontsize="11", margin="0.12,0.05", height="0.3", penwidth="1")
    graph.attr("edge", fontname=FONT, fontsize="8", arrowsize="0.6", color=GREY, fontcolor=GREY)
    numbers = iter(range(1_000_000))
    for tree in drawing.trees:
        if beside and len(drawing.trees) > 1 and tree.role == "forward":
            # an unseen cluster keeps the part on one side of the others
            with graph.subgraph(name="cluster_forward") as column:
                column.attr(style="invis", margin="0", label="", tooltip="")
                _scope_content(column, tree, drawing, numbers)
        else:
            _scope_content(graph, tree, drawing, numbers)
    labelled: set[Tensor] = set()
    for link in drawing.links:
        _link(graph, link, drawing, labelled, beside)
    return graph.source


def _legend(drawing: Drawing, title: str) -> str:
    roles = [tree.role for tree in drawing.trees if tree.role in MEANINGS]
    cells = [f'<td align="left"><b>{escape(title)}</b></td>']
    for role in roles:
        fill, line = COLOURS[role]
        cells.append(f'<td bgcolor="{fill}" color="{line}" border="1">{MEANINGS[role]}</td>')
    return f'<<table border="0" cellspacing="4" cellpadding="4"><tr>{"".join(cells)}</tr></table>>'


def _scope_content(graph: Any, scope: Scope, drawing: Drawing, numbers: Any) -> None:
    for unit in scope.units:
        if unit in drawing.boxes:
            _box(graph, drawing.boxes[unit], drawing)
    for inner in scope.scopes:
        if inner in drawing.boxes:
            _box(graph, drawing.boxes[inner], drawing)
            continue
        fill, line = COLOURS.get(inner.role, OTHER_COLOURS)
        with graph.subgraph(name=f"cluster_{next(numbers)}") as cluster:
            cluster.attr(label=_quoted(inner.name), tooltip=_quoted(inner.full_name), labeljust="l", margin="8")
            cluster.attr(style="rounded,filled", color=line, fontcolor=line, fillcolor=f"{fill}66", penwidth="0.7")
            _scope_content(cluster, inner, drawing, numbers)


# -- boxes ---------------------------------------------------------------------------------------------


def _box(graph: Any, box: Box, drawing: Drawing) -> None:
    fill, line = COLOURS.get(box.role, OTHER_COLOURS)
    if isinstance(box.content, Scope):
        units = box.content.units
        are_kernels = units and units[0].kind == "kernel"  # which stand in no scopes but those of equal ones
        text = _kernels_text(units, drawing) if are_kernels else _scope_text(box.content)
        title, lines, tooltip, shape = *text, "folder"
    else:
        title, lines, tooltip, shape = *_unit_text(box.content, drawing), SHAPES[box.content.kind]
    rows = [f"<b>{escape(title)}</b>"]
    rows += [f'<font point-size="9" color="{GREY}">{escape(text)}</font>' for text in lines]
    rows += [f'<font point-size="9" color="{line}">{escape(text)}</font>' for text in _results_text(box)]
    style = "filled" if shape in ("cylinder", "folder", "note", "invhouse") else "rounded,filled"
    graph.node(
        f"n{box.number}",
        label=f"<{'<br/>'.join(rows)}>",
        shape=shape,
        style=style,
        fillcolor=fill,
        color=line,
        penwidth="2" if box.results else "1",
        tooltip=_quoted("\n".join(tooltip)),
    )


def _scope_text(scope: Scope) -> tuple[str, list[str], list[str]]:
    """``conv1 (2 ops)``, and the variables that it holds."""
    units = list(scope.all_units())
    variables = [unit for unit in units if unit.kind == "variable"]
    count = len(units) - len(variables)
    title = f"{_shortened(scope.name)} ({count} {'op' if count == 1 else 'ops'})"
    lines = _variables_text([(unit.title, unit.node.outputs[0]) for unit in variables])
    return title, lines, [scope.full_name, *_lines(units)]


def _unit_text(unit: Unit, drawing: Drawing) -> tuple[str, list[str], list[str]]:
    """The name; then the kind where the name does not say it, constants that are read, and what a later stage knows."""
    node = unit.node
    title, lines = unit.title, []
    if unit.kind == "kernel":
        title, *lines = kernel_text(node)
        lines.append(_shortened(node.name, keep_end=True))
    elif unit.kind != "operation":
        lines.append(", ".join(str(tensor.type) for tensor in node.outputs))
        if len(title) > LONGEST_TITLE:  # a counter of random numbers: its end says what it is
            title, path = title.rpartition("/")[2], title.rpartition("/")[0]
            lines.insert(0, f"of {_shortened(path, keep_end=True)}")
    elif node.type.lower() not in title.lower():
        lines.append(node.type)
    if unit.constants:
        lines.append(", ".join(dict.fromkeys(map(short_value, unit.constants))))
    lines += drawing.facts.lines.get(node, [])
    changed = drawing.facts.updates.get(node, [])
    lines += _variables_text([(x.op.name, x) for x in unit.variables if x.op.name not in changed])
    return _shortened(title), lines, [_line(node)]


def _kernels_text(units: list[Unit], drawing: Drawing) -> tuple[str, list[str], list[str]]:
    """``8 x Contract + Add``, the names but for their numbers, and what each of these equal kernels costs."""
    title, *lines = kernel_text(units[0].node)
    names = dict.fromkeys(re.sub(r"\d+", "*", unit.node.name) for unit in units)
    costs = [line.partition(". ")[2] for line in drawing.facts.lines.get(units[0].node, [])]
    lines += [_shortened(name, keep_end=True) for name in list(names)[:SHOWN_TYPES]]
    lines += [*["..."] * (len(names) > SHOWN_TYPES), *(f"each {cost}" for cost in costs)]
    changed = {name for unit in units for name in drawing.facts.updates.get(unit.node, [])}
    variables = dict.fromkeys(x for unit in units for x in unit.variables if x.op.name not in changed)
    lines += _variables_text([(x.op.name, x) for x in variables])
    return _shortened(f"{len(units)} x {title}"), lines, _lines(units)


def _variables_text(variables: list[tuple[str, Tensor]]) -> list[str]:
    if len(variables) > SHOWN_VARIABLES:
        return [f"{len(variables)} variables"]
    return [f"{name} {tensor.type}" for name, tensor in variables]


def kernel_text(node: Operation) -> list[str]:
    """The operations in a kernel's body in at most two lines, equal ones counted."""
    names = [inner.type for inner in node.kind.body.nodes if inner.type not in ("Placeholder", "Const")]  # type: ignore[attr-defined]
    words = [name if count == 1 else f"{count} {name}" for name, count in Counter(names or ["Const"]).items()]
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 3 > LONGEST_TITLE and lines[-1]:
            lines.append("")
        lines[-1] += f" + {word}" if lines[-1] else word
    return lines if len(lines) < 3 else [lines[0], f"{lines[1]} + ..."]


def _results_text(box: Box) -> list[str]:
    """What the step asks for that is made here, and the variables that change here."""
    lines = list(dict.fromkeys(box.results))
    if len(lines) > SHOWN_VARIABLES:
        lines = [f"{len(lines)} results"]
    # What an optimizer keeps of a variable is named after it.
    main = [name for name in box.updated if not any(name.startswith(f"{other}/") for other in box.updated)]
    if len(main) > SHOWN_VARIABLES:
        return [*lines, f"updates {len(box.updated)} variables"]
    for name in main:
        kept = sum(other.startswith(f"{name}/") for other in box.updated)
        lines.append(f"updates {name}" + (f" and {kept} {'slot' if kept == 1 else 'slots'}" if kept else ""))
    return lines


def _lines(units: list[Unit]) -> list[str]:
    return [*(_line(unit.node) for unit in units[:SHOWN_LINES]), *["..."] * (len(units) > SHOWN_LINES)]


def _line(node: Operation) -> str:
    return f"{node}  # {node.origin}" if node.origin else str(node)


def _shortened(text: str, keep_end: bool = False) -> str:
    if len(text) <= LONGEST_TITLE:
        return text
    return f"...{text[3 - LONGEST_TITLE :]}" if keep_end else f"{text[: LONGEST_TITLE - 3]}..."


# -- links ---------------------------------------------------------------------------------------------


def _link(graph: Any, link: Link, drawing: Drawing, labelled: set[Tensor], beside: bool) -> None:
    """One arrow; the type of a tensor is written where the tensor is first drawn inside a part, else in a tooltip."""
    tail, head = link.tail, link.head
    same_part = tail.role == head.role and (tail.role != "adjoint" or tail.sweep == head.sweep)
    new = [tensor for tensor in link.tensors if tensor not in labelled and (same_part or not beside)]
    labelled.update(new)
    attributes = {
        "label": _quoted(_types_text(new, drawing)),
        "edgetooltip": _quoted(_tensors_tooltip(link, drawing)),
        "labeltooltip": _quoted(_tensors_tooltip(link, drawing)),
    }
    if link.kind != "data":
        attributes |= {"style": "dashed", "label": ""}
    if link.kind == "write":
        attributes |= {"constraint": "false", "color": COLOURS["update"][1], "arrowhead": "vee"}
    if beside and same_part and tail.role == "adjoint":
        tail, head = head, tail
        attributes["dir"] = "back"
    elif not same_part:
        attributes.setdefault("color", PALE)
        attributes["minlen"] = "0" if beside else "1"
    graph.edge(f"n{tail.number}", f"n{head.number}", **{key: text for key, text in attributes.items() if text})


def _types_text(tensors: list[Tensor], drawing: Drawing) -> str:
    """The types of the tensors on a link, equal ones counted; a number where there are too many."""
    counts = Counter(_type_text(tensor, drawing) for tensor in tensors)
    if len(counts) > SHOWN_TYPES:
        return f"{len(tensors)} tensors"
    return "\n".join(text if count == 1 else f"{count} x {text}" for text, count in counts.items())


def _type_text(tensor: Tensor, drawing: Drawing) -> str:
    memory = drawing.facts.memory.get(tensor)
    return f"{tensor.type} {memory}" if memory else str(tensor.type)


def _tensors_tooltip(link: Link, drawing: Drawing) -> str:
    words = {"data": "", "control": "runs before", "write": "new value"}[link.kind]
    lines = [f"{tensor.label}: {_type_text(tensor, drawing)}" for tensor in link.tensors]
    return "\n".join([words] * bool(words) + lines[:SHOWN_LINES] + ["..."] * (len(lines) > SHOWN_LINES))


def _quoted(text: str) -> str:
    """Text that Graphviz shows as it is: backslashes, and angle brackets at both ends, mean something to it."""
    import graphviz  # loads only when a picture is asked for

    return graphviz.escape(text).replace("\n", "\\n")
