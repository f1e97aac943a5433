"""Which graph is declared into, and by which session values are run: TensorFlow's default stacks, and scopes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from operator import index
from typing import Any, Generic, TypeVar

from graphc.graph import Graph

Item = TypeVar("Item")


class DefaultStack(threading.local, Generic[Item]):
    """The nested defaults of one thread."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def innermost(self) -> Item | None:
        """The default entered last, or None."""
        return self.items[-1] if self.items else None

    @contextmanager
    def entered(self, item: Item) -> Iterator[Item]:
        """``item`` is the default inside the ``with``; leaving out of order raises ``AssertionError``."""
        self.items.append(item)
        try:
            yield item
        finally:
            if self.items[-1] is not item:
                raise AssertionError(f"Nesting violated: {item!r} was left before what was entered after it")
            self.items.pop()


class _GraphStack(DefaultStack[Graph]):
    def __init__(self) -> None:
        super().__init__()
        self.base: Graph | None = None


default_graphs = _GraphStack()
default_sessions: DefaultStack[Any] = DefaultStack()


def get_default_graph() -> Graph:
    """The graph that operations are declared into."""
    graph = default_graphs.innermost()
    if graph is not None:
        return graph
    if default_graphs.base is None:
        default_graphs.base = Graph()
    return default_graphs.base


def reset_default_graph() -> None:
    """Starts the outermost default graph anew; ``AssertionError`` inside a ``with graph.as_default()``."""
    if default_graphs.innermost() is not None:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs.")
    default_graphs.base = None


def get_default_session() -> Any:
    """The innermost default session, or None."""
    return default_sessions.innermost()


@contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Names declared inside begin with ``name`` (or ``default_name`` where that is None), made unique."""
    if name is None and default_name is None and values is not None:
        raise ValueError("At least one of name and default_name must be provided.")
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope


def op_scope(values: Any, name: str | None, default_name: str | None = None) -> AbstractContextManager[str]:
    """The older spelling of :func:`name_scope`."""
    return name_scope(name, default_name, values)


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """Operations declared inside run after all of ``control_inputs``."""
    return get_default_graph().control_dependencies(control_inputs)


def device(device_name_or_function: Any) -> AbstractContextManager[None]:
    """Accepted for TensorFlow programs; there is one device, the CPU."""
    return get_default_graph().device(device_name_or_function)


def container(container_name: str) -> AbstractContextManager[str]:
    """Accepted for TensorFlow programs: the variables of a session are its own, whatever container is named."""
    return nullcontext(container_name)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
    """Accepted for TensorFlow programs; there is one device, the CPU."""
    return nullcontext()


@contextmanager
def init_scope() -> Iterator[None]:
    """What is declared inside belongs to no loop, branch or function around it, and waits for no control dependency."""
    with get_default_graph().current.outside() as graph, graph.control_dependencies(None):
        yield


def add_to_collection(name: str, value: Any) -> None:
    """Appends ``value`` to the default graph's collection ``name``."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Appends ``value`` to several of the default graph's collections."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """A copy of the default graph's collection ``key``."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: str) -> list[Any]:
    """The default graph's collection ``key`` itself."""
    return get_default_graph().get_collection_ref(key)


def set_random_seed(seed: int | None) -> None:
    """Sets the default graph's seed, from which random operations derive theirs; ``TypeError`` unless it is whole."""
    get_default_graph().seed = checked_seed(seed)


def checked_seed(seed: Any) -> int | None:
    """A seed as an int, or None; ``TypeError`` for anything else."""
    if seed is None:
        return None
    try:
        return index(seed)
    except TypeError:
        raise TypeError(f"a seed must be a whole number or None, not {seed!r}") from None


class GraphKeys:
    """The names of TensorFlow's standard collections."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    METRIC_VARIABLES = "metric_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    SUMMARIES = "summaries"
    TRAIN_OP = "train_op"
    INIT_OP = "init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    TABLE_INITIALIZERS = "table_initializer"
    LOCAL_INIT_OP = "local_init_op"
    GLOBAL_STEP = "global_step"
    QUEUE_RUNNERS = "queue_runners"
    ACTIVATIONS = "activations"
    WEIGHTS = "weights"
    BIASES = "biases"
    SAVEABLE_OBJECTS = "saveable_objects"
    SAVERS = "savers"
    EVAL_STEP = "eval_step"
    ASSET_FILEPATHS = "asset_filepaths"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
