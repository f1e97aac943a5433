"""Where the names of TensorFlow's inner modules stand in graphc.

A module is given by its path under ``tensorflow``. What stands beside it are namespaces of graphc, searched in order;
``namespace:name`` is a single name. An empty namespace is graphc itself.
"""

from __future__ import annotations

from collections.abc import Sequence

_PLAIN: Sequence[str] = [""]
_TRAIN: Sequence[str] = ["train"]
_NN: Sequence[str] = ["nn", ""]
_INNER = "tf1.inner"  # what TensorFlow has in its inner modules alone

# Modules of the folder on the left, by their names.
_FOLDERS: dict[str, dict[str, Sequence[str]]] = {
    "python.framework": {
        "ops": ["", "scopes", "graph", "nodes", "ops.base"],
        "constant_op": _PLAIN,
        "dtypes": ["dtypes", ""],
        "errors": ["errors"],
        "errors_impl": ["errors"],
        "graph_util": ["graph_util"],
        "importer": _PLAIN,
        "meta_graph": _TRAIN,
        "random_seed": _PLAIN,
        "smart_cond": [_INNER],
        "sparse_tensor": _PLAIN,
        "tensor_shape": [_INNER, "shapes"],
        "tensor_spec": _PLAIN,
        "tensor_util": [f"{_INNER}:constant_value", f"{_INNER}:is_tensor", ""],
        "test_util": ["test"],
        "versions": _PLAIN,
    },
    "python.ops": {
        "array_ops": _PLAIN,
        "candidate_sampling_ops": _NN,
        "check_ops": _PLAIN,
        "clip_ops": _PLAIN,
        "control_flow_ops": ["", f"{_INNER}:with_dependencies"],
        "ctc_ops": _NN,
        "data_flow_ops": _PLAIN,
        "embedding_ops": _NN,
        "functional_ops": _PLAIN,
        "gradient_checker": ["test"],
        "gradients": _PLAIN,
        "gradients_impl": _PLAIN,
        "image_ops": ["image"],
        "image_ops_impl": ["image"],
        "init_ops": ["", "initializers"],
        "io_ops": ["", "io"],
        "linalg_ops": ["linalg", ""],
        "logging_ops": ["", "summary"],
        "lookup_ops": ["lookup", "", "contrib.lookup"],
        "losses.losses": ["losses"],
        "losses.losses_impl": ["losses"],
        "losses.util": ["losses"],
        "map_fn": _PLAIN,
        "math_ops": ["", "math"],
        "metrics": ["metrics"],
        "metrics_impl": ["metrics"],
        "nn": _NN,
        "nn_impl": _NN,
        "nn_ops": _NN,
        "parsing_ops": ["", "io"],
        "partitioned_variables": _PLAIN,
        "random_ops": ["", "random"],
        "resource_variable_ops": [f"{_INNER}:ResourceVariable", ""],
        "resources": ["tf1.resources"],
        "rnn": [*_NN, "nn.recurrent.inner"],
        "rnn_cell": ["nn.rnn_cell", "nn.recurrent.inner"],
        "rnn_cell_impl": ["nn.rnn_cell", "nn.recurrent.inner"],
        "script_ops": _PLAIN,
        "sparse_ops": ["", "sparse"],
        "special_math_ops": ["", "math"],
        "standard_ops": ["", "math", "nn"],
        "state_ops": _PLAIN,
        "string_ops": ["", "strings"],
        "template": _PLAIN,
        "tensor_array_ops": _PLAIN,
        "variable_scope": _PLAIN,
        "variables": _PLAIN,
        "distributions.special_math": ["distributions.special_math"],
        **{
            f"distributions.{name}": ["distributions"]
            for name in (
                "bernoulli",
                "beta",
                "categorical",
                "distribution",
                "distributions",
                "kullback_leibler",
                "normal",
                "uniform",
                "util",
            )
        },
    },
    "python.platform": {
        "app": ["app"],
        "flags": ["flags"],
        "gfile": ["gfile"],
        "googletest": ["test"],
        "resource_loader": ["resource_loader"],
        "sysconfig": ["sysconfig"],
        "test": ["test"],
        "tf_logging": ["logging"],
    },
    "python.util": {
        "compat": ["compat"],
        "deprecation": ["tf1.util"],
        "nest": ["nest"],
        "tf_contextlib": ["tf1.util:contextmanager"],
        "deprecation_wrapper": ["tf1.util:DeprecationWrapper"],
        "function_utils": ["tf1.util"],
        "tf_decorator": ["tf1.util"],
        "tf_export": ["tf1.util:tf_export"],
        "tf_inspect": ["tf1.inspection"],
    },
    "python.training": dict.fromkeys(
        [
            "adadelta",
            "adagrad",
            "adagrad_da",
            "adam",
            "basic_session_run_hooks",
            "checkpoint_management",
            "checkpoint_utils",
            "coordinator",
            "device_setter",
            "evaluation",
            "ftrl",
            "gradient_descent",
            "input",
            "learning_rate_decay",
            "momentum",
            "monitored_session",
            "optimizer",
            "proximal_adagrad",
            "proximal_gradient_descent",
            "py_checkpoint_reader",
            "queue_runner",
            "queue_runner_impl",
            "rmsprop",
            "saver",
            "server_lib",
            "session_manager",
            "session_run_hook",
            "summary_io",
            "supervisor",
            "sync_replicas_optimizer",
            "training",
            "training_util",
        ],
        _TRAIN,
    )
    | {"moving_averages": ["train", "train.moving_averages"], "slot_creator": ["train.slots"]},
    "python.client": {
        "device_lib": [f"{_INNER}:list_local_devices"],
        "session": ["", "session"],
        "timeline": [f"{_INNER}:Timeline"],
    },
    "python.data": {
        "ops.dataset_ops": ["data"],
        "ops.iterator_ops": ["data"],
        "ops.readers": ["data"],
        "util.nest": ["nest"],
    },
    "python.eager": {"context": [f"{_INNER}:in_eager_mode", ""]},
    "python.layers": {
        **{name: ["layers"] for name in ("base", "convolutional", "core", "layers", "normalization", "pooling")},
        "utils": [_INNER],
    },
    "python.lib.io": {"file_io": ["tf1.file_io"], "python_io": ["python_io"], "tf_record": ["python_io"]},
    "python.saved_model": {
        name: [f"saved_model.{name}", "saved_model"]
        for name in [
            "builder",
            "builder_impl",
            "constants",
            "loader",
            "loader_impl",
            "main_op",
            "signature_constants",
            "signature_def_utils",
            "simple_save",
            "tag_constants",
            "utils",
        ]
    },
    "python.summary": {
        "summary": ["summary"],
        "summary_iterator": _TRAIN,
        "writer.writer": ["summary"],
        "writer.writer_cache": ["summary"],
    },
    "core.example": {"example_pb2": _TRAIN, "feature_pb2": _TRAIN},
    "core.framework": {
        "attr_value_pb2": _PLAIN,
        "graph_pb2": _PLAIN,
        "node_def_pb2": _PLAIN,
        "summary_pb2": ["", "summary"],
        "step_stats_pb2": _PLAIN,
        "variable_pb2": ["exchange.messages"],
    },
    "core.protobuf": {
        "config_pb2": _PLAIN,
        "meta_graph_pb2": ["", "train"],
        "rewriter_config_pb2": ["config:RewriterConfig"],
        "saver_pb2": _TRAIN,
    },
    "core.util": {"event_pb2": ["", "summary"]},
}

PLACES: dict[str, Sequence[str]] = {
    f"{folder}.{module}": sources for folder, modules in _FOLDERS.items() for module, sources in modules.items()
} | {
    "contrib.learn.datasets.mnist": ["examples.tutorials.mnist.input_data"],
    "contrib.learn.python.learn.datasets.mnist": ["examples.tutorials.mnist.input_data"],
    "python.layers.layers": ["layers"],
    "python.pywrap_tensorflow": ["train", f"{_INNER}:IsGoogleCudaEnabled"],
    "python.tf2": [f"{_INNER}:enabled"],
}

# The same path in graphc is something else.
NOTHING_THERE = frozenset({"python", "core", "tools"})


def in_part_of_contrib(inner: str) -> bool:
    """Whether this is ``contrib.part.python...``, where parts of tf.contrib keep their own files."""
    parts = inner.split(".")
    return parts[0] == "contrib" and len(parts) > 2 and parts[2] == "python"
