"""FunctionDefs and GraphDefs: how the nodes of either name their inputs.

of a graph        of a function
x                 x              an argument
n:1               n:idx:0        the second output of node n, whose outputs are called y and idx
^n                ^n             something to wait for
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphc.exchange.foreign import Unreadable
from graphc.exchange.schema import message

INPUTS = "_graphc_inputs"
_LISTED = """
y: Abs Acos Acosh Asin Asinh Atan Atanh BesselI0e BesselI1e Cast Ceil ComplexAbs Cos Cosh Digamma Erf Erfc Exp Expm1 \
Floor Inv Invert InvertPermutation IsFinite IsInf IsNan Lgamma Log Log1p LogicalNot Neg OnesLike Reciprocal Rint Round \
Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike
z: Add AddV2 Atan2 BitwiseAnd BitwiseOr BitwiseXor Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Igamma \
IgammaGradA Igammac InvGrad LeftShift Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mul MulNoNan NotEqual Pow \
RealDiv ReciprocalGrad RightShift RsqrtGrad SigmoidGrad SqrtGrad SquaredDifference Sub TanhGrad TruncateDiv \
TruncateMod Zeta
: Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp NoOp ResourceApplyAdadelta ResourceApplyAdagrad \
ResourceApplyAdam ResourceApplyCenteredRMSProp ResourceApplyGradientDescent ResourceApplyMomentum ResourceApplyRMSProp \
SaveV2 TensorArrayCloseV3 WriteFile
out: ApplyAdadelta ApplyAdagrad ApplyAdam ApplyCenteredRMSProp ApplyGradientDescent ApplyMomentum ApplyRMSProp Complex \
Cumprod Cumsum
activations: Elu LeakyRelu Relu Relu6 Selu Softplus Softsign
output_ref: Assign AssignAdd AssignSub ScatterAdd ScatterSub ScatterUpdate
backprops: EluGrad LeakyReluGrad Relu6Grad ReluGrad SoftplusGrad
image: DecodeBmp DecodeGif DecodeJpeg DecodePng
contents: EncodeJpeg EncodePng ReadFile
value: ReadVariableOp TensorArrayGatherV3 TensorArrayReadV3
tensor: Restore RestoreSlice TensorListStack
flow_out: TensorArrayScatterV3 TensorArraySplitV3 TensorArrayWriteV3
y batch_mean batch_variance reserve_space_1 reserve_space_2: FusedBatchNorm FusedBatchNormV2
x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4: FusedBatchNormGrad FusedBatchNormGradV2
is_initialized: IsVariableInitialized VarIsInitializedOp
output value_index: Merge RefMerge
output_false output_true: RefSwitch Switch
resized_images: ResizeBilinear ResizeNearestNeighbor
loss backprop: SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits
output_handle: TensorListFromTensor TensorListSetItem
values indices: TopK TopKV2
ref: Variable VariableV2
sum: AddN
r0 r1: BroadcastGradientArgs
offset: ConcatOffset
merged: DynamicStitch
x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5: FusedBatchNormGradV3
y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3: FusedBatchNormV3
sign log_abs_determinant: LogMatrixDeterminant
logsoftmax: LogSoftmax
lu p: Lu
product: MatMul
filenames: MatchingFiles
q r: Qr
tensors: RestoreV2
e v: SelfAdjointEigV2
softmax: Softmax
indices values shape: StringSplit
s u v: Svd
value lengths: TensorArrayConcatV3
size: TensorArraySizeV3
handle flow: TensorArrayV3
item: TensorListGetItem
length: TensorListLength
handle: TensorListReserve
y idx: Unique
resource: VarHandleOp
index: Where
"""
# What the outputs of TensorFlow's types of nodes are called, where that is not one "output"; from its op definitions.
OUTPUTS = {
    op: tuple(names.split())
    for names, ops in (line.split(":") for line in _LISTED.strip().splitlines())
    for op in ops.split()
}


def outputs_of(op: str, library: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the outputs of a type of nodes, or of a function that is called by its name."""
    if op in library:
        return tuple(output.name for output in library[op].signature.output_arg)
    return OUTPUTS.get(op, ("output",))


def in_function(reference: str, ops: Mapping[str, str], arguments: Mapping[str, str]) -> str:
    """The input of a graph's node as that of a function's, where ``arguments`` stand for nodes of these names."""
    if reference.startswith("^"):
        return reference
    name, _, number = reference.partition(":")
    if name in arguments:
        return arguments[name]
    names = outputs_of(ops[name], {})
    several = len(names) > 1
    return f"{name}:{names[int(number or 0)] if several else names[0]}:{0 if several else number or 0}"


def in_graph(reference: str, ops: Mapping[str, str], library: Mapping[str, Any]) -> str:
    """The input of a function's node as that of a graph's."""
    name, _, rest = reference.partition(":")
    if not rest or reference.startswith("^"):
        return reference
    output, _, number = rest.partition(":")
    names = outputs_of(ops.get(name, ""), library)
    if len(names) == 1:
        return f"{name}:{number or 0}"
    if output not in names:
        raise Unreadable(f"node '{name}' of type {ops.get(name)} has no output '{output}' that graphc knows")
    return f"{name}:{names.index(output)}"


def graph_of_function(function: Any, library: Mapping[str, Any]) -> Any:
    """The nodes of a function as a GraphDef, in which its arguments are missing."""
    ops = {node.name: node.op for node in function.node_def}
    return message("GraphDef")(node=with_inputs(function.node_def, lambda name: in_graph(name, ops, library)))


def with_inputs(nodes: Iterable[Any], renamed: Callable[[str], str]) -> list[Any]:
    """Copies of the nodes whose inputs have other names."""
    copies = []
    for node in nodes:
        copy = message("NodeDef")()
        copy.CopyFrom(node)
        copy.input[:] = [renamed(reference) for reference in node.input]
        if INPUTS in copy.attr:
            listed = copy.attr[INPUTS].list.s
            listed[:] = [renamed(reference.decode()).encode() for reference in listed]
        copies.append(copy)
    return copies
