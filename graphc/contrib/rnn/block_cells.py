"""The cells that TensorFlow had as one op each: here the ordinary ones, since a step is fused anyway."""

from __future__ import annotations

from typing import Any

from graphc.layers.layer import Layer
from graphc.nn.recurrent.cell import BIAS, KERNEL
from graphc.nn.recurrent.cells import GRUCell, LSTMCell, LSTMStateTuple
from graphc.nn.recurrent.dynamic import dynamic_rnn
from graphc.nodes import Tensor
from graphc.ops.arrays import stack, unstack
from graphc.ops.base import convert_to_tensor
from graphc.shapes import TensorShape
from graphc.variable_scope import get_variable_scope, variable_scope

_BLOCK_NAMES = {
    f"gates/{KERNEL}": "w_ru", f"gates/{BIAS}": "b_ru", f"candidate/{KERNEL}": "w_c", f"candidate/{BIAS}": "b_c",
}  # fmt: skip


class LSTMBlockCell(LSTMCell):
    """:class:`LSTMCell` without projection; its variables are ``lstm_cell/kernel`` and ``lstm_cell/bias``."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None, use_peephole: bool = False,
        dtype: Any = None, reuse: Any = None, name: str = "lstm_cell",
    ):  # fmt: skip
        clip = cell_clip if cell_clip is not None and cell_clip > 0 else None  # -1 stood for none
        super().__init__(num_units, use_peephole, clip, forget_bias=forget_bias, reuse=reuse, name=name, dtype=dtype)


class GRUBlockCellV2(GRUCell):
    """:class:`GRUCell` under the name ``gru_cell``."""

    def __init__(
        self, num_units: int | None = None, cell_size: int | None = None, reuse: Any = None, name: str = "gru_cell"
    ):
        size = cell_size if num_units is None else num_units
        if size is None or (num_units is not None and cell_size is not None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        super().__init__(size, reuse=reuse, name=name)


class GRUBlockCell(GRUBlockCellV2):
    """:class:`GRUBlockCellV2` with the variables ``w_ru``, ``b_ru``, ``w_c`` and ``b_c``."""

    def add_variable(self, name: str, *args: Any, **settings: Any) -> Any:
        """A variable under the name that this cell has for it."""
        return super().add_variable(_BLOCK_NAMES[name], *args, **settings)


class LSTMBlockFusedCell(Layer):
    """An LSTM over whole sequences [time, batch, depth]: ``outputs, state = cell(inputs, dtype=tf.float32)``.

    Inputs may be a list of steps, and outputs are one then. Past ``sequence_length`` outputs are zero.
    """

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None, use_peephole: bool = False,
        reuse: Any = None, dtype: Any = None, name: str = "lstm_fused_cell",
    ):  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse)
        self._step = LSTMBlockCell(num_units, forget_bias, cell_clip, use_peephole, dtype, name=name)
        self._num_units = num_units

    @property
    def num_units(self) -> int:
        """The number of units."""
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        self._step._scope = get_variable_scope()

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> tuple[Any, LSTMStateTuple]:
        """The outputs of all steps, and the last state."""
        steps = stack(inputs) if isinstance(inputs, list) else convert_to_tensor(inputs)
        if steps.type.rank != 3:
            raise ValueError(f"LSTMBlockFusedCell needs inputs [time, batch, depth], not {steps.type}")
        if scope is not None and self._scope is None:
            with variable_scope(scope) as self._scope:
                pass
        if initial_state is not None:
            initial_state = LSTMStateTuple(*initial_state)
        outputs, last = super().__call__(steps, initial_state, dtype, sequence_length)
        return (unstack(outputs) if isinstance(inputs, list) else outputs), last

    def call(self, inputs: Tensor, state: Any, dtype: Any, lengths: Any) -> Any:
        if state is None and dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        around = get_variable_scope()
        return dynamic_rnn(self._step, inputs, lengths, state, dtype or inputs.dtype, time_major=True, scope=around)
