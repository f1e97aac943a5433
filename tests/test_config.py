"""Settings of sessions and runs: the names and kinds that TensorFlow 1 has."""

import copy

import numpy as np
import pytest

import graphc as tf
from graphc import config as options

ALL = [
    tf.ConfigProto,
    tf.GPUOptions,
    tf.GraphOptions,
    tf.OptimizerOptions,
    tf.RunMetadata,
    tf.RunOptions,
    options.RewriterConfig,
]


def test_settings_read_like_tensorflow() -> None:
    config = tf.ConfigProto(allow_soft_placement=True, gpu_options=tf.GPUOptions(allow_growth=True))
    config.intra_op_parallelism_threads = np.int64(2)
    assert config.gpu_options.allow_growth is True and config.intra_op_parallelism_threads == 2
    assert tf.ConfigProto().gpu_options.allow_growth is False
    tf.ConfigProto().graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    assert tf.ConfigProto().graph_options.optimizer_options.global_jit_level == 0
    assert tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE).trace_level == 3
    assert tf.RunOptions(trace_level="FULL_TRACE").trace_level == 3
    assert tf.ConfigProto(gpu_options={"visible_device_list": b"0"}, graph_options=None).gpu_options == tf.GPUOptions(
        visible_device_list="0"
    )


def test_what_holds_others_is_changed_in_place() -> None:
    config = tf.ConfigProto(device_count={"GPU": 0})
    config.device_count["CPU"] = 1
    config.device_filters.append("/job:ps")
    config.experimental.collective_group_leader = "worker"
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    assert config.device_count == {"GPU": 0, "CPU": 1} and config.device_filters == ["/job:ps"]
    assert config.experimental.collective_group_leader == "worker"
    assert config.graph_options.rewrite_options.disable_meta_optimizer is True
    with pytest.raises(AttributeError) as caught:
        config.gpu_options = tf.GPUOptions()
    assert str(caught.value) == "ConfigProto.gpu_options cannot be assigned; change what is in it"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_other_names_are_refused(kind: type) -> None:
    text = f'Protocol message {kind.__name__} has no "foo" field.'
    with pytest.raises(ValueError) as made:
        kind(foo=1)
    with pytest.raises(AttributeError) as assigned:
        kind().foo = 1
    with pytest.raises(AttributeError) as read:
        _ = kind().foo
    assert str(made.value) == str(assigned.value) == str(read.value) == text


@pytest.mark.parametrize(
    "name, value, kind",
    [
        ("intra_op_parallelism_threads", "2", "int"),
        ("intra_op_parallelism_threads", 1.5, "int"),
        ("allow_soft_placement", "yes", "bool"),
        ("device_count", 3, "dict"),
        ("gpu_options", 3, "GPUOptions"),
        ("gpu_options", tf.RunOptions(), "GPUOptions"),
    ],
)
def test_other_kinds_are_refused(name: str, value: object, kind: str) -> None:
    with pytest.raises(TypeError) as caught:
        tf.ConfigProto(**{name: value})
    assert str(caught.value) == f"ConfigProto.{name} must be {kind}, but got {value!r}"


def test_two_are_equal_where_their_settings_are() -> None:
    config = tf.ConfigProto(inter_op_parallelism_threads=0)
    assert config == tf.ConfigProto() and config != tf.GPUOptions()
    config.gpu_options.allow_growth = True
    other = tf.ConfigProto(log_device_placement=True)
    other.CopyFrom(config)
    assert other == config == copy.deepcopy(config) and other.log_device_placement is False
    other.gpu_options.allow_growth = False
    assert config.gpu_options.allow_growth is True and other != config
    with pytest.raises(TypeError) as caught:
        other.CopyFrom(tf.GPUOptions())
    assert str(caught.value) == "ConfigProto.CopyFrom takes the same, but got GPUOptions()"


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_names_and_kinds_are_those_of_tensorflow(kind: type) -> None:
    from tensorflow.compat import v1
    from tensorflow.core.protobuf import rewriter_config_pb2

    real = getattr(v1, kind.__name__, None) or getattr(rewriter_config_pb2, kind.__name__)
    for name, sort in kind.fields.items():
        value = getattr(real(), name)
        assert sort not in (bool, int, float, str) or (type(value) is sort and value == sort())
