"""What all recurrent cells share: outputs and a next state from inputs and a state, with variables made once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from graphc.initializers import Zeros
from graphc.layers.layer import Layer, activation_function
from graphc.nest import flatten, is_nested, map_leaves
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.contraction import matmul
from graphc.ops.reshaping import shape
from graphc.ops.shape_values import static_sizes
from graphc.scopes import get_default_graph
from graphc.shapes import TensorShape
from graphc.variable_scope import get_variable, get_variable_scope, variable_scope
from graphc.variables import Variable

KERNEL, BIAS = "kernel", "bias"  # the names of weights in TensorFlow's checkpoints


class RNNCell(Layer):
    """``outputs, next_state = cell(inputs, state)``: a step of a recurrent network.

    Subclasses say ``state_size`` and ``output_size`` and compute in ``call(inputs, state)``; variables come from
    :meth:`add_variable` in ``build`` or from ``tf.get_variable`` in ``call``, and are found again in later steps.
    A size is a number, a shape, or a nested tuple of these.
    """

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **settings: Any):
        super().__init__(trainable, name, dtype, **settings)

    @property
    def state_size(self) -> Any:
        """The size of the state without its batch axis."""
        raise NotImplementedError(f"{type(self).__name__} does not say its state_size")

    @property
    def output_size(self) -> Any:
        """The size of the outputs without their batch axis."""
        raise NotImplementedError(f"{type(self).__name__} does not say its output_size")

    @property
    def default_name(self) -> str:  # type: ignore[override]
        """The class's name as a scope: ``BasicLSTMCell`` is ``basic_lstm_cell``."""
        return scope_name_of(type(self).__name__)

    def __call__(self, inputs: Any, state: Any, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The outputs of a step and the state after it; the first call makes the variables, in ``scope`` if given."""
        with self._entered(scope):
            given = map_leaves(convert_to_tensor, inputs)
            if not self.built:
                self._build(flatten(given) if is_nested(given) else given)
            return self.call(given, state, *args, **kwargs)

    apply = __call__

    @contextmanager
    def _entered(self, scope: Any) -> Iterator[None]:
        """Inside, variables are made in the cell's scope the first time, and found there after."""
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False):
                yield
            return
        if scope is not None:
            with variable_scope(scope, custom_getter=self._tracked) as own:
                self._scope = own
                yield
            return
        name = self._given_name or self.default_name
        # With reuse the scope has that very name; without, a second cell of one name gets a number.
        wanted = {"name_or_scope": name} if self._reuse else {"name_or_scope": None, "default_name": name}
        with self._around(), variable_scope(**wanted, reuse=self._reuse) as own:
            self._scope = own
            yield

    def _around(self) -> AbstractContextManager[Any]:
        """The current scope once more, in which what ``tf.get_variable`` gives counts as the cell's."""
        return variable_scope(get_variable_scope(), custom_getter=self._tracked, auxiliary_name_scope=False)

    def _tracked(self, getter: Callable[..., Variable], *args: Any, **kwargs: Any) -> Variable:
        """The variable that the getter finds or makes, as one of the cell's own."""
        variable = getter(*args, **kwargs)
        self._keep(variable, variable.trainable)
        return variable

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros in the structure of the state, for ``batch_size`` sequences (a number or a scalar tensor)."""
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            return zeros_of(self.state_size, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """The :meth:`zero_state` for the batch and dtype of ``inputs``, or for those given."""
        if inputs is not None:
            x = convert_to_tensor(inputs)
            batch_size, dtype = batch_size_of(x), x.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)


class LayerRNNCell(RNNCell):
    """A cell that makes all its variables in ``build``."""

    def _around(self) -> AbstractContextManager[Any]:
        return nullcontext()


def scope_name_of(name: str) -> str:
    """A class's name in small letters, words joined by ``_``."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()
    return f"private{apart}" if apart.startswith("_") else apart


