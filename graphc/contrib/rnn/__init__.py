"""``tf.contrib.rnn``: the cells of ``tf.nn.rnn_cell``, more cells, and loops over stacks of them."""

import sys as _sys

from graphc.contrib.rnn.block_cells import (
    GRUBlockCell,
    GRUBlockCellV2,
    LSTMBlockCell,
    LSTMBlockFusedCell,
)
from graphc.contrib.rnn.conv_cells import Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell, ConvLSTMCell
from graphc.contrib.rnn.more_cells import (
    IntersectionRNNCell,
    LayerNormBasicLSTMCell,
    NASCell,
    PhasedLSTMCell,
    UGRNNCell,
)
from graphc.contrib.rnn.more_wrappers import (
    AttentionCellWrapper,
    EmbeddingWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
)
from graphc.contrib.rnn.stacked import stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn
from graphc.nn.recurrent.cell import RNNCell
from graphc.nn.recurrent.cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell, LSTMStateTuple
from graphc.nn.recurrent.dynamic import batch_and_time_swapped as transpose_batch_time
from graphc.nn.recurrent.inner import _Linear as _Linear
from graphc.nn.recurrent.inner import _linear as _linear
from graphc.nn.recurrent.unrolled import static_bidirectional_rnn, static_rnn, static_state_saving_rnn
from graphc.nn.recurrent.wrappers import DeviceWrapper, DropoutWrapper, MultiRNNCell, ResidualWrapper

# Programs reach the cells by the modules that TensorFlow kept them in, too.
rnn_cell = core_rnn_cell = core_rnn = _sys.modules[__name__]

__all__ = [
    "AttentionCellWrapper",
    "BasicLSTMCell",
    "BasicRNNCell",
    "Conv1DLSTMCell",
    "Conv2DLSTMCell",
    "Conv3DLSTMCell",
    "ConvLSTMCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "EmbeddingWrapper",
    "GRUBlockCell",
    "GRUBlockCellV2",
    "GRUCell",
    "HighwayWrapper",
    "InputProjectionWrapper",
    "IntersectionRNNCell",
    "LSTMBlockCell",
    "LSTMBlockFusedCell",
    "LSTMCell",
    "LSTMStateTuple",
    "LayerNormBasicLSTMCell",
    "MultiRNNCell",
    "NASCell",
    "OutputProjectionWrapper",
    "PhasedLSTMCell",
    "RNNCell",
    "ResidualWrapper",
    "UGRNNCell",
    "stack_bidirectional_dynamic_rnn",
    "stack_bidirectional_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
    "transpose_batch_time",
]
