"""A cell with a helper as a decoder."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc.contrib.seq2seq.decoder import Decoder
from graphc.contrib.seq2seq.helpers import Helper
from graphc.nest import flatten, map_leaves
from graphc.nn.recurrent.cell import check_cell


class BasicDecoderOutput(NamedTuple):
    """What a :class:`BasicDecoder` gives: the cell's outputs, after the output layer, and samples of them."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """Steps of ``cell``, whose outputs go through ``output_layer`` if given; ``helper`` samples them and feeds it."""

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None):
        check_cell(cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper, self._initial_state, self._output_layer = cell, helper, initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> BasicDecoderOutput:
        size = self._cell.output_size
        if self._output_layer is not None:
            size = getattr(self._output_layer, "units", None)
        return BasicDecoderOutput(size, self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        dtype = flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(map_leaves(lambda _: dtype, self._cell.output_size), self._helper.sample_ids_dtype)

    @property
    def steps(self) -> Any:
        return self._helper.steps

    @property
    def most_steps(self) -> Any:
        return getattr(self._helper, "most_steps", None)

    def initialize(self, name: str | None = None) -> Any:
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        outputs, after = self._cell(inputs, state)
        if self._output_layer is not None:
            outputs = self._output_layer(outputs)
        ids = self._helper.sample(time=time, outputs=outputs, state=after)
        finished, following, state = self._helper.next_inputs(time=time, outputs=outputs, state=after, sample_ids=ids)
        return BasicDecoderOutput(outputs, ids), state, following, finished
