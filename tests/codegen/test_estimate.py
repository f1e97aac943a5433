"""Operations and bytes of kernels, as polynomials of their sizes."""

from __future__ import annotations

from graphc.codegen.estimate import estimate
from graphc.codegen.target import named
from graphc.dims import symbol
from tests.codegen.plain_kernels import columns, elementwise, gather, scatter
from tests.codegen.test_emit import dense


def test_elementwise():
    flops, read, written = estimate(elementwise(symbol("n")))
    assert (str(flops), str(read), str(written)) == ("3*n", "8*n", "4*n")
    assert estimate(elementwise(10)).moved == 120


def test_reductions_count_their_combinations():
    n = symbol("n")
    assert estimate(columns(n)) == (n * 37 * 3, n * 37 * 4, 2 * 37 * 4)


def test_a_gather_reads_what_it_asks_for():
    n = symbol("n")
    assert estimate(gather(n)).read == n * 4 + n * 6 * 4
    assert estimate(scatter(n)).flops == n * 6


def test_contraction_with_epilogue():
    n = symbol("n")
    flops, read, written = estimate(dense(n, named("avx2")))
    assert flops == n * 21 * (2 * 7 + 2)
    assert read == n * 7 * 4 + 7 * 21 * 4 + 21 * 4 and written == n * 21 * 4