def zeros_of(size: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros of a nested size, each with a batch axis in front; ``dtype`` may be nested alike."""
    if is_nested(dtype):
        return map_leaves(lambda one, its_dtype: _zeros(batch_size, one, its_dtype), size, dtype)
    return map_leaves(lambda one: _zeros(batch_size, one, dtype), size)


def _zeros(batch_size: Any, size: Any, dtype: Any) -> Tensor:
    known = static_sizes(batch_size)
    batch = known[0] if known and known[0] is not None else batch_size
    result = zeros([batch, *sizes_of(size)], dtype)
    result.set_shape([batch if isinstance(batch, int) else None, *sizes_of(size)])
    return result


def sizes_of(size: Any) -> list[int]:
    """A size as a list: 5 is [5]."""
    if isinstance(size, TensorShape):
        found = size.as_list()
    elif hasattr(size, "value"):
        found = [size.value]
    else:
        found = [int(size)]
    if None in found:
        raise ValueError(f"the size of a state must be known, not {size}")
    return found  # type: ignore[return-value]


def batch_size_of(x: Tensor, axis: int = 0) -> Any:
    """The size of the batch axis: a number where it is known, else a tensor."""
    known = x.type.shape[axis] if x.type.shape is not None else None
    return known if isinstance(known, int) else shape(x)[axis]


def depth_of(cell: Layer, inputs: TensorShape) -> int:
    """The size of the last axis of inputs; ``ValueError`` where it is not known."""
    depth = inputs[-1].value if inputs.ndims else None
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {inputs} ({type(cell).__name__})")
    return depth


def check_matrix(cell: Layer, inputs: Any) -> None:
    """``ValueError`` unless inputs are [batch, depth]."""
    if isinstance(inputs, Tensor) and inputs.type.rank not in (2, None):
        raise ValueError(
            f"Input 0 of layer {cell.name} is incompatible with the layer: expected ndim=2, "
            f"found ndim={inputs.type.rank}. Full shape received: {inputs.shape}"
        )


def activation_of(activation: Any, default: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function from itself, its name, or None for the default."""
    return default if not activation else activation_function(activation)


def affine(parts: Sequence[Tensor], kernel: Any, bias: Any = None) -> Tensor:
    """``concat(parts) @ kernel + bias`` over the last axis of [batch, depth]."""
    together = parts[0] if len(parts) == 1 else concat(list(parts), 1)
    product = matmul(together, kernel)
    return product if bias is None else e.add(product, bias)


def linear(
    args: Any, output_size: int, bias: bool, bias_initializer: Any = None, kernel_initializer: Any = None
) -> Tensor:
    """``concat(args) @ kernel + bias`` with the variables ``kernel`` and ``bias`` of the current scope."""
    parts = [convert_to_tensor(x) for x in (args if isinstance(args, (list, tuple)) else [args])]
    if not parts:
        raise ValueError("`args` must be specified")
    for part in parts:
        if part.type.rank != 2 or part.shape[1].value is None:
            raise ValueError(f"linear is expecting 2D arguments of known depth: {part.op.describe()} is {part.type}")
    depth = sum(part.shape[1].value or 0 for part in parts)
    dtype = parts[0].dtype
    kernel = get_variable(KERNEL, [depth, output_size], dtype=dtype, initializer=kernel_initializer)
    if not bias:
        return affine(parts, kernel)
    first = Zeros(dtype=dtype) if bias_initializer is None else bias_initializer
    return affine(parts, kernel, get_variable(BIAS, [output_size], dtype=dtype, initializer=first))


def is_cell(value: Any) -> bool:
    """Whether it can be called as a cell and says its sizes."""
    return callable(value) and hasattr(value, "state_size") and hasattr(value, "output_size")


def check_cell(value: Any, what: str = "cell") -> None:
    """``TypeError`` unless it is a cell."""
    if not is_cell(value):
        raise TypeError(
            f"The argument {what!r} ({value!r}) is not an RNNCell: wanted state_size, output_size and a call"
        )


def is_number(value: Any) -> bool:
    """Whether a probability is a number and not a tensor."""
    return not is_tensor_like(value)
