"""Every identity on a small graph: what it becomes, with the same values, and nothing more to do afterwards."""

import pytest

import graphc as tf
from graphc.graph import Graph
from graphc.passes.simplify import simplify
from graphc.passes.simplify_arithmetic import ARITHMETIC
from graphc.passes.simplify_products import PRODUCTS
from graphc.passes.simplify_reductions import REDUCTIONS
from graphc.passes.simplify_views import VIEWS
from tests.passes.printed import built, check_same_values, printed

CASES = [
    ("x * 1.0", {"x": "float32 3"}, ["return x"]),
    ("1.0 * x", {"x": "float32 3"}, ["return x"]),
    ("x * tf.ones([2, 3])", {"x": "float32 3"}, ["mul: f32[2,3] = BroadcastTo(x, shape=[2,3])", "return mul"]),
    ("x + 0.0", {"x": "float32 3"}, ["Const: f32[] = Const(value=0.)", "add: f32[3] = Add(x, Const)", "return add"]),
    ("x + 0", {"x": "int32 3"}, ["return x"]),
    ("x - 0.0", {"x": "float32 3"}, ["return x"]),
    ("x / 1.0", {"x": "float32 3"}, ["return x"]),
    (
        "x / 4.0",
        {"x": "float32 3"},
        ["truediv: f32[] = Const(value=0.25)", "truediv_1: f32[3] = Mul(x, truediv)", "return truediv_1"],
    ),
    (
        "x / 3.0",
        {"x": "float32 3"},
        ["Const: f32[] = Const(value=3.)", "truediv: f32[3] = RealDiv(x, Const)", "return truediv"],
    ),
    ("1.0 / x", {"x": "float32 3"}, ["truediv: f32[3] = Reciprocal(x)", "return truediv"]),
    ("x * 0.0", {"x": "float32 3"}, ["Const: f32[] = Const(value=0.)", "mul: f32[3] = Mul(x, Const)", "return mul"]),
    (
        "x * 0",
        {"x": "int32 3"},
        ["Const: i32[] = Const(value=0)", "mul: i32[3] = BroadcastTo(Const, shape=[3])", "return mul"],
    ),
    ("x * -1.0", {"x": "float32 3"}, ["mul: f32[3] = Neg(x)", "return mul"]),
    (
        "0.5 * x * 3.0",
        {"x": "float32 3"},
        ["mul_1: f32[] = Const(value=1.5)", "mul_1_1: f32[3] = Mul(x, mul_1)", "return mul_1_1"],
    ),
    (
        "3.0 * x * 3.0",
        {"x": "float32 3"},
        [
            "Const: f32[] = Const(value=3.)",
            "mul: f32[3] = Mul(x, Const)",
            "Const_1: f32[] = Const(value=3.)",
            "mul_1: f32[3] = Mul(mul, Const_1)",
            "return mul_1",
        ],
    ),
    ("x * x", {"x": "float32 3"}, ["mul: f32[3] = Square(x)", "return mul"]),
    ("x + x", {"x": "float32 3"}, ["add: f32[] = Const(value=2.)", "add_1: f32[3] = Mul(x, add)", "return add_1"]),
    (
        "x - x",
        {"x": "int32 3"},
        ["sub: i32[] = Const(value=0)", "sub_1: i32[3] = BroadcastTo(sub, shape=[3])", "return sub_1"],
    ),
    ("x - x", {"x": "float32 3"}, ["sub: f32[3] = Sub(x, x)", "return sub"]),
    (
        "x ** 0.0",
        {"x": "float32 3"},
        ["pow: f32[] = Const(value=1.)", "pow_1: f32[3] = BroadcastTo(pow, shape=[3])", "return pow_1"],
    ),
    ("x ** 1.0", {"x": "float32 3"}, ["return x"]),
    ("x ** 2.0", {"x": "float32 3"}, ["pow: f32[3] = Square(x)", "return pow"]),
    ("x ** 3.0", {"x": "float32 3"}, ["pow: f32[3] = Square(x)", "pow_1: f32[3] = Mul(x, pow)", "return pow_1"]),
    ("tf.abs(x) ** 0.5", {"x": "float32 3"}, ["Abs: f32[3] = Abs(x)", "pow: f32[3] = Sqrt(Abs)", "return pow"]),
    ("x ** -1.0", {"x": "float32 3"}, ["pow: f32[3] = Reciprocal(x)", "return pow"]),
    ("-(-x)", {"x": "float32 3"}, ["return x"]),
    ("x + -y", {"x": "float32 3", "y": "float32 3"}, ["add: f32[3] = Sub(x, y)", "return add"]),
    ("x - -y", {"x": "float32 3", "y": "float32 3"}, ["sub: f32[3] = Add(x, y)", "return sub"]),
    ("-x + y", {"x": "float32 3", "y": "float32 3"}, ["add: f32[3] = Sub(y, x)", "return add"]),
    ("-x * -y", {"x": "float32 3", "y": "float32 3"}, ["mul: f32[3] = Mul(x, y)", "return mul"]),
    ("-(x - y)", {"x": "int32 3", "y": "int32 3"}, ["Neg: i32[3] = Sub(y, x)", "return Neg"]),
    (
        "-(x - y)",
        {"x": "float32 3", "y": "float32 3"},
        ["sub: f32[3] = Sub(x, y)", "Neg: f32[3] = Neg(sub)", "return Neg"],
    ),
    ("tf.nn.relu(tf.nn.relu(x))", {"x": "float32 3"}, ["Relu: f32[3] = Relu(x)", "return Relu"]),
    ("tf.square(-x)", {"x": "float32 3"}, ["Square: f32[3] = Square(x)", "return Square"]),
    ("tf.maximum(x, x)", {"x": "float32 3"}, ["return x"]),
    (
        "tf.less(x, x)",
        {"x": "float32 3"},
        ["Less: bool[] = Const(value=False)", "Less_1: bool[3] = BroadcastTo(Less, shape=[3])", "return Less_1"],
    ),
    ("tf.equal(x, x)", {"x": "float32 3"}, ["Equal: bool[3] = Equal(x, x)", "return Equal"]),
    (
        "tf.equal(x, x)",
        {"x": "int32 3"},
        ["Equal: bool[] = Const(value=True)", "Equal_1: bool[3] = BroadcastTo(Equal, shape=[3])", "return Equal_1"],
    ),
    ("tf.logical_not(tf.logical_not(x))", {"x": "bool 3"}, ["return x"]),
    ("tf.logical_and(x, True)", {"x": "bool 3"}, ["return x"]),
    (
        "tf.logical_or(x, [True, True, True])",
        {"x": "bool 3"},
        ["Const: bool[] = Const(value=True)", "LogicalOr: bool[3] = BroadcastTo(Const, shape=[3])", "return LogicalOr"],
    ),
    (
        "tf.logical_not(tf.less(x, 2))",
        {"x": "int32 3"},
        ["Const: i32[] = Const(value=2)", "LogicalNot: bool[3] = GreaterEqual(x, Const)", "return LogicalNot"],
    ),
    (
        "tf.logical_not(tf.less(x, 2.0))",
        {"x": "float32 3"},
        [
            "Const: f32[] = Const(value=2.)",
            "Less: bool[3] = Less(x, Const)",
            "LogicalNot: bool[3] = LogicalNot(Less)",
            "return LogicalNot",
        ],
    ),
    ("tf.where(x, x, x)", {"x": "bool 3"}, ["return x"]),
    (
        "tf.where(tf.logical_not(x), x, tf.logical_not(x))",
        {"x": "bool 3"},
        ["LogicalNot_1: bool[3] = LogicalNot(x)", "Select: bool[3] = Select(x, LogicalNot_1, x)", "return Select"],
    ),
    (
        "tf.cast(tf.cast(x, tf.int64), tf.float64)",
        {"x": "int32 3"},
        ["Cast_1: f64[3] = Cast(x, dtype=f64)", "return Cast_1"],
    ),
    (
        "tf.cast(tf.cast(x, tf.float32), tf.int64)",
        {"x": "int64 3"},
        ["Cast: f32[3] = Cast(x, dtype=f32)", "Cast_1: i64[3] = Cast(Cast, dtype=i64)", "return Cast_1"],
    ),
    (
        "tf.reshape(tf.reshape(x, [4, 3]), [2, 6])",
        {"x": "float32 3,4"},
        ["Reshape_1: f32[2,6] = Reshape(x, shape=[2,6])", "return Reshape_1"],
    ),
    (
        "tf.reshape(x, [3, 1, 4])",
        {"x": "float32 3,4"},
        ["Reshape: f32[3,1,4] = ExpandDims(x, axes=[1])", "return Reshape"],
    ),
    ("tf.reshape(x, [3, 4])", {"x": "float32 3,1,4"}, ["Reshape: f32[3,4] = Squeeze(x, axes=[1])", "return Reshape"]),
    (
        "tf.reshape(x, [3, 1, 4])",
        {"x": "float32 1,3,4"},
        [
            "Reshape: f32[3,4] = Squeeze(x, axes=[0])",
            "Reshape_1: f32[3,1,4] = ExpandDims(Reshape, axes=[1])",
            "return Reshape_1",
        ],
    ),
    ("tf.squeeze(tf.expand_dims(x, 1))", {"x": "float32 3,4"}, ["return x"]),
    ("tf.transpose(tf.transpose(x, [1, 2, 0]), [2, 0, 1])", {"x": "float32 2,3,4"}, ["return x"]),
    (
        "tf.transpose(tf.transpose(x, [1, 2, 0]), [1, 2, 0])",
        {"x": "float32 2,3,4"},
        ["transpose_1: f32[4,2,3] = Transpose(x, perm=[2,0,1])", "return transpose_1"],
    ),
    (
        "tf.transpose(x, [1, 0, 2])",
        {"x": "float32 3,1,4"},
        [
            "transpose: f32[3,4] = Squeeze(x, axes=[1])",
            "transpose_1: f32[1,3,4] = ExpandDims(transpose, axes=[0])",
            "return transpose_1",
        ],
    ),
    (
        "tf.broadcast_to(x, [2, 3]) + y",
        {"x": "float32 3", "y": "float32 2,3"},
        ["add: f32[2,3] = Add(x, y)", "return add"],
    ),
    (
        "tf.exp(tf.broadcast_to(x, [2, 3]))",
        {"x": "float32 3"},
        ["Exp: f32[3] = Exp(x)", "Exp_1: f32[2,3] = BroadcastTo(Exp, shape=[2,3])", "return Exp_1"],
    ),
    (
        "tf.broadcast_to(tf.broadcast_to(x, [2, 3]), [4, 2, 3])",
        {"x": "float32 3"},
        ["BroadcastTo_1: f32[4,2,3] = BroadcastTo(x, shape=[4,2,3])", "return BroadcastTo_1"],
    ),
    (
        "tf.transpose(tf.broadcast_to(x, [2, 3]))",
        {"x": "float32 3"},
        [
            "transpose_1: f32[3,1] = ExpandDims(x, axes=[1])",
            "transpose_2: f32[3,2] = BroadcastTo(transpose_1, shape=[3,2])",
            "return transpose_2",
        ],
    ),
    (
        "tf.expand_dims(tf.broadcast_to(x, [2, 3]), 2)",
        {"x": "float32 3"},
        [
            "ExpandDims_1: f32[1,3,1] = ExpandDims(x, axes=[0,2])",
            "ExpandDims_2: f32[2,3,1] = BroadcastTo(ExpandDims_1, shape=[2,3,1])",
            "return ExpandDims_2",
        ],
    ),
    ("x[0:3]", {"x": "float32 3"}, ["return x"]),
    (
        "x[1:][::2]",
        {"x": "float32 9"},
        ["strided_slice_1: f32[4] = Slice(x, begin=[1], size=[4], strides=[2])", "return strided_slice_1"],
    ),
    ("tf.concat([x], 0)", {"x": "float32 3"}, ["concat: f32[3] = Identity(x)", "return concat"]),
    (
        "tf.concat([x, tf.concat([y, x], 0)], 0)",
        {"x": "float32 3", "y": "float32 2"},
        ["concat_1: f32[8] = ConcatV2(x, y, x, axis=0)", "return concat_1"],
    ),
    ("tf.concat([x, y], 0)[3:5]", {"x": "float32 3", "y": "float32 2"}, ["return y"]),
    ("tf.pad(x, [[0, 0]])", {"x": "float32 3"}, ["return x"]),
    (
        "tf.pad(x, [[0, 2]]) + tf.pad(y, [[3, 0]])",
        {"x": "float32 3", "y": "float32 2"},
        ["add: f32[5] = ConcatV2(x, y, axis=0)", "return add"],
    ),
    ("tf.reduce_sum(x, 1)", {"x": "float32 3,1"}, ["Sum: f32[3] = Squeeze(x, axes=[1])", "return Sum"]),
    (
        "tf.reduce_sum(tf.broadcast_to(x, [5, 3]), 0)",
        {"x": "float32 3"},
        ["Sum: f32[] = Const(value=5.)", "Sum_1: f32[3] = Mul(x, Sum)", "return Sum_1"],
    ),
    ("tf.reduce_max(tf.broadcast_to(x, [5, 3]))", {"x": "float32 3"}, ["Max: f32[] = Max(x, axes=[0])", "return Max"]),
    (
        "tf.reduce_sum(x * 0 + 1, 0)",
        {"x": "int32 5,3"},
        ["Sum_1: i32[] = Const(value=5)", "Sum_2: i32[3] = BroadcastTo(Sum_1, shape=[3])", "return Sum_2"],
    ),
    (
        "tf.reduce_sum(tf.reduce_sum(x, 1), 0)",
        {"x": "float32 2,3,4"},
        ["Sum_1: f32[4] = Sum(x, axes=[0,1])", "return Sum_1"],
    ),
    (
        "tf.reduce_sum(tf.reduce_sum(x, 2), 0)",
        {"x": "float32 2,3,4"},
        ["Sum: f32[2,3] = Sum(x, axes=[2])", "Sum_1: f32[3] = Sum(Sum, axes=[0])", "return Sum_1"],
    ),
    ("tf.reduce_sum(tf.transpose(x))", {"x": "float32 2,3"}, ["Sum: f32[] = Sum(x, axes=[0,1])", "return Sum"]),
    (
        "tf.reduce_sum(x)",
        {"x": "float32 64,128"},
        ["Sum: f32[64] = Sum(x, axes=[1])", "Sum_1: f32[] = Sum(Sum, axes=[0])", "return Sum_1"],
    ),
    (
        "tf.reduce_sum(tf.constant([[1.0, 2.0], [3.0, 4.0]]) + x)",
        {"x": "float32 2"},
        [
            "Const: f32[2,2] = Const(value=[[1.,2.], [3.,4.]])",
            "add: f32[2,2] = Add(Const, x)",
            "Sum: f32[] = Sum(add, axes=[0,1])",
            "return Sum",
        ],
    ),
    (
        "tf.constant([2.0, 2.0, 2.0]) * x",
        {"x": "float32 3"},
        ["Const: f32[] = Const(value=2.)", "mul: f32[3] = Mul(x, Const)", "return mul"],
    ),
    (
        "y / tf.reduce_sum(tf.exp(x - tf.reduce_max(x, 1, keepdims=True)), 1, keepdims=True)",
        {"x": "float64 2,3", "y": "float64 2,3"},
        [
            "Max: f64[2,1] = Max(x, axes=[1], keep_dims=True)",
            "sub: f64[2,3] = Sub(x, Max)",
            "Exp: f64[2,3] = Exp(sub)",
            "Sum: f64[2,1] = Sum(Exp, axes=[1], keep_dims=True)",
            "truediv: f64[2,1] = Reciprocal(Sum)",
            "truediv_1: f64[2,3] = Mul(y, truediv)",
            "return truediv_1",
        ],
    ),
    (
        "y / tf.reduce_sum(tf.exp(x - 1.0), 1, keepdims=True)",
        {"x": "float64 2,3", "y": "float64 2,3"},
        [
            "Const: f64[] = Const(value=1.)",
            "sub: f64[2,3] = Sub(x, Const)",
            "Exp: f64[2,3] = Exp(sub)",
            "Sum: f64[2,1] = Sum(Exp, axes=[1], keep_dims=True)",
            "truediv: f64[2,3] = RealDiv(y, Sum)",
            "return truediv",
        ],
    ),
    (
        "tf.reduce_sum((x - tf.reduce_mean(x, 0)) * -y, 0)",
        {"x": "float64 6,2", "y": "float64 2"},
        [
            "Mean/Sum: f64[2] = Sum(x, axes=[0])",
            "Sum: f64[] = Const(value=0.)",
            "Sum_1: f64[2] = Mul(Mean/Sum, Sum)",
            "return Sum_1",
        ],
    ),
    (
        "tf.reduce_sum(y + (x - tf.reduce_mean(x, 1, keepdims=True)), 1)",
        {"x": "float64 2,8", "y": "float64 2,8"},
        [
            "Mean/Sum: f64[2,1] = Sum(x, axes=[1], keep_dims=True)",
            "Sum: f64[2] = Sum(y, axes=[1])",
            "Sum_1: f64[] = Const(value=0.)",
            "Sum_2: f64[2,1] = Mul(Mean/Sum, Sum_1)",
            "Sum_3: f64[2] = Squeeze(Sum_2, axes=[1])",
            "Sum_4: f64[2] = Add(Sum, Sum_3)",
            "return Sum_4",
        ],
    ),
    (
        "tf.reduce_sum((x - tf.reduce_mean(x, 0)) * y, 0)",
        {"x": "float64 8,2", "y": "float64 8,2"},
        [
            "Mean/Sum: f64[2] = Sum(x, axes=[0])",
            "Mean: f64[] = Const(value=0.125)",
            "Mean_1: f64[2] = Mul(Mean/Sum, Mean)",
            "sub: f64[8,2] = Sub(x, Mean_1)",
            "mul: f64[8,2] = Mul(sub, y)",
            "Sum: f64[2] = Sum(mul, axes=[0])",
            "return Sum",
        ],
    ),
    (
        "(x * 0.3) @ y",
        {"x": "float32 2,3", "y": "float32 3,4"},
        [
            "matmul: f32[2,4] = MatMul(x, y)",
            "matmul_1: f32[] = Const(value=0.3)",
            "matmul_2: f32[2,4] = Mul(matmul, matmul_1)",
            "return matmul_2",
        ],
    ),
]


