"""``tensorflow.contrib.framework.python``: where programs import from that reach past the namespace."""

from graphc.lazily import when_named

_LATER = {
    "ops": "graphc.contrib.framework.python.ops",
}

__getattr__ = when_named(__name__, "graphc.contrib.framework.python", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
