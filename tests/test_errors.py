# ruff: noqa: E501
"""What bad input gets: the class and the whole text of each error, with the line of the user's file.

In an expected text, ``{line}`` stands for the line of the case that ends in ``# here``.
"""

import inspect

import numpy as np
import pytest

import graphc as tf


def _graph():
    x = tf.placeholder(tf.float32, [None, 3], name="x")  # a line of this helper is named by texts about x
    return x, x * 2, tf.Session()


X_LINE = inspect.getsourcelines(_graph)[1] + 1
X = f"(Placeholder 'x' (declared at test_errors.py:{X_LINE}))"
HERE = f"a graph of 3 operations, the first of them {X[1:-1]}"


def inner_sizes():
    x = tf.placeholder(tf.float32, [32, 784], name="x")
    tf.matmul(x, tf.zeros([512, 10]), name="logits")  # here


def dtypes_differ():
    x, y = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.int32, [3])
    x + y  # here


def shapes_differ():
    x, y = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [4])
    tf.add(x, y, name="sum")  # here


def reshape_count():
    tf.reshape(tf.zeros([2, 3]), [4, 2], name="table")  # here


def assign_shape():
    w = tf.Variable([1.0, 2.0])
    tf.assign(w, [1.0, 2.0, 3.0])  # here


def too_many_values():
    tf.constant([1, 2, 3, 4, 5], shape=[2, 2])  # here


def tensor_as_bool():
    if tf.placeholder(tf.float32, [3], name="x"):
        pass


def tensor_iterated():
    list(tf.placeholder(tf.float32, [3], name="x"))


def graph_finalized():
    tf.get_default_graph().finalize()
    tf.constant(1)


def fetch_of_nothing():
    _graph()[2].run(None)


def fetch_of_a_number():
    _graph()[2].run(3)


def fetch_of_an_unknown_name():
    _graph()[2].run("foo:0")


def fetch_from_another_graph():
    session = _graph()[2]
    with tf.Graph().as_default():
        other = tf.constant(1.0)  # here
    session.run(other)


def operation_of_another_graph():
    session = _graph()[2]
    with tf.Graph().as_default():
        other = tf.no_op()  # here
    session.run(other)


def missing_feed():
    _, y, session = _graph()
    session.run(y)


def feed_of_wrong_shape():
    x, y, session = _graph()
    session.run(y, {x: np.zeros((2, 4))})


def feed_of_text():
    x, y, session = _graph()
    session.run(y, {x: "abc"})


def feed_of_ragged_rows():
    x, y, session = _graph()
    session.run(y, {x: [[1, 2, 3], [1, 2]]})


def feed_of_complex():
    x, y, session = _graph()
    session.run(y, {x: np.zeros((2, 3), complex)})


def feed_of_a_tensor():
    x, y, session = _graph()
    session.run(y, {x: tf.zeros([2, 3])})


def feed_of_fractions_for_whole_numbers():
    n = tf.placeholder(tf.int32, [2], name="n")  # here
    tf.Session().run(n * 2, {n: [1.5, 2]})


def feed_beyond_the_range():
    n = tf.placeholder(tf.int32, [2], name="n")  # here
    tf.Session().run(n * 2, {n: np.array([2**40, 2])})


def feed_for_an_unknown_name():
    _, y, session = _graph()
    session.run(y, {"nope:0": 1})


def feed_for_a_number():
    _, y, session = _graph()
    session.run(y, {3: 1})


def feed_for_another_graph():
    _, y, session = _graph()
    with tf.Graph().as_default():
        other = tf.placeholder(tf.float32, [1])  # here
    session.run(y, {other: [1]})


def one_tensor_fed_under_two_keys():
    x = tf.placeholder(tf.float32, [2], name="x")  # here
    tf.Session().run(x + 1, {x: [1, 2], "x:0": [3, 4]})


def learning_rate_of_text():
    tf.train.GradientDescentOptimizer("fast").minimize(tf.get_variable("w", []) * 2)  # here


def feeds_not_in_a_dictionary():
    _, y, session = _graph()
    session.run(y, [1])


def uninitialised_variable():
    w = tf.Variable([1.0], name="w")  # here
    tf.Session().run(w * 2)


def closed_session():
    x, y, session = _graph()
    session.close()
    session.run(y, {x: np.zeros((1, 3))})


def empty_graph():
    tf.Session().run([])


