# ruff: noqa: E501
"""What wrong uses of common functions get: the class and the whole text, with the line of the user's file.

In an expected text, ``{line}`` stands for the line of the case that ends in ``# here``, ``{x}`` for that of ``_x``.
"""

import inspect

import numpy as np
import pytest

import graphc as tf


def running_sum_along_several_axes():
    tf.cumsum(tf.zeros([2, 3]), [0])


def max_pool_over_places_and_channels():
    tf.nn.max_pool(tf.zeros([1, 2, 2, 6]), [1, 2, 1, 3], [1, 1, 1, 3], "SAME")  # here


def max_pool_over_too_many_channels():
    tf.nn.max_pool(tf.zeros([1, 2, 2, 6], name="x"), [1, 1, 1, 4], [1, 1, 1, 4], "SAME")  # here


def bits_of_text():
    tf.bitcast(tf.constant("a"), tf.int32, name="bits")  # here


def bits_that_are_too_many():
    tf.bitcast(tf.zeros([2, 3], tf.uint8, name="x"), tf.float32)  # here


def shapes_that_do_not_broadcast():
    p = tf.placeholder(tf.int32, [3])
    tf.Session().run(tf.broadcast_dynamic_shape(p, [4, 5]), {p: [2, 3, 5]})  # here


def _x():
    return tf.placeholder(tf.float32, [None, 5], name="x")


def _image():
    return tf.placeholder(tf.float32, [None, 8, 8, 3], name="image")


def rows_of_other_counts():
    tf.data.Dataset.from_tensor_slices((np.zeros(3), np.zeros(4)))  # here


def more_than_there_are():
    tf.nn.top_k(_x(), 9)  # here


def axes_of_an_einsum():
    tf.einsum("ijk->ik", _x())  # here


def axis_of_fractions():
    tf.reduce_sum(_x(), 1.5)  # here


def axis_of_text():
    tf.reduce_sum(_x(), "rows")  # here


def layer_of_a_scalar():
    tf.layers.dense(tf.constant(1.0), 3)  # here


def layer_of_a_wrong_rank():
    tf.layers.conv2d(_x(), 4, 3)  # here


def settings_of_a_layer():
    tf.layers.conv2d(_image(), 4, [3, 3, 3])  # here


def settings_of_a_layer_as_a_class():
    tf.layers.Dense("ten")  # here


def layer_of_whole_numbers():
    tf.layers.dense(tf.placeholder(tf.int32, [None, 3]), 3)  # here


def rate_of_dropout():
    tf.nn.dropout(_x(), 1.5)  # here


def loss_of_other_shapes():
    tf.losses.mean_squared_error(tf.zeros([3, 4]), _x())  # here


def weights_of_a_loss():
    tf.losses.mean_squared_error(tf.zeros([3, 4]), tf.zeros([3, 4]), weights=tf.zeros([2]))  # here


def labels_of_one_number_each():
    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.zeros([3, 1], tf.int32), logits=tf.zeros([3, 4]))  # here


def cross_entropy_without_names():
    tf.nn.softmax_cross_entropy_with_logits(tf.zeros([3, 4]), tf.zeros([3, 4]))  # here


def state_of_a_cell():
    cell = tf.nn.rnn_cell.LSTMCell(4)
    tf.nn.dynamic_rnn(cell, tf.zeros([2, 3, 4]), initial_state=tf.zeros([2, 4]))  # here


def neither_state_nor_dtype():
    tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.zeros([2, 3, 4]))  # here


def one_tensor_for_all_steps():
    tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), tf.zeros([2, 3, 4], name="x"), dtype=tf.float32)  # here


def lengths_of_sequences():
    cell, x = tf.nn.rnn_cell.GRUCell(4), tf.zeros([2, 3, 4])
    tf.nn.dynamic_rnn(cell, x, sequence_length=[1, 2, 3], dtype=tf.float32)  # here


def nothing_to_train():
    tf.train.AdamOptimizer().minimize(tf.constant(1.0))  # here


def no_loss():
    tf.train.AdamOptimizer().minimize(None)  # here


def no_gradient():
    v = tf.get_variable("v", [2])
    tf.train.AdamOptimizer().minimize(tf.reduce_sum(tf.to_float(tf.to_int32(v))))  # here


def training_of_what_is_no_variable():
    loss = tf.reduce_sum(tf.get_variable("v", [2]))
    tf.train.AdamOptimizer().minimize(loss, var_list=[tf.constant(1.0)])  # here


def loading_a_wrong_shape():
    v = tf.Variable([1.0, 2.0], name="v")  # here
    v.load([1.0, 2.0, 3.0], tf.Session())


def loading_text():
    v = tf.Variable([1.0, 2.0], name="v")  # here
    v.load(["a", "b"], tf.Session())


def variable_without_a_shape():
    tf.get_variable("v")  # here


