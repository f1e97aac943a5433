"""Summaries of activations, weights and gradients, under names that follow from theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphc import clipping
from graphc.frame import logging
from graphc.nn.regularisation import zero_fraction
from graphc.ops.base import convert_to_tensor
from graphc.ops.indexing import IndexedSlices
from graphc.scopes import GraphKeys, get_collection
from graphc.summary.ops import histogram, scalar


def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """A scalar summary of a scalar, a histogram of anything else."""
    name = tag or tensor.op.name
    return scalar(name, tensor) if tensor.shape.ndims == 0 else histogram(name, tensor)


def summarize_activation(op: Any) -> Any:
    """A histogram of an output, and the share of zeros in that of a ReLU."""
    if op.op.type in ("Relu", "Softplus"):
        scalar(f"{op.op.name}/zeros", zero_fraction(op))
    return histogram(f"{op.op.name}/activation", op)


def summarize_tensors(tensors: Sequence[Any], summarizer: Any = summarize_tensor) -> list[Any]:
    """The summary of each."""
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(collection: str, name_filter: str | None = None, summarizer: Any = summarize_tensor) -> Any:
    """The summary of each tensor of a collection whose name matches."""
    tensors = get_collection(collection)
    if name_filter is not None:
        tensors = [tensor for tensor in tensors if re.match(name_filter, tensor.op.name)]
    return summarize_tensors(tensors, summarizer)


def summarize_activations(name_filter: str | None = None, summarizer: Any = summarize_activation) -> Any:
    """The summaries of the collection ``ACTIVATIONS``."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)


def summarize_variables(name_filter: str | None = None, summarizer: Any = summarize_tensor) -> Any:
    """The summaries of the global variables."""
    return summarize_collection(GraphKeys.GLOBAL_VARIABLES, name_filter, summarizer)


def summarize_weights(name_filter: str | None = None, summarizer: Any = summarize_tensor) -> Any:
    """The summaries of the collection ``WEIGHTS``."""
    return summarize_collection(GraphKeys.WEIGHTS, name_filter, summarizer)


def summarize_biases(name_filter: str | None = None, summarizer: Any = summarize_tensor) -> Any:
    """The summaries of the collection ``BIASES``."""
    return summarize_collection(GraphKeys.BIASES, name_filter, summarizer)


def add_gradients_summaries(grads_and_vars: Sequence[tuple[Any, Any]]) -> list[Any]:
    """A histogram and the norm of each gradient."""
    summaries = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            logging.info("Var %s has no gradient", variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else convert_to_tensor(gradient)
        summaries.append(histogram(f"{variable.op.name}/gradient", values))
        summaries.append(scalar(f"{variable.op.name}/gradient_norm", clipping.global_norm([values])))
    return summaries
