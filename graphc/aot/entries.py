"""From fetches and feeds to an entry point: the step captured, its unknown sizes decided, its program built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphc import compiler, dtypes, errors
from graphc.aot.description import EntryPoint, Parameter
from graphc.aot.identifiers import Identifiers
from graphc.capture import capture
from graphc.dims import Dim, DimLike, atoms, symbol
from graphc.feeding import feed_target
from graphc.fetching import Fetches
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.scopes import get_default_graph
from graphc.shapes import Size, TensorType, is_compatible, is_constant, shape_text
from graphc.step import Step

if TYPE_CHECKING:
    from graphc.codegen.program import Program
    from graphc.codegen.target import Target

BATCH = "batch"
MAX_BATCH = 1 << 31


@dataclass(frozen=True)
class Sizing:
    """What the user says of sizes that are unknown in the graph: a fixed batch, a largest batch, or whole shapes."""

    batch: int | None = None
    max_batch: int | None = None
    shapes: Mapping[Any, Sequence[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.shapes, Mapping):
            raise TypeError(f"shapes is {self.shapes!r}, wanted a dictionary of whole shapes by tensor or name")
        if self.batch is not None and self.max_batch is not None:
            raise ValueError("give batch (a fixed size) or max_batch (the caller passes the size), not both")
        for name in ("batch", "max_batch"):
            size = getattr(self, name)
            if size is not None and not (isinstance(size, int) and 1 <= size <= MAX_BATCH):
                raise ValueError(f"{name} is {size!r}, wanted a whole number from 1 to {MAX_BATCH}")

    def given(self, tensor: Tensor) -> Sequence[int] | None:
        """The shape that the user gave for a feed, by tensor or by name."""
        return next((self.shapes[key] for key in (tensor, tensor.name, tensor.op.name) if key in self.shapes), None)

    @property
    def batch_size(self) -> Size:
        """What stands for an unknown first size."""
        return symbol(BATCH) if self.max_batch is not None else self.batch


@dataclass(frozen=True)
class Built:
    """An entry point with its program; ``feeds`` says which feed each feed slot of the program is."""

    point: EntryPoint
    step: Step
    program: Program
    feeds: tuple[int, ...]
    states: tuple[tuple[Operation, TensorType], ...]


def graph_of(structure: Any) -> Graph:
    """The graph of the first fetch that knows its graph, else the default graph."""
    return next((item.graph for item in _leaves(structure) if hasattr(item, "graph")), None) or get_default_graph()


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, Mapping):
        structure = list(structure.values())
    if not isinstance(structure, (list, tuple)):
        yield structure
        return
    for item in structure:
        yield from _leaves(item)


def check_shapes(sizing: Sizing, feeds: Sequence[Any], graph: Graph) -> None:
    """``ValueError`` where shapes are given of what is no feed of any entry point."""
    known = {key for each in feeds for tensor in _named(graph, each) for key in (tensor, tensor.name, tensor.op.name)}
    for key in sizing.shapes:
        if key not in known:
            raise ValueError(f"shapes speaks of {key!r}, which is not among the feeds")


def build_entry(name: str, fetches: Any, feeds: Any, graph: Graph, sizing: Sizing, target: Target) -> Built:
    """The entry point ``name``, for one target."""
    parsed = Fetches(graph, fetches)
    if not parsed.tensors and not parsed.operations:
        raise ValueError(f"entry point '{name}' has nothing to do: there is no tensor and no operation in its fetches")
    named_feeds = _named(graph, feeds)
    fed = list(named_feeds)
    step = capture(parsed.tensors, parsed.operations, fed)
    _check_fed(step, fed)
    _check_silent(step)
    shapes = {tensor: _exact_shape(tensor, sizing) for tensor in fed}
    _, program = build(step, {inside: shapes[tensor] for tensor, inside in step.feeds.items()}, target)
    names = Identifiers("self", BATCH)
    sizes = _symbols_of(shapes.values())
    given = program.fetches[: step.fetches]
    point = EntryPoint(
        name,
        tuple(_parameter(names, named_feeds[t], TensorType(t.dtype, shapes[t])) for t in fed),
        (
            *(
                _parameter(names, name, type)
                for name, type in zip(_fetch_names(graph, fetches, parsed.tensors), given, strict=True)
            ),
            *(
                Parameter(size.name, names.of(size.name), TensorType(dtypes.int64, ()), True, size.most)
                for size in compiler.measured_sizes(given)
            ),
        ),
        {BATCH: sizing.max_batch or 0} if sizes else {},
    )
    states = tuple(zip(compiler.state_operations(step), _types(program, "state"), strict=True))
    return Built(point, step, program, tuple(fed.index(tensor) for tensor in step.feeds), states)


def _check_silent(step: Step) -> None:
    """``UnimplementedError`` where something is printed."""
    for node, _ in step.prints:
        text = f"{node.describe()} writes in Python; ahead of time there is none: leave it out, or fetch what it prints"
        raise errors.UnimplementedError(node, node, text)


def build(step: Step, shapes: Mapping[Tensor, Sequence[DimLike]], target: Target) -> tuple[Graph, Program]:
    """The step in kernels, and its program; all states have fixed sizes."""
    for operation, inside in step.states.items():
        if not is_constant(inside.type.shape):
            raise ValueError(
                f"{operation.describe()} has the shape {shape_text(inside.type.shape)}: ahead of time the sizes of "
                "variables must be known (declare it without validate_shape=False)"
            )
    try:
        return compiler.build_program(step, shapes, target, by_value=True, counts=True)
    except NotImplementedError as error:
        raise errors.UnimplementedError(
            None, None, f"ahead of time every op must be native code, but {error}"
        ) from None


def _types(program: Program, kind: str) -> list[TensorType]:
    return [slot.type for slot in program.slots if slot.kind == kind]


def _parameter(names: Identifiers, name: str, type: TensorType) -> Parameter:
    return Parameter(name, names.of(name), type)


def _named(graph: Graph, feeds: Any) -> dict[Tensor, str]:
    """The fed tensors in order, each with its name: its own, or the key in a mapping."""
    if feeds is None or isinstance(feeds, str) or not isinstance(feeds, (Mapping, Sequence)):
        raise TypeError(f"feeds must be a list of tensors, or a dictionary from names to tensors, not {feeds!r}")
    items = feeds.items() if isinstance(feeds, Mapping) else ((None, feed) for feed in feeds)
    named: dict[Tensor, str] = {}
    for name, feed in items:
        tensor = feed_target(graph, feed)
        if tensor in named:
            raise ValueError(f"{tensor.op.describe()} is twice among the feeds")
        named[tensor] = tensor.label if name is None else str(name)
    return named


def _fetch_names(graph: Graph, fetches: Any, tensors: Sequence[Tensor]) -> list[str]:
    """A name for each fetched tensor: its own, or the key in a mapping."""
    keys: dict[Any, str] = {}
    for key, item in fetches.items() if isinstance(fetches, Mapping) else ():
        if not isinstance(item, (Mapping, list, tuple)):
            keys.setdefault(graph.as_graph_element(item), str(key))
    return [keys.get(tensor, tensor.label) for tensor in tensors]


def _check_fed(step: Step, fed: Sequence[Tensor]) -> None:
    for tensor in step.feeds:
        if tensor not in fed:
            raise ValueError(
                f"the fetches need {tensor.op.describe()} of type {tensor.type}, which is not among the feeds"
            )


def _exact_shape(tensor: Tensor, sizing: Sizing) -> tuple[DimLike, ...]:
    """The shape of a feed, with what the user said in place of unknown sizes."""
    declared, given = tensor.type.shape, sizing.given(tensor)
    if given is not None:
        if not is_compatible(declared, tuple(given)):
            raise ValueError(f"shapes says {list(given)} for {tensor.op.describe()} of type {tensor.type}")
        return tuple(int(size) for size in given)
    if declared is None or None in declared[1:]:
        raise ValueError(
            f"the shape of feed {tensor.op.describe()} of type {tensor.type} is not known: "
            f"give it as shapes={{'{tensor.op.name}': [...]}}"
        )
    if declared and declared[0] is None:
        if sizing.batch_size is None:
            raise ValueError(
                f"the first size of feed {tensor.op.describe()} of type {tensor.type} is not known: give batch=32 "
                "for a fixed size, or max_batch=256 for a size that the caller passes"
            )
        declared = (sizing.batch_size, *declared[1:])
    return declared  # type: ignore[return-value]


def _symbols_of(shapes: Any) -> set[Any]:
    return {thing for shape in shapes for size in shape if isinstance(size, Dim) for thing in atoms(size)}