def branches_that_differ():
    tf.cond(tf.placeholder(tf.bool, []), lambda: tf.constant(1), lambda: tf.constant(2.0))  # here


def axis_of_a_mean():
    tf.reduce_mean(_x(), 2)  # here


def depth_of_fractions():
    tf.one_hot([1.0], 3)  # here


def boundaries_and_values():
    tf.train.piecewise_constant(tf.constant(1), [1, 2], [0.1, 0.2])  # here


def summary_of_a_vector():
    tf.summary.scalar("loss", tf.zeros([3]))  # here


def saver_of_nothing():
    tf.train.Saver()  # here


def entries_without_places():
    tf.SparseTensor([[0, 0]], [1.0, 2.0], [2, 2])  # here


def dependencies_on_a_number():
    with tf.control_dependencies(3):  # here
        pass


def dependencies_on_numbers():
    with tf.control_dependencies([3]):  # here
        pass


def names_with_spaces():
    with tf.name_scope("a b"):  # here
        pass


def variables_of_no_scope():
    with tf.variable_scope(None):  # here
        pass


def mistake_of_the_users_own():
    def double(x):
        raise ValueError("not mine")

    tf.map_fn(double, tf.zeros([3]))


CASES = [
    (running_sum_along_several_axes, tf.errors.InvalidDeclaration, "cumsum: axis must be a scalar, not [0]"),
    (
        max_pool_over_places_and_channels,
        ValueError,
        "max_pool goes over places, or over groups of channels with a stride of their size: wanted ksize and strides [1, 1, 1, 3], not [1, 2, 1, 3] and [1, 1, 1, 3], declared at {line}",
    ),
    (
        max_pool_over_too_many_channels,
        ValueError,
        "max_pool: the depth window 4 must evenly divide the input depth 6: BroadcastTo 'x' (declared at {line}) has f32[1,2,2,6]",
    ),
    (
        bits_of_text,
        TypeError,
        "Bitcast 'bits': cannot take the bits of string[] as int32; wanted float32, float64 or whole numbers, declared at {line}",
    ),
    (
        bits_that_are_too_many,
        ValueError,
        "bitcast: the last axis of BroadcastTo 'x' (declared at {line}) must hold 4 numbers, for one of 4 bytes; it has u8[2,3]",
    ),
    (
        shapes_that_do_not_broadcast,
        tf.errors.InvalidArgumentError,
        "BroadcastArgs 'BroadcastArgs/Assert' (declared at {line}): Incompatible shapes: [2 3 5] and [1 4 5]",
    ),
    (
        layer_of_a_scalar,
        ValueError,
        "The last dimension of the inputs to `Dense` should be defined. Found `None`: 'dense' got (). Declared at {line}",
    ),
    (
        layer_of_a_wrong_rank,
        ValueError,
        "Input 0 of layer conv2d is incompatible with the layer: expected ndim=4, found ndim=2. Full shape received: (?, 5), declared at {line}",
    ),
    (
        settings_of_a_layer,
        ValueError,
        "The `kernel_size` argument must be a tuple of 2 integers. Received: [3, 3, 3], declared at {line}",
    ),
    (
        settings_of_a_layer_as_a_class,
        ValueError,
        "dense: units must be a whole number of at least 1, not 'ten', declared at {line}",
    ),
    (
        layer_of_whole_numbers,
        TypeError,
        "MatMul 'dense/MatMul': inputs have different dtypes: i32[?,3] and f32[3,3]; convert one with tf.cast, declared at {line}",
    ),
    (
        rate_of_dropout,
        ValueError,
        "dropout: keep_prob must be a scalar tensor or a float in the range (0, 1], got 1.5, declared at {line}",
    ),
    (
        loss_of_other_shapes,
        ValueError,
        "mean_squared_error: labels and predictions have shapes (3, 4) and (?, 5); wanted equal shapes, declared at {line}",
    ),
    (
        weights_of_a_loss,
        ValueError,
        "compute_weighted_loss: weights can not be broadcast to values. values shape=(3, 4). weights shape=(2,). Declared at {line}",
    ),
    (
        labels_of_one_number_each,
        ValueError,
        "sparse_softmax_cross_entropy_with_logits: Rank mismatch: Rank of labels (received 2) should equal rank of logits minus 1 (received 2). Declared at {line}",
    ),
    (
        cross_entropy_without_names,
        ValueError,
        "Only call `softmax_cross_entropy_with_logits` with named arguments (labels=..., logits=..., ...), declared at {line}",
    ),
    (
        state_of_a_cell,
        TypeError,
        "dynamic_rnn: initial_state of LSTMCell must be 2 tensors in the structure of its state_size LSTMStateTuple(c=4, h=4), not <tf.Tensor 'zeros_1:0' shape=(2, 4) dtype=float32>, declared at {line}",
    ),
    (
        neither_state_nor_dtype,
        ValueError,
        "dynamic_rnn: If there is no initial_state, you must give a dtype. Declared at {line}",
    ),
    (
        one_tensor_for_all_steps,
        TypeError,
        "static_rnn: inputs must be a sequence of tensors, one for each step, not <tf.Tensor 'x:0' shape=(2, 3, 4) dtype=float32>; see tf.unstack, declared at {line}",
    ),
    (
        lengths_of_sequences,
        ValueError,
        "Assert: sequence_length has 3 lengths for 2 sequences: the inputs are f32[2,3,4], declared at {line}",
    ),
    (nothing_to_train, ValueError, "No variables to optimize. Declared at {line}"),
    (no_loss, TypeError, "AdamOptimizer.minimize: loss must be a tensor, not None, declared at {line}"),
    (
        no_gradient,
        ValueError,
        'No gradients provided for any variable, check your graph for ops that do not support gradients, between variables ["<tf.Variable \'v:0\' shape=(2,) dtype=float32>"] and loss Tensor("Sum:0", shape=(), dtype=float32). Declared at {line}',
    ),
    (
        training_of_what_is_no_variable,
        TypeError,
        'Argument is not a variable: Tensor("Const:0", shape=(), dtype=float32), declared at {line}',
    ),
    (
        loading_a_wrong_shape,
        ValueError,
        "Cannot load value of shape (3,) for variable 'v:0', which has shape '(2,)' (VariableV2 'v' (declared at {line}))",
    ),
    (
        loading_text,
        ValueError,
        "Cannot load ['a', 'b'] for variable 'v:0' of type f32[2]: text that is no number (VariableV2 'v' (declared at {line}))",
    ),
    (
        variable_without_a_shape,
        ValueError,
        "Shape of a new variable (v) must be fully defined, but instead was <unknown>. Declared at {line}",
    ),
    (
        branches_that_differ,
        ValueError,
        "Outputs of true_fn and false_fn must have the same type: int32, float32, declared at {line}",
    ),
    (
        axis_of_a_mean,
        ValueError,
        "reduce_mean: Sum of 'x:0' (f32[?,5]): Invalid reduction dimension 2 for input with 2 dimensions; wanted a whole number in [-2, 2), declared at {line}",
    ),
    (
        depth_of_fractions,
        TypeError,
        "the input of one_hot has type f32[1]; wanted one of int32, int64, uint8, int8, int16, uint16, uint32, uint64, declared at {line}",
    ),
    (
        boundaries_and_values,
        ValueError,
        "piecewise_constant: The length of boundaries should be 1 less than the length of values; they are 2 and 2, declared at {line}",
    ),
    (
        summary_of_a_vector,
        ValueError,
        "tf.summary.scalar 'loss': wanted a scalar, but zeros:0 is f32[3], declared at {line}",
    ),
    (
        rows_of_other_counts,
        ValueError,
        "from_tensor_slices: the first axes differ: f64[3], f64[4], declared at {line}",
    ),
    (
        more_than_there_are,
        ValueError,
        "top_k of Placeholder 'x' (declared at {x}): input must have last dimension >= k = 9 but is f32[?,5], declared at {line}",
    ),
    (
        axes_of_an_einsum,
        ValueError,
        "einsum 'ijk->ik': 'ijk' does not fit Placeholder 'x' (declared at {x}), which is f32[?,5], declared at {line}",
    ),
    (axis_of_fractions, TypeError, "reduce_sum: sizes and axes are whole numbers, not 1.5, declared at {line}"),
    (axis_of_text, TypeError, "reduce_sum: sizes and axes are whole numbers, not 'rows', declared at {line}"),
    (saver_of_nothing, ValueError, "No variables to save, declared at {line}"),
    (entries_without_places, ValueError, "a SparseTensor has 1 indices, but 2 values, declared at {line}"),
    (dependencies_on_a_number, TypeError, "control_dependencies: 'int' object is not iterable, declared at {line}"),
    (
        dependencies_on_numbers,
        TypeError,
        "control_dependencies: Can not convert a int into a Tensor or Operation. Declared at {line}",
    ),
    (names_with_spaces, ValueError, "'a b' is not a valid scope name, declared at {line}"),
    (
        variables_of_no_scope,
        TypeError,
        "If default_name is None then name_or_scope is required, declared at {line}",
    ),
    (mistake_of_the_users_own, ValueError, "not mine"),
]


@pytest.mark.parametrize(("case", "kind", "text"), CASES, ids=[case.__name__ for case, _, _ in CASES])
def test_the_whole_text(case, kind, text):
    lines, first = inspect.getsourcelines(case)
    line = next((first + n for n, code in enumerate(lines) if code.rstrip().endswith("# here")), None)
    with tf.Graph().as_default(), pytest.raises(kind) as caught:
        case()
    assert type(caught.value) is kind
    text = text.replace("{x}", f"test_wrong_uses.py:{_x.__code__.co_firstlineno + 1}")
    assert str(caught.value) == text.replace("{line}", f"test_wrong_uses.py:{line}")
