"""What the layers of contrib share: variables of models under their names, and outputs kept in collections."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from graphc.contrib.framework.variables import model_variable
from graphc.nodes import Tensor
from graphc.ops.base import Const, is_tensor_like
from graphc.ops.branches import cond
from graphc.scopes import add_to_collections, get_collection, get_collection_ref
from graphc.shapes import TensorShape
from graphc.variables import Variable

RENAMED = {"bias": "biases", "kernel": "weights"}


def variable_getter(renamed: Mapping[str, str] | None = None) -> Callable[..., Variable]:
    """A custom getter that makes variables of the model, some of them under another name."""
    names = renamed or {}

    def get(
        getter: Callable[..., Variable],
        name: str,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        collections: Any = None,
        **_: Any,
    ) -> Variable:
        prefix, slash, own = name.rpartition("/")
        return model_variable(
            f"{prefix}{slash}{names.get(own, own)}", shape=shape, dtype=dtype, initializer=initializer,
            regularizer=regularizer, trainable=trainable, collections=collections, custom_getter=getter,
        )  # fmt: skip

    return get


def collections_of(variables_collections: Any, name: str) -> list[str]:
    """The collections of the variable ``name``, from a list for all variables or a dictionary by name."""
    if isinstance(variables_collections, Mapping):
        return list(variables_collections.get(name) or [])
    return list(variables_collections or [])


get_variable_collections = collections_of


def add_to(variable: Variable | None, variables_collections: Any, name: str) -> None:
    """Puts a variable that a layer made into the collections asked for."""
    if variable is None:
        return
    for collection in collections_of(variables_collections, name):
        if variable not in get_collection(collection):
            variable.graph.add_to_collection(collection, variable)


# -- outputs ---------------------------------------------------------------------------------------------


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Puts the outputs into the collections, to be found by ``alias`` in :func:`convert_collection_to_dict`."""
    if collections:
        append_tensor_alias(outputs, alias)
        add_to_collections(collections, outputs)
    return outputs


def append_tensor_alias(tensor: Tensor, alias: str) -> Tensor:
    """Gives a tensor one more name."""
    _aliases(tensor).append(alias.removesuffix("/"))
    return tensor


def gather_tensors_aliases(tensors: Any) -> list[str]:
    """All names of the tensors."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def get_tensor_aliases(tensor: Tensor) -> list[str]:
    """The names given to a tensor, or the name of its operation."""
    return list(_aliases(tensor)) or [tensor.op.name]


def _aliases(tensor: Tensor) -> list[str]:
    return tensor.graph.extras.setdefault("aliases", {}).setdefault(tensor, [])


def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> OrderedDict[str, Tensor]:
    """The tensors of a collection by their names, such as ``vgg/conv1``."""
    found = OrderedDict((alias, t) for t in get_collection(collection) for alias in get_tensor_aliases(t))
    if clear_collection:
        get_collection_ref(collection).clear()
    return found


# -- values and sizes that may be known ------------------------------------------------------------------


def constant_value(value_or_tensor_or_var: Any, dtype: Any = None) -> Any:
    """The value where it is known while declaring, else None."""
    value = value_or_tensor_or_var
    if value is None:
        raise ValueError("value_or_tensor_or_var cannot be None")
    if not is_tensor_like(value):
        return value
    kind = value.op.kind if isinstance(value, Tensor) else None
    return kind.value if isinstance(kind, Const) else None


def smart_cond(pred: Any, fn1: Callable[[], Any], fn2: Callable[[], Any], name: str | None = None) -> Any:
    """``fn1()`` where ``pred`` holds, else ``fn2()``: only one of them is declared where that is known."""
    known = constant_value(pred)
    if known is None:
        return cond(pred, fn1, fn2, name=name)
    return fn1() if known else fn2()


static_cond = smart_cond


def channel_dimension(shape: TensorShape, data_format: str | None, min_rank: int = 1) -> int:
    """The number of channels of inputs of this shape; ``ValueError`` where it or the rank is unknown."""
    return _dimension(shape, 1 if data_format and data_format.startswith("NC") else -1, min_rank)


def last_dimension(shape: TensorShape, min_rank: int = 1) -> int:
    """The last size; ``ValueError`` where it or the rank is unknown."""
    return _dimension(shape, -1, min_rank)


def first_dimension(shape: TensorShape, min_rank: int = 1) -> int:
    """The first size; ``ValueError`` where it or the rank is unknown."""
    return _dimension(shape, 0, min_rank)


def _dimension(shape: TensorShape, axis: int, min_rank: int) -> int:
    if shape.ndims is None:
        raise ValueError("dims of shape must be known but is None")
    if shape.ndims < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {shape.ndims}")
    value = shape[axis].value
    if value is None:
        raise ValueError("dimension must be known but is None")
    return int(value)


def two_element_tuple(int_or_tuple: Any) -> tuple[int, int]:
    """A pair from a number, a pair, or a shape of two sizes; ``ValueError`` for anything else."""
    if isinstance(int_or_tuple, TensorShape):
        int_or_tuple = int_or_tuple.as_list()
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    if isinstance(int_or_tuple, int):
        return int_or_tuple, int_or_tuple
    raise ValueError("Must be an int, a list with 2 elements or a TensorShape of length 2")


def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """``n`` numbers above 0 from one for all or one for each; ``ValueError`` otherwise."""
    numbers = (value,) * n if isinstance(value, int) else tuple(value)
    if len(numbers) != n or any(not isinstance(number, int) or number < 1 for number in numbers):
        raise ValueError(f"Expected {n} positive integers, got {value!r}")
    return numbers
