"""A checkpoint measured: metrics over a number of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.frame import logging
from graphc.scopes import GraphKeys, get_collection, get_default_graph
from graphc.session import Session
from graphc.train.coordinator import Coordinator
from graphc.train.saver import Saver
from graphc.variables import global_variables_initializer, local_variables_initializer


def evaluate_once(
    master: str,
    checkpoint_path: str,
    logdir: str | None = None,
    num_evals: int = 1,
    initial_op: Any = None,
    initial_op_feed_dict: Any = None,
    eval_op: Any = None,
    eval_op_feed_dict: Any = None,
    final_op: Any = None,
    final_op_feed_dict: Any = None,
    variables_to_restore: Sequence[Any] | None = None,
    session_config: Any = None,
    **_: Any,
) -> Any:
    """The value of ``final_op`` after ``eval_op`` ran ``num_evals`` times with the variables of a checkpoint."""
    initial = [global_variables_initializer(), local_variables_initializer(), *get_collection(GraphKeys.LOCAL_INIT_OP)]
    saver = Saver(variables_to_restore)
    with Session(master, config=session_config) as session:
        coordinator = Coordinator()
        session.run(initial)
        if initial_op is not None:
            session.run(initial_op, initial_op_feed_dict)
        saver.restore(session, checkpoint_path)
        threads = []
        for runner in get_collection(GraphKeys.QUEUE_RUNNERS):
            threads += runner.create_threads(session, coord=coordinator, daemon=True, start=True)
        for number in range(num_evals if eval_op is not None else 0):
            logging.info("Evaluation [%d/%d]", number + 1, num_evals)
            session.run(eval_op, eval_op_feed_dict)
        result = None if final_op is None else session.run(final_op, final_op_feed_dict)
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=5, ignore_live_threads=True)
    logging.info("Finished evaluation of %s in %s", checkpoint_path, get_default_graph())
    return result
