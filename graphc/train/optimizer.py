"""What all optimizers share: gradients of a loss, one update for each variable, and the slots they keep.

An optimizer says in :meth:`Optimizer._create_slots` which slots a variable has, in :meth:`Optimizer._prepare` what
all updates share, and in :meth:`Optimizer._apply_dense` how one variable changes. Updates read variables at their
place in the order of effects, so that training steps put one after the other by control dependencies see each other's
values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphc.dtypes import FLOATS, DType
from graphc.graph import Graph
from graphc.mistakes import telling_line
from graphc.nodes import Operation, Tensor
from graphc.ops import state
from graphc.ops.base import convert_to_tensor
from graphc.ops.elementwise import cast
from graphc.ops.indexing import IndexedSlices
from graphc.passes.gradients import as_list, gradients
from graphc.scopes import GraphKeys, get_default_graph
from graphc.train.slots import create_slot, create_slot_with_initializer, create_zeros_slot
from graphc.variables import Variable, trainable_variables

if TYPE_CHECKING:
    from graphc.train.rows import RowsOf

GradsAndVars = Sequence[tuple[Any, Variable]]


class Optimizer:
    """Changes variables so that a loss becomes smaller."""

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Variable, Variable]] = {}
        self._non_slots: dict[tuple[str, Graph], Variable] = {}

    def get_name(self) -> str:
        """The name given when the optimizer was made."""
        return self._name

    # -- what users call -----------------------------------------------------------------------------

    @telling_line
    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """The operation that moves the variables once so that ``loss`` becomes smaller, and counts ``global_step``."""
        if loss is None:
            raise TypeError(f"{type(self).__name__}.minimize: loss must be a tensor, not None")
        grads_and_vars = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(grad is None for grad, _ in grads_and_vars):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(variable) for _, variable in grads_and_vars]} and loss {loss}."
            )
        return self.apply_gradients(grads_and_vars, global_step, name)

    @telling_line
    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Variable]]:
        """Each variable (the trainable ones where ``var_list`` is None) with the derivative of ``loss`` by it."""
        if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH. "
                f"Not {gate_gradients}"
            )
        tensor = convert_to_tensor(loss)
        _check_float(tensor)
        variables = trainable_variables() if var_list is None else _flat(var_list)
        if not variables:
            raise ValueError("No variables to optimize.")
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(f"Argument is not a variable: {variable}")
            _check_float(variable)
        grads = gradients(tensor, variables, None if grad_loss is None else [grad_loss])
        return list(zip(grads, variables))

    @telling_line
    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """The operation that changes each variable by its gradient, and then counts ``global_step``."""
        pairs = _checked_pairs(grads_and_vars)
        graph = pairs[0][1].graph
        with graph.in_role("update"):
            with graph.control_dependencies(None):
                self._create_slots([variable for _, variable in pairs])
            with graph.name_scope(name or self._name) as scope:
                self._prepare()
                updates = [self._update(graph, grad, variable) for grad, variable in pairs]
                if global_step is None:
                    train_op = self._finish(updates, scope)
                else:
                    with graph.control_dependencies([self._finish(updates, "update")]):
                        train_op = state.assign_add(global_step, 1, name=scope).op
        if train_op not in graph.get_collection_ref(GraphKeys.TRAIN_OP):
            graph.add_to_collection(GraphKeys.TRAIN_OP, train_op)
        return train_op

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The slot ``name`` beside ``var``, or None."""
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        """The names of the slots, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """All that the optimizer keeps in the default graph, sorted by name."""
        graph = get_default_graph()
        kept = [*self._non_slots.values(), *(slot for slots in self._slots.values() for slot in slots.values())]
        return sorted((variable for variable in kept if variable.graph is graph), key=lambda variable: variable.name)

    # -- what each optimizer says --------------------------------------------------------------------

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        """Makes the slots of the variables."""

    def _prepare(self) -> None:
        """Makes the tensors that all updates share."""

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        """Changes one variable; the result is the last assignment."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a variable changes")

    _row_by_row = False  # whether a gradient of some rows changes them alone, as a whole one would

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        """Changes one variable by rows of a gradient, of which several may belong together."""
        from graphc.train.rows import summed_rows, unique_rows  # late: few gradients are of some rows

        if type(self)._apply_sparse is not Optimizer._apply_sparse:
            return self._apply_sparse(unique_rows(grad, var), var)
        if not self._row_by_row:
            return self._apply_dense(convert_to_tensor(grad), var)
        values, rows = summed_rows(grad, var)
        self._apply_dense(values, rows)  # type: ignore[arg-type]
        return state.group(*rows.assignments)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        """Changes one variable by rows of a gradient, each for another row."""
        raise NotImplementedError(f"{type(self).__name__} does not say how rows of a variable change")

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Operation:
        """The operation that has run when all updates have."""
        return state.group(*update_ops, name=name_scope)

    # -- what they need for it -----------------------------------------------------------------------

    def _update(self, graph: Graph, grad: Any, variable: Variable) -> Any:
        with graph.name_scope(f"update_{variable.op.name}"):
            if isinstance(grad, IndexedSlices):
                if variable.constraint is not None:
                    raise RuntimeError(f"Cannot use a constraint function on a sparse variable: {variable.name}")
                return self._apply_sparse_duplicate_indices(grad, variable)
            update = self._apply_dense(convert_to_tensor(grad, variable.dtype), variable)
            if variable.constraint is None:
                return update
            with graph.control_dependencies([update]):
                return variable.assign(variable.constraint(variable.read_value()))

    def _get_or_make_slot(self, var: Variable, value: Any, slot_name: str, op_name: str) -> Variable:
        return self._slot(var, slot_name, lambda: create_slot(var, value, op_name))

    def _get_or_make_slot_with_initializer(
        self, var: Variable, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Variable:
        return self._slot(var, slot_name, lambda: create_slot_with_initializer(var, initializer, shape, dtype, op_name))

    def _zeros_slot(self, var: Variable, slot_name: str, op_name: str) -> Variable:
        return self._slot(var, slot_name, lambda: create_zeros_slot(var, op_name))

    def _slot(self, var: Variable | RowsOf, slot_name: str, make: Callable[[], Variable]) -> Variable:
        slots = self._slots.setdefault(slot_name, {})
        if not isinstance(var, Variable):
            return var.beside(slots[var.variable])  # type: ignore[return-value]
        if var not in slots:
            slots[var] = make()
        return slots[var]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Variable) -> Variable:
        """A variable that all variables of a graph share, such as a power of a decay rate."""
        key = (name, colocate_with.graph)
        if key not in self._non_slots:
            self._non_slots[key] = Variable(initial_value, name=name, trainable=False)
        return self._non_slots[key]

    def _get_non_slot_variable(self, name: str, graph: Graph | None = None) -> Variable:
        return self._non_slots[name, (graph or get_default_graph()).outermost]

    @staticmethod
    def _call_if_callable(value: Any) -> Any:
        """A setting of the optimizer: a number, a tensor, or a function that gives one."""
        return value() if callable(value) and not isinstance(value, (Tensor, Variable)) else value


