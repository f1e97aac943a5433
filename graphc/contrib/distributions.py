"""``tf.contrib.distributions``: those of ``tf.distributions``, and those over vectors."""

from graphc.distributions import bijectors
from graphc.distributions.continuous import (
    Beta,
    Exponential,
    Gamma,
    Laplace,
    Normal,
    NormalWithSoftplusScale,
    StudentT,
    Uniform,
)
from graphc.distributions.discrete import (
    Bernoulli,
    Categorical,
    Multinomial,
    OneHotCategorical,
)
from graphc.distributions.distribution import (
    FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED,
    Distribution,
    RegisterKL,
    ReparameterizationType,
    kl_divergence,
)
from graphc.distributions.transformed import (
    ConditionalDistribution,
    ConditionalTransformedDistribution,
    TransformedDistribution,
)
from graphc.distributions.vectors import (
    Dirichlet,
    MultivariateNormalDiag,
    MultivariateNormalDiagWithSoftplusScale,
)

__all__ = [
    "FULLY_REPARAMETERIZED",
    "NOT_REPARAMETERIZED",
    "Bernoulli",
    "Beta",
    "Categorical",
    "ConditionalDistribution",
    "ConditionalTransformedDistribution",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Laplace",
    "Multinomial",
    "MultivariateNormalDiag",
    "MultivariateNormalDiagWithSoftplusScale",
    "Normal",
    "NormalWithSoftplusScale",
    "OneHotCategorical",
    "RegisterKL",
    "ReparameterizationType",
    "StudentT",
    "TransformedDistribution",
    "Uniform",
    "bijectors",
    "kl_divergence",
]