def sizes_that_do_not_meet():
    x, y = tf.placeholder(tf.float32, [None], name="x"), tf.placeholder(tf.float32, [None], name="y")
    total = tf.add(x, y, name="total")  # here
    tf.Session().run(total, {x: np.zeros(3), y: np.zeros(4)})


def whole_number_over_zero():
    x, d = tf.placeholder(tf.int32, [3]), tf.placeholder(tf.int32, [3], name="divisors")
    quotient = tf.floordiv(x, d, name="quotient")  # here
    tf.Session().run(quotient, {x: [1, 2, 3], d: [1, 0, 1]})


def gather_outside():
    table = tf.placeholder(tf.float32, [5, 2], name="table")
    rows = tf.placeholder(tf.int32, [3], name="rows")
    taken = tf.gather(table, rows, name="taken")  # here
    tf.Session().run(taken, {table: np.zeros((5, 2)), rows: [0, 5, 2]})


def more_memory_than_there_is():
    tf.Variable(tf.zeros([10**6, 10**6]), name="table")  # here
    tf.Session().run(tf.global_variables_initializer())


def more_memory_than_there_is_for_a_value():
    n = tf.placeholder(tf.int64, [])
    x = tf.random_uniform([n, n], name="x")  # here
    tf.Session().run(tf.reduce_max(x @ x), {n: 10**7})


def more_memory_than_there_is_for_a_fetch():
    ones = tf.fill([2**40, 4], tf.placeholder(tf.float32, [], name="one"), name="ones")  # here
    tf.Session().run(ones, {"one:0": 1})


def more_elements_than_can_be_counted():
    ones = tf.fill([2**62, 4], tf.placeholder(tf.float32, [], name="one"), name="ones")  # here
    tf.Session().run(ones, {"one:0": 1})


def a_size_beyond_all_numbers():
    tf.zeros([10**30])  # here


def a_placeholder_beyond_all_numbers():
    tf.placeholder(tf.float32, [None, 2**64])  # here


def a_constant_larger_than_memory():
    tf.constant(1.0, shape=[2**45])  # here


def a_negative_size():
    tf.zeros([3, -1])  # here


def a_negative_size_that_is_fed():
    n = tf.placeholder(tf.int32, [])
    filled = tf.fill([n, 3], 1.0, name="filled")  # here
    tf.Session().run(filled, {n: -2})


def random_numbers_of_a_negative_size():
    n = tf.placeholder(tf.int32, [])
    noise = tf.random_normal([n, 3], name="noise")  # here
    tf.Session().run(noise, {n: -2})


def fed_paddings_below_zero():
    n = tf.placeholder(tf.int32, [])
    padded = tf.pad(tf.zeros([4, 3]), [[n, 0], [0, 0]], name="padded")  # here
    tf.Session().run(padded, {n: -2})


def slice_of_a_fed_size():
    size = tf.placeholder(tf.int32, [2])
    part = tf.slice(tf.zeros([4, 3]), [1, 1], size, name="part")  # here
    tf.Session().run(part, {size: [9, 1]})


def slice_from_a_fed_begin():
    x, begin = tf.placeholder(tf.float32, [4, 3], name="x"), tf.placeholder(tf.int32, [2], name="begin")
    part = tf.slice(x, begin, [2, 3], name="part")  # here
    tf.Session().run(part, {x: np.zeros((4, 3)), begin: [3, 0]})


def slice_from_too_many_begins():
    x, begin = tf.placeholder(tf.float32, [4, 3], name="x"), tf.placeholder(tf.int32, [None])
    part = tf.slice(x, begin, [2, 3], name="part")  # here
    tf.Session().run(part, {x: np.zeros((4, 3)), begin: [1, 0, 0]})


def index_that_is_fed():
    x, row = tf.placeholder(tf.float32, [4, 3], name="x"), tf.placeholder(tf.int32, [])
    tf.Session().run(x[row], {x: np.zeros((4, 3)), row: 4})  # here


def index_before_the_first_that_is_fed():
    x, row = tf.placeholder(tf.float32, [4, 3], name="x"), tf.placeholder(tf.int32, [])
    part = x[row]  # here
    tf.Session().run(part, {x: np.zeros((4, 3)), row: -9})


def constant_index_outside():
    for n in range(3):  # other constants, of which equal ones become one node
        tf.constant([9 - n])
    x = tf.placeholder(tf.float32, [4, 3], name="x")
    taken = tf.gather(x, tf.constant([0, 9], name="rows"), name="taken")  # here
    tf.Session().run([taken, tf.constant([0, 9])], {x: np.zeros((4, 3))})


