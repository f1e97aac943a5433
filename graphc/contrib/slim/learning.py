"""A training loop in one call: the operation that trains, and what runs it, saves it and writes its summaries.

train_op = slim.learning.create_train_op(slim.losses.get_total_loss(), optimizer)
slim.learning.train(train_op, "folder", number_of_steps=1000)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphc import clipping
from graphc.contrib.layers.optimizers import multiplied_gradients
from graphc.contrib.layers.summaries import add_gradients_summaries
from graphc.frame import logging
from graphc.graph import Graph
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.assertions import check_numerics as without_nan
from graphc.ops.base import convert_to_tensor
from graphc.ops.indexing import IndexedSlices
from graphc.scopes import GraphKeys, get_collection, get_default_graph
from graphc.train.optimizer import Optimizer
from graphc.train.step_counter import get_or_create_global_step
from graphc.train.supervisor import Supervisor
from graphc.variables import trainable_variables

_USE_DEFAULT: Any = 0
_USE_GLOBAL_STEP: Any = 0

Pairs = Sequence[tuple[Any, Any]]


def clip_gradient_norms(gradients_to_variables: Pairs, max_norm: float) -> list[tuple[Any, Any]]:
    """The pairs, each gradient no longer than ``max_norm``."""
    clipped = []
    for gradient, variable in gradients_to_variables:
        if isinstance(gradient, IndexedSlices):
            values = clipping.clip_by_norm(gradient.values, max_norm)
            gradient = IndexedSlices(values, gradient.indices, gradient.dense_shape)
        elif gradient is not None:
            gradient = clipping.clip_by_norm(gradient, max_norm)
        clipped.append((gradient, variable))
    return clipped


def clip_gradient_norms_fn(max_norm: float) -> Callable[[Pairs], list[tuple[Any, Any]]]:
    """:func:`clip_gradient_norms` with this length, for ``transform_grads_fn``."""
    return lambda pairs: clip_gradient_norms(pairs, max_norm)


def multiply_gradients(grads_and_vars: Pairs, gradient_multipliers: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """The pairs, each gradient times the number under its variable or the variable's name; others stay."""
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, Mapping):
        raise ValueError("`gradient_multipliers` must be a dict.")
    return multiplied_gradients(grads_and_vars, gradient_multipliers)


def create_train_op(
    total_loss: Any,
    optimizer: Optimizer,
    global_step: Any = _USE_GLOBAL_STEP,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Any] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = 1,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    check_numerics: bool = True,
    transform_grads_fn: Callable[[Any], Any] | None = None,
) -> Tensor:
    """The loss, whose evaluation runs the update operations, moves the variables once and counts the global step."""
    step = get_or_create_global_step() if global_step is _USE_GLOBAL_STEP else global_step
    wanted = set(get_collection(GraphKeys.UPDATE_OPS))
    updates = get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
    if not wanted.issubset(updates):
        logging.warning("update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS")
    loss = total_loss
    if updates:
        with get_default_graph().control_dependencies(updates):
            loss = e.identity(loss)
    variables = trainable_variables() if variables_to_train is None else list(variables_to_train)
    pairs = optimizer.compute_gradients(loss, variables)
    if gradient_multipliers:
        pairs = multiply_gradients(pairs, gradient_multipliers)
    if transform_grads_fn is not None:
        pairs = transform_grads_fn(pairs)
    if clip_gradient_norm > 0:
        pairs = clip_gradient_norms(pairs, clip_gradient_norm)
    if summarize_gradients:
        add_gradients_summaries(pairs)
    trained = optimizer.apply_gradients(pairs, global_step=step)
    with get_default_graph().name_scope("train_op"):
        if check_numerics:
            loss = without_nan(loss, "LossTensor is inf or nan")
        with get_default_graph().control_dependencies([trained]):
            train_op = e.identity(loss)
    graph = get_default_graph()
    if train_op not in graph.get_collection_ref(GraphKeys.TRAIN_OP):
        graph.add_to_collection(GraphKeys.TRAIN_OP, train_op)
    return train_op


