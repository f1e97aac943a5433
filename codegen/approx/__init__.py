"""Mathematics of our own: vector functions as LLVM instructions, without any library, at most 2 ulp off.

Every function has the form ``exp(builder, x, fma=...) -> value``; x is a ``float``, a ``double``, or a vector of them,
and the result has its type. ``fma`` says whether the target has fused multiply-add. One ulp is the distance of
neighbouring floats around the true value. Largest errors found by sweeps, in ulp (float32, float64):

=========  ====  ====        ========  ====  ====        ====  ====  ====
exp        1.17  1.12        tanh      1.30  1.30        sin   1.60  1.60
expm1      1.18  1.15        sigmoid   1.65  1.70        cos   1.60  1.60
log        0.86  0.85        softplus  1.70  1.72        tan   0.64  1.96
log1p      1.40  1.13        erf       1.13  1.10        pow   0.51  0.91
=========  ====  ====        ========  ====  ====        ====  ====  ====

Infinities, NaN, signed zeros and the smallest numbers behave as in NumPy; nothing is flushed to zero.
"""

from __future__ import annotations

from graphc.codegen.approx.error_function import erf
from graphc.codegen.approx.exponential import exp, expm1
from graphc.codegen.approx.hyperbolic import sigmoid, tanh
from graphc.codegen.approx.logarithm import log, log1p, softplus
from graphc.codegen.approx.power import integer_pow, pow, unsigned_pow
from graphc.codegen.approx.trigonometric import cos, sin, sincos_bounded, tan

__all__ = [
    "cos",
    "erf",
    "exp",
    "expm1",
    "integer_pow",
    "log",
    "log1p",
    "pow",
    "sigmoid",
    "sin",
    "sincos_bounded",
    "softplus",
    "tan",
    "tanh",
    "unsigned_pow",
]
