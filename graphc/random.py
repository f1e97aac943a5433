"""Random tensors: the names of ``tf.random``."""

from graphc.lazily import when_named
from graphc.ops.random import (
    get_seed,
    random_normal,
    random_uniform,
    truncated_normal,
)
from graphc.ops.random import (
    random_normal as normal,
)
from graphc.ops.random import (
    random_uniform as uniform,
)
from graphc.ops.sampling import categorical, multinomial
from graphc.ops.sampling import random_crop as crop
from graphc.ops.sampling import random_shuffle as shuffle
from graphc.scopes import set_random_seed

_LATER = {
    "all_candidate_sampler": "graphc.nn.candidates:all_candidate_sampler",
    "fixed_unigram_candidate_sampler": "graphc.nn.candidates:fixed_unigram_candidate_sampler",
    "gamma": "graphc.distributions.gamma_samples:random_gamma",
    "learned_unigram_candidate_sampler": "graphc.nn.candidates:learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler": "graphc.nn.candidates:log_uniform_candidate_sampler",
    "poisson": "graphc.distributions.poisson_samples:random_poisson",
    "stateless_categorical": "graphc.ops.stateless:stateless_categorical",
    "stateless_multinomial": "graphc.ops.stateless:stateless_multinomial",
    "stateless_normal": "graphc.ops.stateless:stateless_random_normal",
    "stateless_truncated_normal": "graphc.ops.stateless:stateless_truncated_normal",
    "stateless_uniform": "graphc.ops.stateless:stateless_random_uniform",
    "uniform_candidate_sampler": "graphc.nn.candidates:uniform_candidate_sampler",
}

__getattr__ = when_named(__name__, "tf.random", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "categorical",
    "crop",
    "get_seed",
    "multinomial",
    "normal",
    "random_normal",
    "random_uniform",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
