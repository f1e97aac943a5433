"""A cell that attends to memories: what it attends to is part of its next inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphc import dtypes
from graphc.contrib.seq2seq.attention import AttentionMechanism
from graphc.contrib.seq2seq.decoder import Unsized
from graphc.layers.core import Dense
from graphc.nest import flatten, map_leaves
from graphc.nn.recurrent.cell import RNNCell, check_cell, zeros_of
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros
from graphc.ops.base import convert_to_tensor
from graphc.ops.contraction import matmul
from graphc.ops.reshaping import expand_dims, squeeze
from graphc.scopes import get_default_graph
from graphc.shapes import TensorShape


class AttentionWrapperState(NamedTuple):
    """The state of an :class:`AttentionWrapper`."""

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """This state with some parts replaced, such as ``cell_state``; ``ValueError`` where a shape differs."""

        def checked(old: Any, new: Any) -> Any:
            if isinstance(old, Tensor) and isinstance(new, Tensor):
                if not new.shape.is_compatible_with(old.shape):
                    raise ValueError(
                        "The shape of the AttentionWrapperState is expected to be same as the one to clone: "
                        f"{new.name} has shape {new.shape}, and {old.name} has shape {old.shape}"
                    )
                if new.type.rank is not None:
                    new.set_shape(old.shape)
            return new

        changed = {name: map_leaves(checked, getattr(self, name), part) for name, part in kwargs.items()}
        return self._replace(**changed)


class AttentionWrapper(RNNCell):
    """A cell whose inputs are joined with what it attended to, and whose outputs are what it attends to now.

    What it attends to is a mean of the memory by the weights of ``attention_mechanism`` (one or a list of them); with
    ``attention_layer_size`` that goes through a layer beside the cell's output. With ``alignment_history`` the weights
    of all steps are kept in a TensorArray, in decoders run by ``dynamic_decode``.
    """

    def __init__(
        self, cell: Any, attention_mechanism: Any, attention_layer_size: Any = None, alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None, output_attention: bool = True,
        initial_cell_state: Any = None, name: str | None = None, attention_layer: Any = None,
    ):  # fmt: skip
        super().__init__(name=name)
        check_cell(cell)
        self._is_multi = isinstance(attention_mechanism, (list, tuple))
        self._mechanisms: Sequence[Any] = attention_mechanism if self._is_multi else [attention_mechanism]
        for mechanism in self._mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError(
                    f"attention_mechanism must be an AttentionMechanism, saw type: {type(mechanism).__name__}"
                )
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._cell, self._cell_input_fn = cell, cell_input_fn or _side_by_side
        self._layers = self._layers_of(attention_layer_size, attention_layer)
        self._keeps_history, self._output_attention = alignment_history, output_attention
        self._initial_cell_state = None if initial_cell_state is None else map_leaves(
            convert_to_tensor, initial_cell_state)  # fmt: skip

    def _layers_of(self, sizes: Any, layers: Any) -> list[Any]:
        """For each mechanism the layer that what it attends to goes through, or None."""
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        given = layers if sizes is None else sizes
        if given is None:
            return [None] * len(self._mechanisms)
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(listed) != len(self._mechanisms):
            raise ValueError(
                "If provided, attention_layer_size or attention_layer must contain exactly one for each "
                f"attention_mechanism: {len(listed)} vs {len(self._mechanisms)}"
            )
        if sizes is None:
            return listed
        return [
            Dense(size, name="attention_layer", use_bias=False, dtype=mechanism.values.dtype)
            for size, mechanism in zip(listed, self._mechanisms, strict=True)
        ]

    def _one_or_all(self, values: Sequence[Any]) -> Any:
        return tuple(values) if self._is_multi else values[0]

    @property
    def _attention_size(self) -> int:
        rows = zip(self._layers, self._mechanisms, strict=True)
        return sum(m.values.shape[-1].value if layer is None else layer.units for layer, m in rows)

    @property
    def output_size(self) -> Any:
        return self._attention_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        sizes = self._one_or_all([m.alignments_size for m in self._mechanisms])
        none = self._one_or_all([() for _ in self._mechanisms])
        return AttentionWrapperState(
            self._cell.state_size, self._attention_size, TensorShape([]), sizes, sizes if self._keeps_history else none,
            sizes,
        )  # fmt: skip

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first step; its cell's part is ``initial_cell_state`` where that was given."""
        with get_default_graph().name_scope(f"{type(self).__name__}ZeroState"):
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = self._cell.zero_state(batch_size, dtype)
            first = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            history = [Unsized(dtype, x.type.shape) if self._keeps_history else () for x in first]
            states = [m.initial_state(batch_size, dtype) for m in self._mechanisms]
            return AttentionWrapperState(
                cell_state, zeros_of(self._attention_size, batch_size, dtype), zeros([], dtypes.int32),
                self._one_or_all(first), self._one_or_all(history), self._one_or_all(states),
            )  # fmt: skip

    def call(self, inputs: Any, state: Any) -> Any:
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                f"Expected state to be instance of AttentionWrapperState. Received type {type(state)} instead."
            )
        output, cell_state = self._cell(self._cell_input_fn(inputs, state.attention), state.cell_state)
        before = state.attention_state if self._is_multi else [state.attention_state]
        history = state.alignment_history if self._is_multi else [state.alignment_history]
        attentions, weights, after, histories = [], [], [], []
        for mechanism, layer, own, past in zip(self._mechanisms, self._layers, before, history, strict=True):
            alignments, following = mechanism(output, state=own)
            context = squeeze(matmul(expand_dims(alignments, 1), mechanism.values), [1])
            attentions.append(context if layer is None else layer(concat([output, context], 1)))
            weights.append(alignments)
            after.append(following)
            histories.append(past.write(state.time, alignments) if self._keeps_history else past)
        attention = attentions[0] if len(attentions) == 1 else concat(attentions, 1)
        following_state = AttentionWrapperState(
            cell_state, attention, e.add(state.time, 1), self._one_or_all(weights), self._one_or_all(histories),
            self._one_or_all(after),
        )  # fmt: skip
        return (attention if self._output_attention else output), following_state


def _side_by_side(inputs: Any, attention: Any) -> Tensor:
    return concat([*flatten(inputs), attention], -1)