class Settings:
    """The settings of an optimizer as tensors, in the dtype of each variable that asks."""

    def __init__(self, **values: Any):
        self._tensors = {name: convert_to_tensor(value, name=name) for name, value in values.items()}
        self._converted: dict[tuple[str, DType], Tensor] = {}

    def of(self, name: str, dtype: DType) -> Tensor:
        """The setting ``name`` as ``dtype``."""
        key = (name, dtype)
        if key not in self._converted:
            self._converted[key] = cast(self._tensors[name], dtype)
        return self._converted[key]


def _flat(var_list: Any) -> list[Any]:
    flat: list[Any] = []
    for item in as_list(var_list):
        flat.extend(_flat(item) if isinstance(item, (list, tuple)) else [item])
    return flat


def _check_float(tensor: Any) -> None:
    if tensor.dtype not in FLOATS:
        names = [dtype.name for dtype in FLOATS]
        raise ValueError(f"Invalid type {tensor.dtype!r} for {tensor.name}, expected: {names}.")


def _checked_pairs(grads_and_vars: Any) -> list[tuple[Any, Variable]]:
    pairs = tuple(grads_and_vars)
    if not pairs:
        raise ValueError("No variables provided.")
    for _, variable in pairs:
        if not isinstance(variable, Variable):
            raise TypeError(f"Argument is not a variable: {variable}")
    with_gradient = [(grad, variable) for grad, variable in pairs if grad is not None]
    if not with_gradient:
        raise ValueError(f"No gradients provided for any variable: {[str(variable) for _, variable in pairs]}.")
    return with_gradient
