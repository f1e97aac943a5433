"""Signatures: what a graph is called with, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.exchange.schema import message
from graphc.saved_model import signature_constants as keys
from graphc.saved_model.utils import build_tensor_info


def build_signature_def(
    inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None, method_name: str | None = None
) -> Any:
    """A SignatureDef of TensorInfos by name."""
    found = message("SignatureDef")()
    for key, info in (inputs or {}).items():
        found.inputs[key].CopyFrom(info)
    for key, info in (outputs or {}).items():
        found.outputs[key].CopyFrom(info)
    if method_name is not None:
        found.method_name = method_name
    return found


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """The signature of a prediction: tensors by name, in and out."""
    if not inputs or not outputs:
        raise ValueError(f"Prediction {'inputs' if not inputs else 'outputs'} cannot be None or empty.")
    given = {key: build_tensor_info(tensor) for key, tensor in inputs.items()}
    wanted = {key: build_tensor_info(tensor) for key, tensor in outputs.items()}
    return build_signature_def(given, wanted, keys.PREDICT_METHOD_NAME)


def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """The signature of a classification: of serialised examples, giving classes, scores or both."""
    if examples is None:
        raise ValueError("Classification examples cannot be None.")
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    outputs = {keys.CLASSIFY_OUTPUT_CLASSES: classes, keys.CLASSIFY_OUTPUT_SCORES: scores}
    wanted = {key: build_tensor_info(tensor) for key, tensor in outputs.items() if tensor is not None}
    return build_signature_def(
        {keys.CLASSIFY_INPUTS: build_tensor_info(examples)}, wanted, keys.CLASSIFY_METHOD_NAME
    )  # fmt: skip


def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """The signature of a regression: of serialised examples, giving numbers."""
    if examples is None or predictions is None:
        raise ValueError("Regression examples and predictions cannot be None.")
    return build_signature_def(
        {keys.REGRESS_INPUTS: build_tensor_info(examples)},
        {keys.REGRESS_OUTPUTS: build_tensor_info(predictions)},
        keys.REGRESS_METHOD_NAME,
    )


def is_valid_signature(signature_def: Any) -> bool:
    """Whether the signature can be served: it has inputs, outputs, and one of the usual methods."""
    methods = (keys.CLASSIFY_METHOD_NAME, keys.PREDICT_METHOD_NAME, keys.REGRESS_METHOD_NAME)
    return bool(signature_def.inputs and signature_def.outputs) and signature_def.method_name in methods
