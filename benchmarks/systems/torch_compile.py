"""PyTorch with torch.compile: forward and backward compiled together, the fused optimizer after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.systems.torch import Steps, Words


class CompiledWords(Words):
    """As eager, but derivatives inside the model are taken by torch.func, which torch.compile can trace."""

    def derivatives(self, function: Callable[..., tuple[Any, Any]], *inputs: Any) -> tuple[tuple[Any, ...], Any, Any]:
        def total(*inputs: Any) -> tuple[Any, tuple[Any, Any]]:
            y, more = function(*inputs)
            return y.sum(), (y, more)

        places = tuple(range(len(inputs)))
        gradients, (y, more) = torch.func.grad(total, argnums=places, has_aux=True)(*inputs)
        return gradients, y, more


_steps = Steps(CompiledWords(), torch.compile)
training, function = _steps.training, _steps.function
