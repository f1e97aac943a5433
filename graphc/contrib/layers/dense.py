"""Fully connected layers, and layers one after another."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.contrib.layers.initializers import XAVIER
from graphc.contrib.layers.utils import RENAMED, add_to, collect_named_outputs, variable_getter
from graphc.initializers import Zeros
from graphc.layers.core import Dense
from graphc.nn.activations import relu6 as relu_up_to_6
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor
from graphc.variable_scope import variable_scope

Function = Callable[..., Tensor] | None


@add_arg_scope
def fully_connected(
    inputs: Any,
    num_outputs: int,
    activation_fn: Function = e.relu,
    normalizer_fn: Function = None,
    normalizer_params: dict[str, Any] | None = None,
    weights_initializer: Any = XAVIER,
    weights_regularizer: Any = None,
    biases_initializer: Any = Zeros,
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
) -> Tensor:
    """``activation(inputs @ weights + biases)`` over the last axis; a normaliser stands in the place of the biases.

    Variables ``fully_connected/weights`` [inputs, num_outputs] and ``fully_connected/biases`` [num_outputs], in the
    collection ``MODEL_VARIABLES`` too.
    """
    if isinstance(num_outputs, bool) or not hasattr(num_outputs, "__index__"):
        raise ValueError(f"num_outputs type should be one of ['int', 'Dimension'], got {type(num_outputs)}.")
    tensor = convert_to_tensor(inputs)
    with variable_scope(scope, "fully_connected", reuse=reuse, custom_getter=variable_getter(RENAMED)) as sc:
        layer = Dense(
            int(num_outputs), use_bias=not normalizer_fn and bool(biases_initializer),
            kernel_initializer=weights_initializer, bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
            name=sc.name, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = with_variables_kept(layer, tensor, variables_collections)
        return finished(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


def with_variables_kept(layer: Any, inputs: Tensor, collections: Any) -> Tensor:
    """What a layer makes of its inputs; its kernel and its bias join ``collections``."""
    outputs: Tensor = layer(inputs)
    add_to(layer.kernel, collections, "weights")
    add_to(layer.bias, collections, "biases")
    return outputs


def finished(
    outputs: Tensor,
    normalizer_fn: Function,
    normalizer_params: dict[str, Any] | None,
    activation_fn: Function,
    outputs_collections: Any,
    alias: str,
) -> Tensor:
    """What all layers end with: the normaliser, the activation, the collections of outputs."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(outputs_collections, alias, outputs)


relu = functools.partial(fully_connected, activation_fn=e.relu)
relu6 = functools.partial(fully_connected, activation_fn=relu_up_to_6)
linear = functools.partial(fully_connected, activation_fn=None)


@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """The layer applied several times with the same arguments, in scopes ``scope/scope_1``, ``scope/scope_2``..."""
    return _one_after_another(inputs, layer, [args] * repetitions, kwargs, "Repeat", _name_of(layer, "repeat"))


@add_arg_scope
def stack(inputs: Any, layer: Callable[..., Tensor], stack_args: Sequence[Any], **kwargs: Any) -> Tensor:
    """The layer applied once for each of ``stack_args``, which is its arguments after the inputs."""
    each = [args if isinstance(args, (list, tuple)) else [args] for args in stack_args]
    return _one_after_another(inputs, layer, each, kwargs, "Stack", _name_of(layer, "stack"))


def _one_after_another(
    inputs: Any,
    layer: Callable[..., Tensor],
    each: Sequence[Sequence[Any]],
    settings: dict[str, Any],
    default: str,
    layer_name: str,
) -> Tensor:
    rest = dict(settings)
    scope = rest.pop("scope", None)
    outputs = convert_to_tensor(inputs)
    with variable_scope(scope, default):
        for number, args in enumerate(each, 1):
            outputs = layer(outputs, *args, **rest, scope=f"{scope or layer_name}_{number}")
    return outputs


def _name_of(layer: Any, default: str) -> str:
    function = getattr(layer, "func", layer)
    return getattr(function, "__name__", default)