def whole_number_to_a_negative_power():
    exponents = tf.placeholder(tf.int32, [3], name="exponents")
    power = tf.pow(2, exponents, name="power")  # here
    tf.Session().run(power, {exponents: [1, -2, -3]})


def constant_negative_power():
    power = tf.pow(tf.placeholder(tf.int64, [1], name="x"), tf.constant([-1], tf.int64), name="power")  # here
    tf.Session().run(power, {"x:0": [2]})


def negative_depth_that_is_fed():
    depth = tf.placeholder(tf.int32, [])
    rows = tf.one_hot([1, 2], depth)  # here
    tf.Session().run(rows, {depth: -3})


def _train_on(rows, ids, wrong):
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    train = optimizer.minimize(tf.reduce_sum(rows))
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    session.run(train, {ids: [0, 4]})
    session.run(train, {ids: wrong})


def id_that_is_no_row_while_training():
    table, ids = tf.get_variable("table", [5, 2]), tf.placeholder(tf.int32, [2], name="ids")
    rows = tf.nn.embedding_lookup(table, ids, name="rows")  # here
    _train_on(rows, ids, [1, 5])


def negative_id_while_training():
    table, ids = tf.get_variable("table", [5, 2]), tf.placeholder(tf.int32, [2], name="ids")
    rows = tf.gather(table, ids, name="rows")  # here
    _train_on(rows, ids, [1, -1])


def label_that_is_no_class():
    logits, labels = tf.placeholder(tf.float32, [2, 10]), tf.placeholder(tf.int32, [2], name="labels")
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="loss")  # here
    tf.Session().run(loss, {logits: np.zeros((2, 10)), labels: [0, 10]})


def concat_with_the_axis_first():
    tf.concat(1, [tf.zeros([2, 3]), tf.zeros([2, 3])])  # here


def operation_in_place_of_a_tensor():
    x, _, _ = _graph()
    x.graph.get_tensor_by_name("x")


def feed_of_too_few_for_a_tuple():
    x, y, session = _graph()
    session.run(y, {(x, y): [1.0]})


