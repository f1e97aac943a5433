"""``tensorflow.contrib.slim.python``: where programs import from that reach past the namespace."""

from graphc.lazily import when_named

_LATER = {
    "slim": "graphc.contrib.slim.python.slim",
}

__getattr__ = when_named(__name__, "graphc.contrib.slim.python", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
