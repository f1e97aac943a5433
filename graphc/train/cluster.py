"""Training on several machines by parameter servers: not provided, and said so."""

from __future__ import annotations

from typing import Any, NoReturn


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(
        f"tf.train.{what}: graphc runs in one process, on all of its CPUs; leave the cluster out and use a tf.Session"
    )


class ClusterSpec:
    """``NotImplementedError``: graphc runs in one process."""

    def __init__(self, cluster: Any):
        _refuse("ClusterSpec")


class Server:
    """``NotImplementedError``: graphc runs in one process."""

    def __init__(
        self, server_or_cluster_def: Any, job_name: Any = None, task_index: Any = None, protocol: Any = None,
        config: Any = None, start: bool = True,
    ):  # fmt: skip
        _refuse("Server")

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Any:
        """``NotImplementedError``: graphc runs in one process."""
        _refuse("Server.create_local_server")


class SyncReplicasOptimizer:
    """``NotImplementedError``: graphc runs in one process."""

    def __init__(self, opt: Any, replicas_to_aggregate: int, *_: Any, **__: Any):
        _refuse("SyncReplicasOptimizer")


def replica_device_setter(
    ps_tasks: int = 0, ps_device: str = "/job:ps", worker_device: str = "/job:worker", merge_devices: bool = True,
    cluster: Any = None, ps_ops: Any = None, ps_strategy: Any = None,
) -> None:  # fmt: skip
    """None where there are no parameter servers, as in TensorFlow; else ``NotImplementedError``."""
    if cluster is not None or ps_tasks > 0:
        _refuse("replica_device_setter")
