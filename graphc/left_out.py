"""Names of TensorFlow 1 that graphc leaves out on purpose: using one says so, and what to use instead.

A name can be had and passed on, as libraries do that never come to use it. Calling it, subclassing it, opening it in a
``with`` or iterating over it raises ``NotImplementedError``; so does looking up a name in it, with an error that is an
``AttributeError`` too, so that ``hasattr`` is False. The few things in such a namespace that have a job without the
rest (``tf.estimator.ModeKeys``) are there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NoReturn

__all__ = ["ADVICE", "LeftOut", "LeftOutError", "advice_for"]

_MATRIX = "tf.linalg.LinearOperatorFullMatrix takes the matrix with all its elements"
_ONE_PROCESS = "one process trains, on all cores of its machine; leave the cluster out"
_KERAS = "tf.layers, tf.losses and tf.train train the same models"
_ESTIMATOR = "call the model_fn, and run its train_op in a tf.Session or tf.train.MonitoredTrainingSession"
_GRAPHS = "declare the operations and run them in a tf.Session"
_RAGGED = "tf.SparseTensor, or padded rows with tf.sequence_mask"
_EIGHT_BITS = "compute in tf.float32, and round with tf.round where it matters"
_FIXED_POOL = "tf.nn.max_pool or avg_pool of a fixed window, or tf.image.resize_area"
_GRADIENTS = "tf.gradients of the function gives it"
_JPEG = "tf.image.encode_jpeg and decode_jpeg with a quality"
_DECODERS = "tf.contrib.seq2seq.dynamic_decode with BasicDecoder and a Helper, as of TensorFlow 1.2"
_INLINE = "tf.contrib.distributions.bijectors.Inline takes the functions of any bijector"
_BIJECTORS = (
    "AbsoluteValue",
    "Affine",
    "AffineLinearOperator",
    "BatchNormalization",
    "CholeskyOuterProduct",
    "FillTriangular",
    "Gumbel",
    "Kumaraswamy",
    "MaskedAutoregressiveFlow",
    "MatrixInverseTriL",
    "Ordered",
    "Permute",
    "RealNVP",
    "Reshape",
    "ScaleTriL",
    "SinhArcsinh",
    "Softsign",
    "Square",
    "TransformDiagonal",
    "Weibull",
)
_FEATURES = "make a tensor of the columns by tf.one_hot, tf.nn.embedding_lookup, tf.concat"
_TREES = "another library for trees, through tf.py_func where a graph needs it"
_GAN = "two losses and two optimizers, each with its var_list"
_DEBUG = "tf.Print, tf.Assert and tf.check_numerics"
_ENTRIES = "indices, values and dense_shape, each a tensor, or tf.io.parse_example with a VarLenFeature"
_PAIRS = "tf.contrib.losses.metric_learning.npairs_loss of one label each, or lifted_struct_loss"
_STATES = "tf.nn.dynamic_rnn with an initial_state that is fed, or kept in a tf.Variable"
_PROFILE = "graphc.profile shows where the time of a step goes"

# The dotted name after "tf." and what to use instead; of a namespace, for all that is in it.
ADVICE = {
    "GradientTape": "tf.gradients",
    "RaggedTensor": _RAGGED,
    "autograph": "tf.cond and tf.while_loop",
    "betainc": "tf.py_func with scipy.special.betainc computes it outside of the native step",
    "compat.v2": "tf.compat.v1, or tf itself: graphc is TensorFlow 1",
    "contrib.all_reduce": _ONE_PROCESS,
    "contrib.autograph": "tf.cond and tf.while_loop",
    "contrib.bayesflow": "tf.distributions, and tf.stop_gradient for the score function",
    "contrib.boosted_trees": _TREES,
    "contrib.cloud": "copy the files to this machine first",
    "contrib.cluster_resolver": _ONE_PROCESS,
    "contrib.compiler": "nothing: every step is compiled",
    "contrib.cudnn_rnn": "tf.nn.dynamic_rnn with tf.nn.rnn_cell.LSTMCell or tf.contrib.rnn.GRUBlockCellV2",
    "contrib.distribute": _ONE_PROCESS,
    **dict.fromkeys((f"contrib.distributions.bijectors.{name}" for name in _BIJECTORS), _INLINE),
    "contrib.eager": _GRAPHS,
    "contrib.estimator": _ESTIMATOR,
    "contrib.factorization": "tf.gather, tf.argmin and tf.unsorted_segment_sum make a step of k-means",
    "contrib.feature_column": _FEATURES,
    "contrib.gan": _GAN,
    "contrib.graph_editor": "tf.import_graph_def with an input_map, or declare the graph with the other inputs",
    "contrib.keras": _KERAS,
    "contrib.layers.create_feature_spec_for_parsing": _FEATURES,
    "contrib.layers.real_valued_column": _FEATURES,
    "contrib.layers.rev_block": "graphc.recompute_grad keeps memory small",
    "contrib.learn": _ESTIMATOR,
    "contrib.lite": "graphc.aot compiles a step ahead of time",
    "contrib.losses.metric_learning.cluster_loss": _PAIRS,
    "contrib.losses.metric_learning.npairs_loss_multilabel": _PAIRS,
    "contrib.memory_stats": "the operating system's numbers of the process",
    "contrib.mixed_precision": "compute in tf.float32, whose gradients need no scale",
    "contrib.model_pruning": "multiply weights by a mask",
    "contrib.crf": "tf.scan over the frames with tf.reduce_logsumexp is its forward recursion",
    "contrib.nccl": _ONE_PROCESS,
    "contrib.periodic_resample": "tf.reshape and tf.transpose",
    "contrib.quantize": _EIGHT_BITS,
    "contrib.recurrent": "tf.nn.dynamic_rnn",
    "contrib.seq2seq.attention_decoder_fn_inference": _DECODERS,
    "contrib.seq2seq.attention_decoder_fn_train": _DECODERS,
    "contrib.seq2seq.dynamic_rnn_decoder": _DECODERS,
    "contrib.seq2seq.prepare_attention": _DECODERS,
    "contrib.seq2seq.simple_decoder_fn_inference": _DECODERS,
    "contrib.seq2seq.simple_decoder_fn_train": _DECODERS,
    "contrib.slim.nets.resnet_v2": "tf.contrib.slim.nets.resnet_v1",
    "contrib.staging": "tf.data.Dataset.prefetch keeps batches ready",
    "contrib.summary": "tf.summary",
    "contrib.tensor_forest": _TREES,
    "contrib.tensorboard": "tf.summary",
    "contrib.tensorrt": "graphc.aot compiles a step ahead of time",
    "contrib.tfprof": _PROFILE,
    "contrib.timeseries": _ESTIMATOR,
    "contrib.tpu": "nothing: a CPU runs the program as it is without the wrappers for TPUs",
    "contrib.training.GreedyLoadBalancingStrategy": _ONE_PROCESS,
    "contrib.training.batch_sequences_with_states": _STATES,
    "contrib.training.byte_size_load_fn": _ONE_PROCESS,
    "dequantize": _EIGHT_BITS,
    "deserialize_many_sparse": _ENTRIES,
    "distribute": _ONE_PROCESS,
    "estimator": _ESTIMATOR,
    "feature_column": _FEATURES,
    "function": "call the function: it declares its operations into the graph",
    "image.adjust_jpeg_quality": _JPEG,
    "image.random_jpeg_quality": _JPEG,
    "io.deserialize_many_sparse": _ENTRIES,
    "io.serialize_many_sparse": _ENTRIES,
    "io.serialize_sparse": _ENTRIES,
    "keras": _KERAS,
    **{f"linalg.LinearOperator{kind}": _MATRIX for kind in (
        "Adjoint", "BlockDiag", "BlockLowerTriangular", "Circulant", "Circulant2D", "Circulant3D", "Composition",
        "Householder", "Inversion", "Kronecker", "LowRankUpdate", "Permutation", "Toeplitz", "Tridiag", "Zeros")},
    "linalg.logm": "of symmetric matrices, tf.linalg.eigh gives it: v log(w) v^T",
    "linalg.sqrtm": "of symmetric matrices, tf.linalg.eigh gives it: v sqrt(w) v^T",
    "linalg.tridiagonal_matmul": "three products of shifted rows and their sum give it",
    "linalg.tridiagonal_solve": "tf.linalg.solve takes the matrix with all its elements",
    "lite": "graphc.aot compiles a step ahead of time",
    "load_file_system_library": "copy the files to this machine first",
    "load_library": "tf.py_func calls any function of Python",
    "load_op_library": "tf.py_func calls any function of Python; operations of graphc make the rest",
    "math.betainc": "tf.py_func with scipy.special.betainc computes it outside of the native step",
    "matrix_square_root": "of symmetric matrices, tf.linalg.eigh gives it: v sqrt(w) v^T",
    "nn.ctc_beam_search_decoder": "fetch the logits, and decode them in Python",
    "nn.ctc_beam_search_decoder_v2": "fetch the logits, and decode them in Python",
    "nn.ctc_greedy_decoder": "tf.argmax of the logits, and drop repeats and blanks in Python",
    "nn.ctc_loss": "tf.scan over the frames with tf.reduce_logsumexp is its forward recursion",
    "nn.ctc_loss_v2": "tf.scan over the frames with tf.reduce_logsumexp is its forward recursion",
    "nn.fractional_avg_pool": _FIXED_POOL,
    "nn.fractional_max_pool": _FIXED_POOL,
    "nn.quantized_avg_pool": _EIGHT_BITS,
    "nn.quantized_conv2d": _EIGHT_BITS,
    "nn.quantized_max_pool": _EIGHT_BITS,
    "nn.quantized_relu_x": _EIGHT_BITS,
    "profiler": _PROFILE,
    "py_function": "tf.py_func takes a function of NumPy arrays; there are no eager tensors",
    "python.data": "tf.data",
    "python.debug": _DEBUG,
    "python.estimator": _ESTIMATOR,
    "python.framework.function": "call the function: it declares its operations into the graph",
    "python.keras": _KERAS,
    "python.ops.gen_array_ops": "the names of tf",
    "python.ops.gen_nn_ops": "tf.gradients of the names of tf.nn",
    "python.ops.nccl_ops": _ONE_PROCESS,
    "python.ops.summary_ops_v2": "tf.summary",
    "python.pywrap_tensorflow.EventsWriter": "tf.summary.FileWriter",
    "python.tools": "tf.graph_util.convert_variables_to_constants",
    "quantization.dequantize": _EIGHT_BITS,
    "quantization.fake_quant_with_min_max_args_gradient": _GRADIENTS,
    "quantization.fake_quant_with_min_max_vars_gradient": _GRADIENTS,
    "quantization.fake_quant_with_min_max_vars_per_channel_gradient": _GRADIENTS,
    "quantization.quantize": _EIGHT_BITS,
    "quantization.quantized_concat": _EIGHT_BITS,
    "quantize": _EIGHT_BITS,
    "quantize_v2": _EIGHT_BITS,
    "quantized_concat": _EIGHT_BITS,
    "ragged": _RAGGED,
    "serialize_many_sparse": _ENTRIES,
    "serialize_sparse": _ENTRIES,
    "tpu": "nothing: a CPU runs the program as it is without the wrappers for TPUs",
    "train.Checkpoint": "tf.train.Saver",
    "train.CheckpointManager": "tf.train.Saver with max_to_keep",
    "train.experimental": "compute in tf.float32, whose gradients need no scale",
    "wrap_function": "call the function: it declares its operations into the graph",
}  # fmt: skip

# What is there all the same, by the dotted name after "tf.", and where: see graphc/lazily.py.
_THERE = {
    "contrib.learn.ModeKeys": "graphc.train.model_spec:ModeKeys",
    "contrib.learn.preprocessing": "graphc.contrib.preprocessing",
    "estimator.EstimatorSpec": "graphc.train.model_spec:EstimatorSpec",
    "estimator.ModeKeys": "graphc.train.model_spec:ModeKeys",
    "keras.initializers": "graphc.initializers.keras",
    "keras.layers.Layer": "graphc.layers.layer:Layer",
}


class LeftOutError(NotImplementedError, AttributeError):
    """A name of TensorFlow's that graphc lacks was used; where it was looked up, ``hasattr`` is False."""


