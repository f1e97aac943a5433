"""``slim.nets``: parts of well-known networks."""

from graphc.lazily import when_named

_LATER = {
    name: f"graphc.contrib.slim.nets.{name}"
    for name in ("inception", "inception_v3", "resnet_utils", "resnet_v1", "vgg")
}

__getattr__ = when_named(__name__, "graphc.contrib.slim.nets", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
