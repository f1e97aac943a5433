"""``tf.contrib``: what TensorFlow 1 kept beside its core and programs lean on; each part loads when it is first named.

import graphc.contrib.slim as slim
"""

from graphc.lazily import when_named

# A part for each line: a module or a package of this folder.
_LATER = {
    "linalg": "graphc.contrib.linalg",
    "image": "graphc.contrib.image",
    "data": "graphc.contrib.data",
    "distributions": "graphc.contrib.distributions",
    "framework": "graphc.contrib.framework",
    "rnn": "graphc.contrib.rnn",
    "training": "graphc.contrib.training",
    "layers": "graphc.contrib.layers",
    "legacy_seq2seq": "graphc.contrib.legacy_seq2seq",
    "lookup": "graphc.contrib.lookup",
    "losses": "graphc.contrib.losses",
    "seq2seq": "graphc.contrib.seq2seq",
    "metrics": "graphc.contrib.metrics",
    "nn": "graphc.contrib.nn",
    "opt": "graphc.contrib.opt",
    "resampler": "graphc.contrib.resampler",
    "signal": "graphc.contrib.signal",
    "slim": "graphc.contrib.slim",
    "util": "graphc.contrib.util",
}

__getattr__ = when_named(__name__, "graphc.contrib", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