def advice_for(name: str) -> str | None:
    """What to use instead of a name, the dotted path after ``tf.``; None where nothing is said of it."""
    while name:
        if name in ADVICE:
            return ADVICE[name]
        name = name.rpartition(".")[0]
    return None


class LeftOut:
    """A name of TensorFlow's that graphc lacks: using it raises ``NotImplementedError``."""

    def __init__(self, name: str, line: Any = None):
        self._name, self._line = name, line

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(self._text())

    def _text(self) -> str:
        where = f" (first named at {self._line})" if self._line else ""
        advice = advice_for(self._name.partition(".")[2])
        instead = f"; instead: {advice}" if advice else ""
        return f"{self._name} is not part of graphc{where}{instead}"

    __call__ = __iter__ = __bool__ = __len__ = __getitem__ = __mro_entries__ = __enter__ = __exit__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self._name} is not part of graphc")
        inner = f"{self._name}.{name}"
        dotted = inner.partition(".")[2]
        if dotted in _THERE:
            module, _, thing = _THERE[dotted].partition(":")
            return getattr(import_module(module), thing) if thing else import_module(module)
        one = LeftOut(inner, self._line)
        if any(place.startswith(f"{dotted}.") for place in _THERE):
            return one
        raise LeftOutError(one._text())

    def __eq__(self, other: Any) -> bool:
        """By name; a value that it might have in TensorFlow is refused."""
        if isinstance(other, LeftOut):
            return self._name == other._name
        return self._refuse() if isinstance(other, (str, int, float)) else False

    def __hash__(self) -> int:
        return hash(self._name)

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._name}, which is not part of graphc>"