@pytest.mark.parametrize(("expression", "types", "expected"), CASES, ids=[f"{row[0]} {row[1]['x']}" for row in CASES])
def test_identities(expression, types, expected):
    before = built(eval(f"lambda {', '.join(types)}: {expression}", {"tf": tf}), **types)
    after = simplify(before)
    assert printed(after) == expected
    check_same_values(before, after)
    assert printed(simplify(after)) == expected


def test_a_docstring_is_an_equation():
    rules = {rule for table in (ARITHMETIC, VIEWS, REDUCTIONS, PRODUCTS) for rules in table.values() for rule in rules}
    assert len(rules) > 40
    assert [
        rule.__name__ for rule in rules if not (rule.__doc__ or "").startswith("``") or "->" not in rule.__doc__
    ] == []


def test_symbolic_sizes_count_as_any_other():
    before = built(lambda x, y: tf.broadcast_to(x, tf.shape(y)) * tf.ones_like(y) + y, x="float32 4", y="float32 n,4")
    assert printed(simplify(before)) == ["add: f32[n,4] = Add(x, y)", "return add"]


def test_zero_keeps_its_sign_and_nan_stays():
    before = built(lambda x: (x + 0.0, x * 0.0, x - x), x="float32 3")
    assert [node.type for node in simplify(before).nodes if node.inputs] == ["Add", "Mul", "Sub"]


def test_nodes_of_unknown_shape_are_left_alone():
    graph = Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        graph.targets = (tf.reshape(tf.reshape(x, [-1]), [-1, 3]),)
    types = [node.type for node in simplify(graph).nodes if node.inputs]
    assert types == ["Reshape", "Reshape"]
