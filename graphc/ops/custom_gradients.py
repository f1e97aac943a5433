"""Gradients that a program writes itself: for a function of its own, or in the place of those of named kinds of nodes.

    @tf.custom_gradient
    def log1pexp(x):
        power = tf.exp(x)
        return tf.log(1 + power), lambda dy: dy * (1 - 1 / (1 + power))

declares the nodes of the function as ever, and marks its results::

    y_: f32[3] = Log(...)
    y: f32[3] = IdentityN(y_, x)            what follows reads this, and its adjoint is what the lambda says

    @tf.RegisterGradient("Straight")
    def _straight(op, grad):
        return grad

    with tf.get_default_graph().gradient_override_map({"Sign": "Straight"}):
        y = tf.sign(x)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.graph import Graph
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, declare, graph_of
from graphc.ops.state import ReadVariable
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

Rule = Callable[..., Any]


@record(eq=False)
class IdentityN(Op):
    """The first ``count`` inputs as they are; ``rule`` says the adjoints of the inputs behind them."""

    by_identity = True
    count: int
    rule: Rule | None = None

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return inputs[: self.count]

    def evaluate(self, *inputs: Any) -> tuple[Any, ...]:
        return inputs[: self.count]

    def gradient(self, node: Operation, *grads: Tensor) -> Sequence[Tensor | None]:
        if self.rule is None:
            return grads
        return [None] * self.count + list(self.rule(*grads))

    def attributes(self) -> dict[str, Any]:
        return {"count": self.count}


@telling_line
def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """The tensors as they are, under new names."""
    tensors = [convert_to_tensor(value) for value in input]
    return list(declare(IdentityN(len(tensors)), *tensors, name=name).outputs)


def custom_gradient(f: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """``f``, which gives ``(y, grad_fn)``, as a function that gives ``y`` and whose adjoints ``grad_fn(dy)`` says.

    ``y`` is a tensor or several; ``grad_fn`` takes as many adjoints and gives one for each argument, or None. Where
    ``f`` uses variables, ``grad_fn`` takes them as ``variables=`` and gives ``(adjoints of arguments, adjoints of
    variables)``; ``TypeError`` where it does not. Without ``f``, the decorator itself.
    """
    if f is None:
        return custom_gradient

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        arguments = [convert_to_tensor(arg) for arg in args]
        graph = graph_of(arguments).current if arguments else get_default_graph()
        with graph.name_scope("CustomGradient"):
            given = [e.identity(argument) for argument in arguments]
            first = len(graph.nodes)
            result, rule = f(*given, **kwargs)
            results = list(result) if isinstance(result, (list, tuple)) else [result]
            marked = _marked([convert_to_tensor(y) for y in results], arguments, rule, graph.nodes[first:], graph)
        return type(result)(marked) if isinstance(result, (list, tuple)) else marked[0]

    return decorated


def _marked(
    results: Sequence[Tensor], arguments: Sequence[Tensor], rule: Rule, declared: Sequence[Operation], graph: Graph
) -> list[Tensor]:
    reads = _reads_in(declared, set(arguments))
    if not reads:
        wanted = len(arguments)

        def adjoints(*grads: Tensor) -> list[Any]:
            return _checked(rule(*grads), wanted, "arguments")

    else:
        if not _takes_variables(rule):
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then grad_fn must accept a 'variables' "
                "keyword argument."
            )
        variables = [graph.outermost.extras["variables"][read.op.inputs[0]] for read in reads]

        def adjoints(*grads: Tensor) -> list[Any]:
            of_arguments, of_variables = rule(*grads, variables=variables)
            wanted = len(arguments)
            return _checked(of_arguments, wanted, "arguments") + _checked(of_variables, len(reads), "variables")

    kind = IdentityN(len(results), adjoints)
    return list(declare(kind, *results, *arguments, *reads, name="IdentityN").outputs)


def _reads_in(declared: Sequence[Operation], arguments: set[Tensor]) -> list[Tensor]:
    """The values of trainable variables that the nodes use, once for each variable."""
    own = {tensor for node in declared for tensor in node.outputs}
    inside = [tensor for node in declared for tensor in node.inputs if isinstance(tensor.op.kind, ReadVariable)]
    found: dict[Tensor, Tensor] = {}
    for tensor in inside:
        place = tensor.op.inputs[0]
        variable = tensor.graph.outermost.extras.get("variables", {}).get(place)
        if variable is not None and variable.trainable and tensor not in arguments:
            found.setdefault(place, variable.value() if tensor in own else tensor)
    return list(found.values())


def _takes_variables(rule: Rule) -> bool:
    parameters = inspect.signature(rule).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _checked(grads: Any, wanted: int, what: str) -> list[Any]:
    """The adjoints as a list; ``ValueError`` unless there is one for each."""
    found = list(grads) if isinstance(grads, (list, tuple)) else [grads]
    if len(found) != wanted:
        raise ValueError(
            f"custom_gradient: grad_fn was expected to return {wanted} gradients of {what} but returned {len(found)}"
        )
    return [None if grad is None else convert_to_tensor(grad) for grad in found]


# -- in the place of the gradients of named kinds --------------------------------------------------------

_registered: dict[str, Rule | None] = {}


class RegisterGradient:
    """Makes a function ``(op, *grads)`` known under a name, for ``Graph.gradient_override_map``.

    It gives one adjoint for each input of ``op``, or None. ``KeyError`` where the name is taken.
    """

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Rule) -> Rule:
        _register(self._op_type, f)
        return f


def NotDifferentiable(op_type: str) -> None:
    """Says that nodes under this name have no adjoints: the derivative through them is None."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


NoGradient = NotDifferentiable


def _register(name: str, rule: Rule | None) -> None:
    if name in _registered:
        raise KeyError(f"Registering two gradient with name '{name}'!")
    _registered[name] = rule


def overridden(node: Operation) -> bool:
    """Whether the adjoints of the node are those of a function made known elsewhere."""
    return node in node.graph.extras.get("gradient_names", ())


def adjoints_by_name(node: Operation, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """What the function says; ``LookupError`` where there is none of the name."""
    name = node.graph.extras["gradient_names"][node]
    if name not in _registered:
        raise LookupError(f"No gradient defined for {node.describe()}: RegisterGradient({name!r}) is not there")
    rule = _registered[name]
    if rule is None:
        return [None] * len(node.inputs)
    result = rule(node, *grads)
    found = list(result) if isinstance(result, (list, tuple)) else [result]
    if len(found) != len(node.inputs):
        raise ValueError(
            f"Num gradients {len(found)} generated for {node.describe()} do not match num inputs {len(node.inputs)}"
        )
    return [None if grad is None else convert_to_tensor(grad) for grad in found]
