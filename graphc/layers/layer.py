"""What all layers share: a variable scope of their own, variables made at the first call, and found again after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import Parameter, signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from graphc import dtypes, initializers
from graphc.graph import Graph
from graphc.mistakes import telling_line
from graphc.nn import activations
from graphc.nn.classification import softmax
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.scopes import GraphKeys
from graphc.shapes import TensorShape
from graphc.variable_scope import VariableScope, get_variable, variable_scope
from graphc.variables import Variable

Settings = ParamSpec("Settings")
Made = TypeVar("Made", bound="Layer")


class Layer:
    """A function of tensors with variables: subclasses make these in :meth:`build` and compute in :meth:`call`."""

    default_name = "layer"

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Any = None,
        **old_settings: Any,
    ):
        self._given_name = name
        self._reuse = old_settings.pop("_reuse", None)
        self._outer_scope = old_settings.pop("_scope", None)
        if old_settings:
            raise TypeError(f"Keyword argument not understood: {next(iter(old_settings))!r}")
        self.trainable = trainable
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self.activity_regularizer = activity_regularizer
        self.built = False
        self._scope: VariableScope | None = None
        self._graph: Graph | None = None
        self._variables: list[tuple[Variable, bool]] = []
        self._updates: list[Any] = []
        self._losses: list[Any] = []

    def __init_subclass__(cls, **given: Any) -> None:
        """The mistakes that a layer of graphc finds in its settings and inputs end with the user's line."""
        super().__init_subclass__(**given)
        for name in ("__init__", "__call__"):
            if name in vars(cls) and cls.__module__.startswith("graphc."):
                setattr(cls, name, telling_line(vars(cls)[name]))

    # -- what subclasses say -------------------------------------------------------------------------

    def build(self, input_shape: TensorShape) -> None:
        """Makes the variables that inputs of this shape need."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs, from variables that are there."""
        return inputs

    def add_variable(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
        **_: Any,
    ) -> Variable:
        """A variable of the layer, under the layer's scope."""
        trainable = trainable and self.trainable
        variable = get_variable(
            name, shape=shape, dtype=dtype or self.dtype, initializer=initializer_of(initializer),
            regularizer=regularizer, trainable=trainable, constraint=constraint,
        )  # fmt: skip
        self._keep(variable, trainable)
        return variable

    def _keep(self, variable: Variable, trainable: bool) -> None:
        """Notes a variable as the layer's own; once, however often it is asked for."""
        if all(known is not variable for known, _ in self._variables):
            self._variables.append((variable, trainable))

    add_weight = add_variable

    def add_update(self, updates: Any) -> None:
        """Operations that training has to run with each step; they go into the collection ``UPDATE_OPS``."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            self._updates.append(update)
            update.graph.add_to_collection(GraphKeys.UPDATE_OPS, update)

    def add_loss(self, losses: Any) -> None:
        """Losses that depend on the layer; they go into the collection ``REGULARIZATION_LOSSES``."""
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            self._losses.append(loss)
            loss.graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    # -- what users ask ------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name given, or the one that the first call found."""
        if self._given_name is not None:
            return self._given_name
        return self.default_name if self._scope is None else self._scope.name.rsplit("/", 1)[-1]

    @property
    def scope_name(self) -> str:
        """The prefix of the names of the variables; ``ValueError`` before the first call."""
        if self._scope is None:
            raise ValueError(
                f"No name available for layer scope because the layer {self.name!r} has not been used yet."
            )
        return self._scope.name

    @property
    def graph(self) -> Graph | None:
        """The graph that the layer was first called in."""
        return self._graph

    @property
    def variables(self) -> list[Variable]:
        """All variables, the trainable ones first."""
        return self.trainable_variables + self.non_trainable_variables

    weights = variables

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change."""
        return [variable for variable, trainable in self._variables if trainable and self.trainable]

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone."""
        return [variable for variable, trainable in self._variables if not (trainable and self.trainable)]

    non_trainable_weights = non_trainable_variables

    @property
    def updates(self) -> list[Any]:
        """The operations that training has to run with each step."""
        return list(self._updates)

    @property
    def losses(self) -> list[Any]:
        """The losses that depend on the layer's activity."""
        return list(self._losses)

    def count_params(self) -> int:
        """The number of elements of all variables."""
        return sum(variable.shape.num_elements() or 0 for variable in self.variables)

    @telling_line
    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for these inputs; the first call makes the variables."""
        is_several = isinstance(inputs, (list, tuple)) and any(is_tensor_like(part) for part in inputs)
        tensor = inputs if is_several else convert_to_tensor(inputs)
        with self._opened():
            if not self.built:
                self._build(tensor)
            outputs = self.call(tensor, *args, **kwargs)
            if self.activity_regularizer is not None:
                self.add_loss(self.activity_regularizer(outputs))
        return outputs

    apply = __call__

    @contextmanager
    def _opened(self) -> Iterator[None]:
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self.built or self._reuse):
                yield
            return
        if isinstance(self._outer_scope, VariableScope):  # which the caller has open: its names go on
            with variable_scope(self._outer_scope, reuse=self._reuse, auxiliary_name_scope=False) as scope:
                self._scope = scope
                yield
            return
        # With reuse, or as a function, a layer has that very name; else a second one of a name gets a number.
        exact = self._outer_scope or (self._given_name if self._reuse else None)
        wanted = self._given_name or self.default_name
        with variable_scope(exact, default_name=wanted, reuse=self._reuse) as scope:
            self._scope = scope
            yield

    def _build(self, inputs: Any) -> None:
        first: Tensor = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        if self.dtype is None and first.dtype.is_floating:
            self.dtype = first.dtype
        self._graph = first.graph
        self.build(first.shape)
        self.built = True


def as_function(layer: Made) -> Made:
    """The layer, as a function makes it: under the very name that is given, which no other layer has."""
    layer._outer_scope = layer._given_name
    return layer


def function_of(layer: Callable[Settings, Layer], doc: str) -> Callable[Concatenate[Any, Settings], Tensor]:
    """``layer(...)(inputs)`` as a function: its arguments are ``inputs``, those of the layer, and ``reuse``."""
    made: Any = layer

    def function(inputs: Any, *args: Any, reuse: Any = None, **kwargs: Any) -> Tensor:
        return as_function(made(*args, _reuse=reuse, **kwargs))(inputs)

    own = signature(layer)
    ends = signature(function).parameters
    settings = [one for one in own.parameters.values() if one.kind is not Parameter.VAR_KEYWORD]
    function.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[ends["inputs"], *settings, ends["reuse"]], return_annotation=Tensor
    )
    function.__module__ = made.__module__
    function.__name__ = function.__qualname__ = made.default_name
    function.__doc__ = doc
    return function


def check_rank(layer: Layer, x: Tensor, rank: int) -> None:
    """``ValueError`` unless ``x`` has this many axes."""
    if x.type.rank != rank:
        raise ValueError(
            f"Input 0 of layer {layer.name} is incompatible with the layer: expected ndim={rank}, "
            f"found ndim={x.type.rank}. Full shape received: {x.shape}"
        )


_ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "elu": activations.elu, "linear": e.identity, "relu": e.relu, "relu6": activations.relu6, "selu": activations.selu,
    "sigmoid": e.sigmoid, "softmax": softmax, "softplus": e.softplus, "softsign": activations.softsign, "tanh": e.tanh,
}  # fmt: skip


def activation_function(activation: Any) -> Any:
    """A function from itself or its name; None where there is none."""
    if activation is None or callable(activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(f"activation must be a function of a tensor or the name of one, not {activation!r}")
    if activation not in _ACTIVATIONS:
        raise ValueError(f"Unknown activation function: {activation!r}; wanted one of {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[activation]


# Those that have other defaults here than in tf.initializers come with them.
_INITIALIZERS: dict[str, Callable[[], Any]] = {
    "zeros": initializers.Zeros, "ones": initializers.Ones, "constant": initializers.Constant,
    "random_normal": partial(initializers.RandomNormal, stddev=0.05), "identity": initializers.Identity,
    "random_uniform": partial(initializers.RandomUniform, -0.05, 0.05),
    "truncated_normal": partial(initializers.TruncatedNormal, stddev=0.05),
    "variance_scaling": initializers.VarianceScaling,
    "glorot_normal": initializers.GlorotNormal, "glorot_uniform": initializers.GlorotUniform,
    "he_normal": initializers.he_normal, "he_uniform": initializers.he_uniform,
    "orthogonal": lambda: initializers.orthogonal(),  # loads when it is wanted
    "lecun_normal": initializers.lecun_normal, "lecun_uniform": initializers.lecun_uniform,
}  # fmt: skip


def initializer_of(initializer: Any) -> Any:
    """What makes the first value, from itself or its name."""
    if not isinstance(initializer, str):
        return initializer
    if initializer not in _INITIALIZERS:
        raise ValueError(f"Unknown initializer: {initializer!r}; wanted one of {', '.join(_INITIALIZERS)}")
    return _INITIALIZERS[initializer]()


def whole_number(value: Any, what: str) -> int:
    """A number of things that there is at least one of; floats that are whole count, as in TensorFlow."""
    is_whole = hasattr(value, "__index__") or (isinstance(value, float) and value.is_integer())
    if not is_whole or isinstance(value, bool) or value < 1:
        raise ValueError(f"{what} must be a whole number of at least 1, not {value!r}")
    return int(value)
