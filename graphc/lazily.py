"""Names of a namespace that load when a program first says them, so that importing graphc stays cheap."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from graphc.left_out import ADVICE, LeftOut

__all__ = ["when_named"]


def when_named(namespace: str, label: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module whose names stand in ``places``.

    A place is a module ("graphc.aot": the name stands for the module) or a thing in one ("graphc.queues:FIFOQueue").
    ``label`` is what users call the namespace in the error for a name that is not there. A name that is left out on
    purpose is found, and says so when it is used.
    """

    inside = "".join(f"{part}." for part in label.split(".")[1:])  # what stands between "tf." and the name

    def load(name: str) -> Any:
        if name not in places:
            full = f"tf.{inside}{name}"
            if full.removeprefix("tf.") in ADVICE:
                return LeftOut(full)
            text = f"{label} has no {name!r}; dir({label}) lists what it has of TensorFlow 1"
            # With the module Python can say "Did you mean: ..." under the traceback.
            raise AttributeError(text, name=name, obj=sys.modules[namespace])
        module, _, thing = places[name].partition(":")
        found = getattr(import_module(module), thing) if thing else import_module(module)
        setattr(sys.modules[namespace], name, found)
        return found

    return load
