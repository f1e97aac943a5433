"""Names, order and defaults of arguments are those of TensorFlow 1."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent.parent / "docs" / "make_symbols.py"

# Arguments that TensorFlow got after 1.15, or that its 1.15 had and later versions dropped.
LATER = {
    "alg", "align", "allow_fast_lookup", "bad_indices_policy", "defaults", "exclude_cols", "encoding", "experimental",
    "exponential_avg_factor", "fn_output_signature", "grad_a", "grad_b", "index_type", "layout", "log_warning",
    "output_type", "required", "return_index_map", "save_graph_def", "sparse_gradient", "stateful",
    "stop_on_empty_dataset", "use_own_namescope_for_non_slot_vars", "value_index_offset",
}  # fmt: skip
DROPPED = {"_sentinel"}
LATER_OF = {
    "data.FixedLengthRecordDataset": {"name"}, "data.TFRecordDataset": {"name"}, "data.TextLineDataset": {"name"},
    "lin_space": {"axis"}, "linspace": {"axis"}, "train.FtrlOptimizer": {"beta"},
    "make_tensor_proto": {"allow_broadcast"}, "vectorized_map": {"fallback_to_while_loop", "warn"},
    "image.non_max_suppression_padded": {"sorted_input", "canonicalized_coordinates", "tile_size"},
    "quantization.quantize_and_dequantize": {"axis"}, "quantization.quantize_and_dequantize_v2": {"axis"},
}  # fmt: skip
# What differs for a reason.
REASONS = {
    "DType": "made by graphc alone",
    "QueueBase": "made by graphc alone",
    "layers.Flatten": "channels last by its name, where TensorFlow says None",
    "ReaderBase": "made by graphc alone",
    "keras.initializers.VarianceScaling": "later versions lack the dtype, as those below",
    "keras.initializers.glorot_normal": "as VarianceScaling",
    "keras.initializers.glorot_uniform": "as VarianceScaling",
    "data.Iterator": "made by graphc alone",
    "distributions.Distribution": "a base class with what graphc's own need",
    "linalg.LinearOperator": "a base class with what graphc's own need",
    "flags.Flag": "made by DEFINE",
    "flags.DEFINE": "one flag that takes a module_name less",
    "nn.swish": "1.15 has a name, later versions beta",
    "nn.conv2d_backprop_filter": "takes filters as well",
    "numpy_function": "later versions have stateful before the name",
    "get_variable": "one device: neither synchronization nor aggregation",
    "get_local_variable": "as get_variable",
    "data.experimental.make_csv_dataset": "refuses whatever it is given",
    "data.experimental.rejection_resample": "refuses whatever it is given",
    "nn.static_state_saving_rnn": "refuses whatever it is given",
    "shape": "later versions find out_type at run time; 1.15 says int32",
    "size": "as shape",
    "train.Saver": "one format that all versions read",
    "train.remove_checkpoint": "as train.Saver",
}


def _arguments(function: Any) -> dict[str, Any]:
    found = list(inspect.signature(function).parameters.values())
    if found and found[0].name in ("self", "cls"):
        found = found[1:]
    return {p.name: p.default for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _alike(theirs: Any, ours: Any) -> bool:
    """Whether two defaults are the same; ours may have one where TensorFlow asks for a value."""
    if theirs is inspect.Parameter.empty:
        return True
    if callable(theirs) and callable(ours):
        # An initializer has no name; its class, which graphc has as the default, does.
        return getattr(theirs, "__name__", type(theirs).__name__) == getattr(ours, "__name__", type(ours).__name__)
    if hasattr(theirs, "as_numpy_dtype"):
        return theirs.name == getattr(ours, "name", None)
    if isinstance(theirs, (list, tuple)):
        return list(theirs) == list(ours if isinstance(ours, (list, tuple)) else [ours] * len(theirs))
    if type(theirs) is object or getattr(theirs, "value", None) == ours:
        return True  # a mark for "not given"; an enumeration's value
    return repr(theirs) == repr(ours) or theirs == ours


def difference(name: str, theirs: dict[str, Any], ours: dict[str, Any]) -> str | None:
    """What differs between two lists of arguments; ours may have more behind those of TensorFlow."""
    later = (LATER | LATER_OF.get(name, set())) - set(ours)
    wanted = [argument for argument in theirs if argument not in later]
    came = [argument for argument in ours if argument not in DROPPED - set(theirs)]
    if came[: len(wanted)] != wanted:
        return f"{name}({', '.join(came)}), TensorFlow ({', '.join(wanted)})"
    other = [f"{a}={ours[a]!r}, TensorFlow {theirs[a]!r}" for a in wanted if not _alike(theirs[a], ours[a])]
    return f"{name}: {'; '.join(other)}" if other else None


def _both_in(tensorflow: Any, name: str) -> Any:
    thing = tensorflow
    for part in name.split("."):
        thing = getattr(thing, part, None)
    return thing


def _is_function(thing: Any) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_arguments_are_those_of_tensorflow() -> None:
    import tensorflow.compat.v1 as v1

    spec = importlib.util.spec_from_file_location("make_symbols", PROGRAM)
    assert spec and spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    compared, differences = 0, []
    for symbol in maker.symbols():
        theirs, ours = _both_in(v1, symbol.name), maker.found(symbol.name)
        if not _is_function(theirs) or not _is_function(ours) or "NotImplementedError" in (inspect.getdoc(ours) or ""):
            continue
        try:
            pair = _arguments(theirs), _arguments(ours)
        except ValueError:  # a function written in C
            continue
        compared += 1
        found = difference(symbol.name, *pair)
        if found and symbol.name not in REASONS:
            differences.append(found)
    assert not differences, "\n".join(differences)
    assert compared > 1000