def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: Mapping[str, Any]) -> tuple[Any, bool]:
    """Runs one step, and logs where ``should_log`` says so; the loss, and whether ``should_stop`` says to stop."""
    began = time.time()
    loss, step = sess.run([train_op, global_step])
    seconds = time.time() - began
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, seconds)
    stop = "should_stop" in train_step_kwargs and sess.run(train_step_kwargs["should_stop"])
    return loss, bool(stop)


def train(
    train_op: Any,
    logdir: str | None,
    train_step_fn: Callable[..., tuple[Any, bool]] = train_step,
    train_step_kwargs: Any = _USE_DEFAULT,
    log_every_n_steps: int = 1,
    graph: Graph | None = None,
    master: str = "",
    is_chief: bool = True,
    global_step: Any = None,
    number_of_steps: int | None = None,
    init_op: Any = _USE_DEFAULT,
    init_feed_dict: Any = None,
    local_init_op: Any = _USE_DEFAULT,
    init_fn: Callable[[Any], Any] | None = None,
    ready_op: Any = _USE_DEFAULT,
    summary_op: Any = _USE_DEFAULT,
    save_summaries_secs: float = 600,
    summary_writer: Any = _USE_DEFAULT,
    startup_delay_steps: int = 0,
    saver: Any = None,
    save_interval_secs: float = 600,
    sync_optimizer: Any = None,
    session_config: Any = None,
    session_wrapper: Callable[[Any], Any] | None = None,
    trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:
    """Runs ``train_op`` until ``number_of_steps`` are counted (for ever where None); the last loss.

    With a ``logdir``, a checkpoint there is taken up, and checkpoints and summaries are written from time to time.
    """
    _check_arguments(train_op, logdir, summary_op, (sync_optimizer, trace_every_n_steps))
    graph = get_default_graph() if graph is None else graph
    with graph.as_default():
        step = get_or_create_global_step() if global_step is None else global_step
        if train_step_kwargs is _USE_DEFAULT:
            train_step_kwargs = _step_settings(step, number_of_steps, log_every_n_steps)
    if saver is None and logdir is not None:
        saver = _USE_DEFAULT
    supervisor = Supervisor(
        graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op, init_feed_dict=init_feed_dict,
        local_init_op=local_init_op, ready_op=ready_op, summary_op=summary_op if logdir else None,
        summary_writer=summary_writer, global_step=step, saver=saver,
        save_summaries_secs=save_summaries_secs, save_model_secs=save_interval_secs, init_fn=init_fn,
    )  # fmt: skip
    loss = None
    with supervisor.managed_session(master, config=session_config) as sess:
        session = session_wrapper(sess) if session_wrapper is not None else sess
        stop = number_of_steps is not None and int(session.run(step)) >= number_of_steps
        while not (stop or supervisor.should_stop()):
            loss, stop = train_step_fn(session, train_op, step, train_step_kwargs)
        if logdir and supervisor.saver is not None:
            logging.info("Finished training! Saving model to disk.")
            supervisor.saver.save(sess, supervisor.save_path, global_step=step)
    return loss


def _check_arguments(train_op: Any, logdir: str | None, summary_op: Any, left_out: Sequence[Any]) -> None:
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None and summary_op not in (None, _USE_DEFAULT):
        raise ValueError("Cannot provide summary_op because logdir=None")
    if any(value is not None for value in left_out):
        raise NotImplementedError(
            "slim.learning.train has neither sync_optimizer nor trace_every_n_steps: graphc trains in one process, and "
            "tf.profile shows where time goes"
        )


def _step_settings(step: Any, number_of_steps: int | None, log_every: int) -> dict[str, Any]:
    with get_default_graph().name_scope("train_step"):
        settings: dict[str, Any] = {}
        now = convert_to_tensor(step)
        if number_of_steps is not None:
            settings["should_stop"] = e.greater_equal(now, number_of_steps)
        if log_every > 0:
            settings["should_log"] = e.equal(now % log_every, 0)
        return settings
