"""What a ``model_fn`` is told and gives back: ``tf.estimator.ModeKeys`` and ``EstimatorSpec``.

The estimators themselves are left out; a program calls its model_fn, and runs what the spec holds in a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphc.ops.base import convert_to_tensor, is_tensor_like

__all__ = ["EstimatorSpec", "ModeKeys"]


class ModeKeys:
    """What a model is made for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
    INFER = "infer"  # its name in tf.contrib.learn


class _Spec(NamedTuple):
    mode: str
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: Mapping[str, Any]
    export_outputs: Any
    training_chief_hooks: Sequence[Any]
    training_hooks: Sequence[Any]
    scaffold: Any
    evaluation_hooks: Sequence[Any]
    prediction_hooks: Sequence[Any]


class EstimatorSpec(_Spec):
    """The operations of a model; ``ValueError`` where the mode needs one that is missing."""

    __slots__ = ()

    def __new__(
        cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        export_outputs: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        """The spec, its loss as a tensor."""
        needed = {
            ModeKeys.TRAIN: (("train_op", train_op), ("loss", loss)), ModeKeys.EVAL: (("loss", loss),),
            ModeKeys.PREDICT: (("predictions", predictions),),
        }  # fmt: skip
        if mode not in needed:
            raise ValueError(f"mode must be one of {sorted(needed)}, not {mode!r}")
        for name, given in needed[mode]:
            if given is None:
                raise ValueError(f"Missing {name}.")
        if loss is not None and not is_tensor_like(loss):
            loss = convert_to_tensor(loss)
        return super().__new__(
            cls, mode, {} if predictions is None else predictions, loss, train_op, eval_metric_ops or {},
            export_outputs, training_chief_hooks or (), training_hooks or (), scaffold, evaluation_hooks or (),
            prediction_hooks or (),
        )  # fmt: skip
