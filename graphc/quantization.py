"""``tf.quantization``: floats rounded as if they were held in few bits, so that training gets used to it.

Adjoints go straight through where a value is within the range (Bengio, Leonard and Courville, 2013). Numbers of few
bits themselves are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.composites import div_no_nan
from graphc.lazily import when_named
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor, convert_together, graph_of
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.reduction import reduce_max, reduce_min, reduce_sum

__all__ = [
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_per_channel",
    "quantize_and_dequantize",
    "quantize_and_dequantize_v2",
]

__getattr__ = when_named(__name__, "tf.quantization", {})


def quantize_and_dequantize(
    input: Any, input_min: Any, input_max: Any, signed_input: bool = True, num_bits: int = 8,
    range_given: bool = False, round_mode: str = "HALF_TO_EVEN", name: str | None = None, narrow_range: bool = False,
) -> Tensor:  # fmt: skip
    """``input`` rounded to the whole multiples of a step that ``num_bits`` can count; its adjoint is that of ``input``.

    The range is ``[input_min, input_max]`` where ``range_given``, else that of the input; it is made wider so that 0 is
    a multiple. ``round_mode`` is ``HALF_TO_EVEN`` or ``HALF_UP``.
    """
    x, low, high = convert_together(input, input_min, input_max)
    if round_mode not in ("HALF_TO_EVEN", "HALF_UP"):
        raise ValueError(f"round_mode must be HALF_TO_EVEN or HALF_UP, not {round_mode!r}")
    least = (-(2 ** (num_bits - 1)) + narrow_range) if signed_input else 0
    greatest = 2 ** (num_bits - 1) - 1 if signed_input else 2**num_bits - 1

    def rounded(x: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Callable[..., Any]]:
        if not range_given:
            low, high = reduce_min(x), reduce_max(x)
        # the step is the greater one of the two sides
        step = high / greatest
        if least:
            step = e.maximum(step, low / least)
        inside = e.maximum(e.minimum(x, step * greatest), step * least) if range_given else x
        steps = div_no_nan(inside, step)
        whole = e.round(steps) if round_mode == "HALF_TO_EVEN" else e.floor(steps + 0.5)
        return whole * step, lambda grad: (grad, None, None)

    with graph_of([x]).name_scope(name or "QuantizeAndDequantize") as scope:
        return e.identity(custom_gradient(rounded)(x, low, high), name=scope)


quantize_and_dequantize_v2 = quantize_and_dequantize


def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """``inputs`` within ``[min, max]``, rounded to ``2 ** num_bits`` values of that range, of which 0 is one."""
    if not min < max:
        raise ValueError(f"fake_quant_with_min_max_args needs min < max, not {min} and {max}")
    return _fake(inputs, min, max, num_bits, narrow_range, name or "FakeQuantWithMinMaxArgs", channels=False)


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """The same for scalars ``min`` and ``max`` that may be learnt: values beyond them pull at them."""
    return _fake(inputs, min, max, num_bits, narrow_range, name or "FakeQuantWithMinMaxVars", channels=False)


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Tensor:
    """The same for vectors ``min`` and ``max``, one number for each channel, which is the last axis."""
    return _fake(inputs, min, max, num_bits, narrow_range, name or "FakeQuantWithMinMaxVarsPerChannel", channels=True)


def _fake(inputs: Any, low: Any, high: Any, bits: int, narrow: bool, name: str, channels: bool) -> Tensor:
    x, bottom, top = convert_together(inputs, low, high)
    if not 2 <= bits <= 16:
        raise ValueError(f"{name}: num_bits must be between 2 and 16 inclusive, not {bits}")
    over = list(range((x.type.rank or 1) - 1)) if channels else None
    least, greatest = (1 if narrow else 0), 2**bits - 1

    def rounded(x: Tensor, bottom: Tensor, top: Tensor) -> tuple[Tensor, Callable[..., Any]]:
        step = (top - bottom) / (greatest - least)
        # The range moves so that 0 is a multiple of the step (Jacob et al., CVPR 2018, section 3).
        zero = e.floor(e.minimum(e.maximum(least - bottom / step, least), greatest) + 0.5)
        first, last = (least - zero) * step, (greatest - zero) * step
        inside = e.maximum(e.minimum(x, last), first)
        y = e.floor((inside - first) / step + 0.5) * step + first

        def adjoints(grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            nothing = convert_to_tensor(0, grad.dtype)
            under, above = e.less(x, first), e.greater(x, last)
            own = e.select(e.logical_or(under, above), nothing, grad)
            sides = (reduce_sum(e.select(side, grad, nothing), over) for side in (under, above))
            return own, *sides  # type: ignore[return-value]

        return y, adjoints

    with graph_of([x]).name_scope(name) as scope:
        return e.identity(custom_gradient(rounded)(x, bottom, top), name=scope)
