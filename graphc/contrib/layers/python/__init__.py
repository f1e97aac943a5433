"""``tensorflow.contrib.layers.python``: where programs import from that reach past the namespace."""

from graphc.lazily import when_named

_LATER = {
    "layers": "graphc.contrib.layers.python.layers",
}

__getattr__ = when_named(__name__, "graphc.contrib.layers.python", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
