"""Reads TensorFlow's nodes that call functions of a library: If, Case, While and plain calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphc import dtypes
from graphc.exchange.foreign import Foreign, Unreadable
from graphc.exchange.functions import graph_of_function, in_graph
from graphc.exchange.loop_reading import widened_loop
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.branches import cond
from graphc.ops.elementwise import identity
from graphc.scopes import get_default_graph

if TYPE_CHECKING:
    from graphc.exchange.reading import Reader

Results = Callable[[], list[Any]]
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_KINDS = ("If", "Case", "While")


def calls_functions(reader: Reader, definition: Any) -> bool:
    """Whether the node calls functions of the library."""
    op = definition.op.removeprefix("Stateless")
    return op in (*_CALLS, *_KINDS) or op in reader.library


def called(reader: Reader, definition: Any, inputs: Sequence[Any]) -> list[Any]:
    """What the node gives, declared in the default graph."""
    call = _Calls(reader, definition)
    op = definition.op.removeprefix("Stateless")
    if op == "If":
        return call.chosen(_truth(inputs[0]), call.named("then_branch"), call.named("else_branch"), inputs[1:])
    if op == "Case":
        names = [one.name for one in definition.attr["branches"].list.func]
        return call.one_of(inputs[0], 0, names, inputs[1:])
    if op == "While":
        return call.repeated(inputs)
    return call.results(definition.op if op in reader.library else call.named("f"), inputs)


class _MoreLeftOut(Exception):
    """Results of a branch that graphc cannot compute."""

    def __init__(self, found: dict[int, Tensor]):
        super().__init__()
        self.found = found


class _Calls:
    def __init__(self, reader: Reader, definition: Any):
        self.reader, self.definition = reader, definition
        self.full = f"{reader.prefix}{definition.name}"

    def named(self, key: str) -> str:
        """The name of the function that an attribute says."""
        return str(self.definition.attr[key].func.name)

    def function(self, name: str) -> Any:
        """The function of this name."""
        if name not in self.reader.library:
            raise Unreadable(f"the library of the GraphDef has no function '{name}'")
        return self.reader.library[name]

    def results(self, name: str, values: Sequence[Any]) -> list[Any]:
        """What the function gives for these values, declared in the default graph."""
        function, library = self.function(name), self.reader.library
        graph_def = graph_of_function(function, library)
        inner = self.reader.of_function(graph_def, f"{self.full}/")
        for argument, value in zip(function.signature.input_arg, values, strict=True):
            inner.give(argument.name, [value])
        ops = {node.name: node.op for node in function.node_def}
        effects = [inner.operation(node) for node in dict.fromkeys(function.control_ret.values())]
        references = [in_graph(function.ret[output.name], ops, library) for output in function.signature.output_arg]
        found = [self._value(inner, reference) for reference in references]
        if not effects:
            return found
        with get_default_graph().control_dependencies(effects):
            return [identity(x) if isinstance(x, Tensor) and _is_readable(x) else x for x in found]

    def _value(self, inner: Reader, reference: str) -> Any:
        """A result of a function; where graphc cannot compute it, what says so when it is run."""
        try:
            return inner.value(reference)
        except Unreadable as error:
            return self._unreadable(str(error))

    def _unreadable(self, reason: str) -> Tensor:
        kind = Foreign(self.definition.op, reason, self.definition.SerializeToString())
        return get_default_graph().declare(kind, (), f"{self.full}/unreadable").outputs[0]

    def chosen(self, predicate: Tensor, then: str, orelse: str, values: Sequence[Any]) -> list[Any]:
        """What one of two functions gives."""
        return self._either(predicate, lambda: self.results(then, values), lambda: self.results(orelse, values))

    def one_of(self, index: Tensor, number: int, names: Sequence[str], values: Sequence[Any]) -> list[Any]:
        """What the function at ``index`` gives, of those from ``number`` on; the last one where there is none there."""
        first, *rest = names[number:]
        if not rest:
            return self.results(first, values)
        return self._either(
            e.equal(index, number),
            lambda: self.results(first, values),
            lambda: self.one_of(index, number + 1, names, values),
        )

    def _either(self, predicate: Tensor, then: Results, orelse: Results) -> list[Any]:
        """What one of two functions gives; what one of them gives and graphc cannot compute is left out of both."""
        left_out: dict[int, Tensor] = {}
        while True:
            try:
                return self._both(predicate, then, orelse, left_out)
            except _MoreLeftOut as more:
                left_out |= more.found

    def _both(self, predicate: Tensor, then: Results, orelse: Results, left_out: Mapping[int, Tensor]) -> list[Any]:
        def branch(results: Results) -> list[Any]:
            found = results()
            more = {n: x for n, x in enumerate(found) if not _is_readable(x) and n not in left_out}
            if more:
                raise _MoreLeftOut(more)
            count.append(len(found))
            return [constant(True), *(x for n, x in enumerate(found) if n not in left_out)]

        count: list[int] = []
        _, *made = cond(predicate, lambda: branch(then), lambda: branch(orelse), strict=True, name=f"{self.full}/cond/")
        rest = iter(made)
        return [self._unreadable(_reason(left_out[n])) if n in left_out else next(rest) for n in range(count[0])]

    def repeated(self, values: Sequence[Any]) -> list[Any]:
        """The loop variables at the end.

        What the body gives back as it came is none of graphc's: it may be a variable's place. Nor is what graphc cannot
        compute, as where TensorFlow saves values for an adjoint; other variables that need it cannot be read either.
        """
        going = [n for n, value in enumerate(values) if _is_readable(value) and not self._stays(n)]
        if not going:
            raise Unreadable("no loop variable changes")
        starts = [values[n] for n in going]

        def with_state(state: Sequence[Any]) -> list[Any]:
            now = dict(zip(going, state, strict=True))
            return [now.get(n, value) for n, value in enumerate(values)]

        def goes_on(*state: Any) -> Tensor:
            return _truth(self.results(self.named("cond"), with_state(state))[0])

        def following(*state: Any) -> list[Any]:
            found = self.results(self.named("body"), with_state(state))
            return [found[n] for n in going]

        return with_state(widened_loop(goes_on, following, starts, f"{self.full}/loop/"))

    def _stays(self, n: int) -> bool:
        """Whether the body gives an argument back as it is."""
        function = self.function(self.named("body"))
        nodes = {node.name: node for node in function.node_def}
        reference = function.ret[function.signature.output_arg[n].name]
        while (node := nodes.get(reference.split(":")[0])) is not None and node.op == "Identity":
            reference = node.input[0]
        return reference == function.signature.input_arg[n].name


def _is_readable(value: Any) -> bool:
    return not (isinstance(value, Tensor) and isinstance(value.op.kind, Foreign))


def _reason(unreadable: Tensor) -> str:
    kind: Any = unreadable.op.kind
    return str(kind.reason)


def _truth(value: Any) -> Tensor:
    """A predicate; of numbers, TensorFlow takes all but zero as true."""
    found = convert_to_tensor(value)
    return found if found.dtype is dtypes.bool else e.not_equal(found, 0)