CASES = [
    (concat_with_the_axis_first, TypeError, "concat takes the tensors first and the axis second: tf.concat(values, axis), declared at {line}"),
    (operation_in_place_of_a_tensor, ValueError, "The name 'x' refers to an Operation, not a Tensor. Tensor names must be of the form \"<op_name>:<output_index>\", such as \"x:0\"."),
    (feed_of_too_few_for_a_tuple, ValueError, "Cannot feed [1.0] for (<tf.Tensor 'x:0' shape=(?, 3) dtype=float32>, <tf.Tensor 'mul:0' shape=(?, 3) dtype=float32>), which takes 2 arrays; wanted a tuple of them"),
    (inner_sizes, ValueError, "MatMul 'logits': inner sizes differ: f32[32,784] @ f32[512,10] (784 and 512), declared at {line}"),
    (dtypes_differ, TypeError, "Add 'add': inputs have different dtypes: f32[3] and i32[3]; convert one with tf.cast, declared at {line}"),
    (shapes_differ, ValueError, "Add 'sum': sizes 3 and 4 do not broadcast in shapes [3] and [4], declared at {line}"),
    (reshape_count, ValueError, "Reshape 'table': cannot reshape [2,3] with 6 elements to [4,2] with 8 elements, declared at {line}"),
    (assign_shape, ValueError, "cannot assign f32[3] to variable 'Variable' of type f32[2], declared at {line}"),
    (too_many_values, ValueError, "Too many elements provided. Needed at most 4 for the shape [2,2] of a constant, but received 5, declared at {line}"),
    (tensor_as_bool, TypeError, "Using a `tf.Tensor` ('x:0') as a Python `bool` is not allowed: its value exists only when the graph runs. Use `if t is not None:` to test whether it is defined, and tf.cond or tf.where to choose by its value."),
    (tensor_iterated, TypeError, "Tensor 'x:0' is not iterable; use tf.unstack to take it apart"),
    (graph_finalized, RuntimeError, "Graph is finalized and cannot be modified."),
    (fetch_of_nothing, TypeError, "Fetch argument None has invalid type <class 'NoneType'>; wanted a Tensor, Operation or name. (tf.gradients gives None for what its ys do not depend on.)"),
    (fetch_of_a_number, TypeError, "Fetch argument 3 has invalid type <class 'int'>, must be a string or Tensor. (Can not convert a int into a Tensor or Operation.)"),
    (fetch_of_an_unknown_name, ValueError, "Fetch argument 'foo:0' cannot be interpreted as a Tensor. (The name 'foo:0' refers to a Tensor which does not exist. The operation, 'foo', does not exist in the graph.)"),
    (fetch_from_another_graph, ValueError, f"Fetch argument <tf.Tensor 'Const:0' shape=() dtype=float32> cannot be interpreted as a Tensor. (Tensor Tensor(\"Const:0\", shape=(), dtype=float32) is not an element of this graph: Const 'Const' (declared at {{line}}) is in a graph of 1 operation, which is Const 'Const' (declared at {{line}}); this is {HERE})"),
    (missing_feed, tf.errors.InvalidArgumentError, f"You must feed a value for placeholder tensor 'x' with dtype float32 and shape [?,3] {X}"),
    (feed_of_wrong_shape, ValueError, f"Cannot feed value of shape (2, 4) for Tensor 'x:0', which has shape '(?, 3)' {X}"),
    (feed_of_text, ValueError, f"Cannot feed 'abc' for Tensor 'x:0' of type f32[?,3]: text that is no number {X}"),
    (feed_of_ragged_rows, ValueError, f"Cannot feed [[1, 2, 3], [1, 2]] for Tensor 'x:0' of type f32[?,3]: Argument must be a dense array: [[1, 2, 3], [1, 2]] has rows of different lengths {X}"),
    (feed_of_complex, TypeError, f"Cannot feed an array of complex128 and shape (2, 3) for Tensor 'x:0' of type f32[?,3]: complex128 is no dtype of real numbers {X}"),
    (feed_of_a_tensor, TypeError, "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, lists, numpy ndarrays. The feed for Tensor 'x:0' was <tf.Tensor 'zeros:0' shape=(2, 3) dtype=float32>."),
    (feed_of_fractions_for_whole_numbers, TypeError, "Cannot feed [1.5, 2] for Tensor 'n:0' of type i32[2]: 1.5 at position [0] is not a whole number (Placeholder 'n' (declared at {line}))"),
    (feed_beyond_the_range, TypeError, "Cannot feed an array of int64 and shape (2,) for Tensor 'n:0' of type i32[2]: 1099511627776 at position [0] is outside the range of int32 (Placeholder 'n' (declared at {line}))"),
    (feed_for_an_unknown_name, TypeError, "Cannot interpret feed_dict key as Tensor: The name 'nope:0' refers to a Tensor which does not exist. The operation, 'nope', does not exist in the graph."),
    (feed_for_a_number, TypeError, "Cannot interpret feed_dict key as Tensor: Can not convert a int into a Tensor."),
    (feed_for_another_graph, TypeError, f"Cannot interpret feed_dict key as Tensor: Tensor Tensor(\"Placeholder:0\", shape=(1,), dtype=float32) is not an element of this graph: Placeholder 'Placeholder' (declared at {{line}}) is in a graph of 1 operation, which is Placeholder 'Placeholder' (declared at {{line}}); this is {HERE}"),
    (operation_of_another_graph, ValueError, f"Fetch argument <tf.Operation 'NoOp' type=NoOp> cannot be interpreted as a Tensor. (Operation 'NoOp' is not an element of this graph: NoOp 'NoOp' (declared at {{line}}) is in a graph of 1 operation, which is NoOp 'NoOp' (declared at {{line}}); this is {HERE})"),
    (one_tensor_fed_under_two_keys, ValueError, "Tensor 'x:0' is fed twice, under two keys (Placeholder 'x' (declared at {line}))"),
    (learning_rate_of_text, TypeError, "Cast 'GradientDescent/update_w/Cast': cannot convert string[] to float32; tf.string_to_number and tf.as_string go between strings and numbers, declared at {line}"),
    (feeds_not_in_a_dictionary, TypeError, "feed_dict must be a dictionary, not list"),
    (uninitialised_variable, tf.errors.FailedPreconditionError, "Attempting to use uninitialized value w (VariableV2 'w' (declared at {line})); run its initializer first, for example tf.global_variables_initializer()"),
    (closed_session, RuntimeError, "Attempted to use a closed Session."),
    (empty_graph, RuntimeError, "The Session graph is empty. Add operations to the graph before calling run()."),
    (sizes_that_do_not_meet, tf.errors.InvalidArgumentError, "Add 'total' (declared at {line}): sizes 3 and 4 do not broadcast in shapes [3] and [4]"),
    (whole_number_over_zero, tf.errors.InvalidArgumentError, "FloorDiv 'quotient' (declared at {line}): a whole number is divided by zero: divisors[1] = 0"),
    (gather_outside, tf.errors.InvalidArgumentError, "GatherV2 'taken' (declared at {line}): an index in rows is not in [0, 5), the positions of table f32[5,2]: rows[1] = 5"),
    (more_memory_than_there_is, tf.errors.ResourceExhaustedError, "cannot allocate 4000000000000 bytes for VariableV2 'table' (declared at {line})"),
    (more_memory_than_there_is_for_a_value, tf.errors.ResourceExhaustedError, "cannot allocate 800000000000000 bytes for a step's values; the largest, f32[10000000,10000000], is computed for 'x' (declared at {line})"),
    (more_memory_than_there_is_for_a_fetch, tf.errors.ResourceExhaustedError, "cannot allocate 17592186044416 bytes for a value that is fetched; the largest, f32[1099511627776,4], is computed for 'ones' (declared at {line})"),
    (more_elements_than_can_be_counted, tf.errors.ResourceExhaustedError, "cannot allocate 73786976294838206464 bytes for a value of type f32[4611686018427387904,4], of BroadcastTo 'ones' (declared at {line})"),
    (a_size_beyond_all_numbers, ValueError, "zeros: a size must be below 2**63, not 1000000000000000000000000000000, declared at {line}"),
    (a_placeholder_beyond_all_numbers, ValueError, "placeholder: a size must be below 2**63, not 18446744073709551616, declared at {line}"),
    (a_constant_larger_than_memory, ValueError, "a constant of shape [35184372088832] takes 140737488355328 bytes, more than there is; tf.fill makes one value's copies when the graph runs, declared at {line}"),
    (a_negative_size, ValueError, "zeros: a size must be at least 0, not -1; write None for an unknown size, declared at {line}"),
    (a_negative_size_that_is_fed, tf.errors.InvalidArgumentError, "BroadcastTo 'filled' (declared at {line}): sizes must be at least 0, not [-2, 3]"),
    (random_numbers_of_a_negative_size, tf.errors.InvalidArgumentError, "RandomStandardNormal 'noise' (declared at {line}): sizes must be at least 0, not [-2, 3]"),
    (fed_paddings_below_zero, tf.errors.InvalidArgumentError, "PadV2 'padded' (declared at {line}): sizes must be at least 0, not [-2, 0, 0, 0]"),
    (slice_of_a_fed_size, tf.errors.InvalidArgumentError, "Slice 'part' (declared at {line}): begin [1, 1] and size [9, 1] reach outside the shape [4,3]"),
    (slice_from_a_fed_begin, tf.errors.InvalidArgumentError, "Slice 'part' (declared at {line}): begin [3, 0] and size [2, 3] reach outside the shape [4,3]"),
    (slice_from_too_many_begins, tf.errors.InvalidArgumentError, "Slice 'part' (declared at {line}): begin has 3 entries for an input of 2 axes"),
    (index_that_is_fed, tf.errors.InvalidArgumentError, "StridedSlice 'strided_slice' (declared at {line}): a position along axis 0 of x f32[4,3] is not in [0, 4): 4"),
    (label_that_is_no_class, tf.errors.InvalidArgumentError, "CheckLabels 'loss/CheckLabels' (declared at {line}): a label in labels is outside the valid range of [0, 10): labels[1] = 10"),
    (index_before_the_first_that_is_fed, tf.errors.InvalidArgumentError, "StridedSlice 'strided_slice' (declared at {line}): a position along axis 0 of x f32[4,3] is not in [0, 4): -9"),
    (constant_index_outside, tf.errors.InvalidArgumentError, "GatherV2 'taken' (declared at {line}): an index in rows is not in [0, 4), the positions of x f32[4,3]: rows[1] = 9"),
    (whole_number_to_a_negative_power, tf.errors.InvalidArgumentError, "Pow 'power' (declared at {line}): Integers to negative integer powers are not allowed: exponents[1] = -2"),
    (constant_negative_power, tf.errors.InvalidArgumentError, "Pow 'power' (declared at {line}): Integers to negative integer powers are not allowed: Const[0] = -1"),
    (negative_depth_that_is_fed, tf.errors.InvalidArgumentError, "NotNegative 'one_hot/NotNegative' (declared at {line}): one_hot needs a depth of at least 0, not -3"),
    (id_that_is_no_row_while_training, tf.errors.InvalidArgumentError, "GatherV2 'rows' (declared at {line}): an index in ids is not in [0, 5), the positions of table/read f32[5,2]: ids[1] = 5"),
    (negative_id_while_training, tf.errors.InvalidArgumentError, "GatherV2 'rows' (declared at {line}): an index in ids is not in [0, 5), the positions of table/read f32[5,2]: ids[1] = -1"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "kind", "text"), CASES, ids=[case.__name__ for case, _, _ in CASES])
