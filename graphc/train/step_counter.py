"""The global step: a variable that counts how often the model was updated."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.graph import Graph
from graphc.initializers import Zeros
from graphc.nodes import Tensor
from graphc.scopes import GraphKeys, get_default_graph
from graphc.variable_scope import get_variable
from graphc.variables import Variable


def get_global_step(graph: Graph | None = None) -> Any:
    """The global step of the graph, or None."""
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        raise ValueError(f"Multiple items found in collection {GraphKeys.GLOBAL_STEP!r}; wanted one global step")
    if found:
        return _checked(found[0])
    try:
        return _checked(graph.get_tensor_by_name("global_step:0"))
    except KeyError:
        return None


def create_global_step(graph: Graph | None = None) -> Variable:
    """A new global step, a whole number that begins at 0; ``ValueError`` where the graph has one."""
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP, shape=[], dtype=dtypes.int64, initializer=Zeros(), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )  # fmt: skip


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The global step of the graph, made where it has none."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The number of updates so far."""
    return int(sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """``TypeError`` or ``ValueError`` unless this is a whole-number scalar."""
    _checked(global_step_tensor)


def _checked(step: Any) -> Any:
    if not isinstance(step, (Variable, Tensor)):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {step}.')
    if not step.dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {step.dtype.name}')
    if step.shape.ndims not in (0, None) and step.shape.num_elements() != 1:
        raise ValueError(f'Existing "global_step" is not scalar: {step.shape}')
    return step
