"""Optimizers, learning rate schedules, the global step and moving averages, under the names of TensorFlow 1."""

from graphc.lazily import when_named
from graphc.train.adam import AdamOptimizer
from graphc.train.adaptive import AdadeltaOptimizer, AdagradOptimizer, RMSPropOptimizer
from graphc.train.descent import GradientDescentOptimizer, MomentumOptimizer
from graphc.train.ftrl import FtrlOptimizer
from graphc.train.moving_averages import ExponentialMovingAverage
from graphc.train.optimizer import Optimizer
from graphc.train.schedules import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    noisy_linear_cosine_decay,
    piecewise_constant,
    piecewise_constant_decay,
    polynomial_decay,
)
from graphc.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)

__all__ = [
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "ExponentialMovingAverage",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "Optimizer",
    "RMSPropOptimizer",
    "assert_global_step",
    "cosine_decay",
    "cosine_decay_restarts",
    "create_global_step",
    "exponential_decay",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "noisy_linear_cosine_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
]

# Reading and writing files, which a program does late if at all.
_LATER = {
    "BytesList": "graphc.decoding.messages:BytesList",
    "CheckpointSaverHook": "graphc.train.saving_hooks:CheckpointSaverHook",
    "CheckpointSaverListener": "graphc.train.saving_hooks:CheckpointSaverListener",
    "AdagradDAOptimizer": "graphc.train.proximal:AdagradDAOptimizer",
    "ChiefSessionCreator": "graphc.train.monitored_session:ChiefSessionCreator",
    "ClusterSpec": "graphc.train.cluster:ClusterSpec",
    "Coordinator": "graphc.train.coordinator:Coordinator",
    "Example": "graphc.decoding.messages:Example",
    "Feature": "graphc.decoding.messages:Feature",
    "FeatureList": "graphc.decoding.messages:FeatureList",
    "FeatureLists": "graphc.decoding.messages:FeatureLists",
    "Features": "graphc.decoding.messages:Features",
    "FeedFnHook": "graphc.train.hooks:FeedFnHook",
    "FinalOpsHook": "graphc.train.hooks:FinalOpsHook",
    "FloatList": "graphc.decoding.messages:FloatList",
    "GlobalStepWaiterHook": "graphc.train.hooks:GlobalStepWaiterHook",
    "Int64List": "graphc.decoding.messages:Int64List",
    "LoggingTensorHook": "graphc.train.hooks:LoggingTensorHook",
    "LooperThread": "graphc.train.coordinator:LooperThread",
    "MonitoredSession": "graphc.train.monitored_session:MonitoredSession",
    "MonitoredTrainingSession": "graphc.train.monitored_session:MonitoredTrainingSession",
    "NanLossDuringTrainingError": "graphc.train.hooks:NanLossDuringTrainingError",
    "NanTensorHook": "graphc.train.hooks:NanTensorHook",
    "NewCheckpointReader": "graphc.checkpoints.reader:NewCheckpointReader",
    "ProfilerHook": "graphc.train.hooks:ProfilerHook",
    "ProximalAdagradOptimizer": "graphc.train.proximal:ProximalAdagradOptimizer",
    "ProximalGradientDescentOptimizer": "graphc.train.proximal:ProximalGradientDescentOptimizer",
    "Saver": "graphc.train.saver:Saver",
    "SaverDef": "graphc.exchange.messages:SaverDef",
    "Scaffold": "graphc.train.scaffold:Scaffold",
    "SecondOrStepTimer": "graphc.train.hooks:SecondOrStepTimer",
    "SequenceExample": "graphc.decoding.messages:SequenceExample",
    "Server": "graphc.train.cluster:Server",
    "SessionCreator": "graphc.train.monitored_session:SessionCreator",
    "SessionManager": "graphc.train.session_manager:SessionManager",
    "SessionRunArgs": "graphc.train.session_run_hook:SessionRunArgs",
    "SessionRunContext": "graphc.train.session_run_hook:SessionRunContext",
    "SessionRunHook": "graphc.train.session_run_hook:SessionRunHook",
    "SessionRunValues": "graphc.train.session_run_hook:SessionRunValues",
    "SingularMonitoredSession": "graphc.train.monitored_session:SingularMonitoredSession",
    "StepCounterHook": "graphc.train.saving_hooks:StepCounterHook",
    "StopAtStepHook": "graphc.train.hooks:StopAtStepHook",
    "SummarySaverHook": "graphc.train.saving_hooks:SummarySaverHook",
    "SummaryWriter": "graphc.summary.writer:FileWriter",
    "Supervisor": "graphc.train.supervisor:Supervisor",
    "SyncReplicasOptimizer": "graphc.train.cluster:SyncReplicasOptimizer",
    "WorkerSessionCreator": "graphc.train.monitored_session:WorkerSessionCreator",
    "checkpoint_exists": "graphc.checkpoints.reader:checkpoint_exists",
    "export_meta_graph": "graphc.exchange.meta_graph:export_meta_graph",
    "generate_checkpoint_state_proto": "graphc.checkpoints.state:generate_checkpoint_state_proto",
    "get_checkpoint_mtimes": "graphc.checkpoints.state:get_checkpoint_mtimes",
    "get_checkpoint_state": "graphc.checkpoints.state:get_checkpoint_state",
    "import_meta_graph": "graphc.exchange.meta_graph:import_meta_graph",
    "init_from_checkpoint": "graphc.train.warm_start:init_from_checkpoint",
    "latest_checkpoint": "graphc.checkpoints.state:latest_checkpoint",
    "list_variables": "graphc.checkpoints.reader:list_variables",
    "load_checkpoint": "graphc.checkpoints.reader:load_checkpoint",
    "load_variable": "graphc.checkpoints.reader:load_variable",
    "remove_checkpoint": "graphc.checkpoints.state:remove_checkpoint",
    "replica_device_setter": "graphc.train.cluster:replica_device_setter",
    "summary_iterator": "graphc.summary.writer:summary_iterator",
    "update_checkpoint_state": "graphc.checkpoints.state:update_checkpoint_state",
    "write_graph": "graphc.exchange.files:write_graph",
}

__getattr__ = when_named(__name__, "graphc.train", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