def test_the_whole_text(case, kind, text):
    with tf.Graph().as_default(), pytest.raises(kind) as caught:
        case()
    assert type(caught.value) is kind
    assert str(caught.value) == text.replace("{line}", _line_of(case))


def _line_of(case):
    lines, first = inspect.getsourcelines(case)
    marked = [first + n for n, line in enumerate(lines) if line.rstrip().endswith("# here")]
    return f"test_errors.py:{marked[0]}" if marked else ""


def test_a_step_that_fails_leaves_the_variables_as_they_were():
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable([1.0, 2.0])
        n = tf.placeholder(tf.int32, [])
        update = tf.assign(w, w + 5.0 + tf.cast(4 // n, tf.float32))
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(update, {n: 0})
        np.testing.assert_array_equal(session.run(w), [1, 2])
        np.testing.assert_array_equal(session.run(update, {n: 2}), [8, 9])


def test_a_step_that_fails_in_its_last_kernel_leaves_all_variables_as_they_were():
    with tf.Graph().as_default(), tf.Session() as session:
        table, steps = tf.Variable(np.ones((4, 3), np.float32)), tf.Variable([1.0])
        rows = tf.placeholder(tf.int32, [4])
        updates = [tf.assign(table, tf.gather(table * 2.0, rows)), tf.assign_add(steps, [1.0])]
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(updates, {rows: [0, 1, 2, 9]})
        np.testing.assert_array_equal(session.run(table), np.ones((4, 3)))
        np.testing.assert_array_equal(session.run(steps), [1])
        session.run(updates, {rows: [0, 1, 2, 3]})
        np.testing.assert_array_equal(session.run(table), np.full((4, 3), 2))
        np.testing.assert_array_equal(session.run(steps), [2])


def test_errors_know_their_operation_and_their_code():
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(1.0, name="w")
        with pytest.raises(tf.errors.FailedPreconditionError) as caught:
            session.run(w)
        assert caught.value.op.name == "w"
        assert caught.value.error_code == 9
        assert isinstance(caught.value, tf.errors.OpError)


def test_a_lookup_that_fails_in_training_is_the_users_operation_and_changes_nothing():
    with tf.Graph().as_default(), tf.Session() as session:
        table, ids = tf.get_variable("table", [5, 2]), tf.placeholder(tf.int32, [2])
        rows = tf.nn.embedding_lookup(table, ids, name="rows")
        loss = tf.reduce_sum(rows)
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        session.run(tf.global_variables_initializer())
        before = session.run(tf.global_variables())
        for wrong in ([1, -1], [-5, 0], [5, 1]):
            for fetches in (train, [train, loss]):
                with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                    session.run(fetches, {ids: wrong})
                assert caught.value.op is rows.op
                assert caught.value.node_def is rows.op
        for old, new in zip(before, session.run(tf.global_variables()), strict=True):
            np.testing.assert_array_equal(old, new)


def test_an_index_that_takes_long_to_compute_again_is_told_without_its_value():
    with tf.Graph().as_default(), tf.Session() as session:
        index = start = tf.placeholder(tf.int32, [])
        for _ in range(300):
            index = index + 1
        taken = tf.gather(tf.zeros([4]), index, name="taken")
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(taken, {start: 0})
        assert str(caught.value).endswith("is not in [0, 4), the positions of zeros f32[4]")


@pytest.mark.parametrize("digits", [400, 9000])
def test_a_great_whole_number_is_told_by_its_size(digits: int) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        with pytest.raises(TypeError, match=r"^Cannot feed a whole number of \d+ bits for Tensor 'Placeholder:0'"):
            session.run(x + 1.0, {x: 10**digits})
