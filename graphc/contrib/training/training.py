"""A training operation, and a loop that runs it with the hooks of a MonitoredTrainingSession."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.contrib.slim import learning
from graphc.nodes import Tensor
from graphc.ops.base import is_tensor_like
from graphc.train.monitored_session import MonitoredTrainingSession
from graphc.train.optimizer import Optimizer

__all__ = ["create_train_op", "train"]


def create_train_op(
    total_loss: Any, optimizer: Optimizer, global_step: Any = 0, update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Any] | None = None, transform_grads_fn: Callable[[Any], Any] | None = None,
    summarize_gradients: bool = False, gate_gradients: int = 1, aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False, check_numerics: bool = True,
) -> Tensor:  # fmt: skip
    """The loss, whose evaluation runs the update operations, moves the variables once and counts the global step."""
    return learning.create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train, 0, summarize_gradients, gate_gradients,
        aggregation_method, colocate_gradients_with_ops, None, check_numerics, transform_grads_fn,
    )  # fmt: skip


def train(
    train_op: Any, logdir: str | None, master: str = "", is_chief: bool = True, scaffold: Any = None,
    hooks: Sequence[Any] | None = None, chief_only_hooks: Sequence[Any] | None = None,
    save_checkpoint_secs: float | None = 600, save_summaries_steps: int | None = 100, config: Any = None,
    max_wait_secs: float = 7200, run_metadata: Any = None,
) -> Any:  # fmt: skip
    """Runs ``train_op`` until a hook says to stop; the loss of the last step. ``ValueError`` where nothing can stop it.

    Without ``logdir`` nothing is saved, and ``hooks`` must be given.
    """
    if logdir is None and is_chief and (save_summaries_steps or save_checkpoint_secs):
        raise ValueError("logdir cannot be None when save_summaries_steps or save_checkpoint_secs is given")
    if not is_tensor_like(train_op) and not hasattr(train_op, "outputs"):
        raise ValueError(f"train_op must be an operation or a tensor, not {train_op!r}")
    loss = None
    with MonitoredTrainingSession(
        master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks,
        chief_only_hooks=chief_only_hooks, save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps, config=config, max_wait_secs=max_wait_secs,
    ) as session:  # fmt: skip
        while not session.should_stop():
            loss = session.run(train_op)
    return loss
