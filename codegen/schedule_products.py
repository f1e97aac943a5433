"""Contractions with few results and much to add up, as weight gradients have them, in two kernels for all threads.

The pieces are fixed by shapes, and so are the bits of the result.
"""

from __future__ import annotations

from graphc.codegen import choose, choose_tasks
from graphc.codegen.loops import Accumulate, Buffer, Contract, Declare, For, Kernel, Let, Literal, Load, Local, Store
from graphc.codegen.schedule_cost import estimate_size
from graphc.codegen.schedule_split import ENOUGH_TASKS, around, kernel_of, place_of
from graphc.codegen.target import Target
from graphc.dims import DimLike, Symbol, atom, product
from graphc.records import replace

TOO_FEW_TILES = 4  # No more tasks than these can be made of the result.
WORTH = 16 * choose_tasks.TASK_FLOPS  # A second kernel costs some microseconds.


def split_product(kernel: Kernel, target: Target) -> tuple[Kernel, Kernel] | None:
    """A contraction as two kernels, the sums of pieces and their combination; None where it does not pay::

                                       contract p, j, c over k < 512:         for j < 6:
    contract j, c over k < 4096:         partials[p,j,c] = result               for c < 16:
      y[j,c] = result             ->                                              result = 0
                                                                                  for p < 8:
                                                                                    result += partials[p,j,c]
                                                                                  y[j,c] = result
    """
    contract = kernel.body[0]
    if len(kernel.body) != 1 or not isinstance(contract, Contract) or kernel.scratch:
        return None
    cut = _pieces(contract, target)
    return None if cut is None else _split(kernel, contract, *cut)


def _pieces(contract: Contract, target: Target) -> tuple[int, int] | None:
    """Which loop of K is cut, and into how many equal pieces; the same for every number of threads and cores."""
    spec = contract.spec
    results, k = (estimate_size(product(axis.extent for axis in axes)) for axes in (spec.output, spec.inner))
    rows, columns = (estimate_size(product(axis.extent for axis in axes)) for axes in (spec.rows, spec.cols))
    plan = choose.plan(spec, target)
    tiles = estimate_size(plan.outer * plan.tiles * plan.column_panels)
    if tiles >= TOO_FEW_TILES or 2 * results * k < WORTH:
        return None
    # Partial sums are little against what is read.
    most = min(ENOUGH_TASKS // max(tiles, 1), k * (rows + columns) // (4 * rows * columns))
    for level, axis in enumerate(spec.inner):
        if not isinstance(axis.extent, int) or any(edge.inner == level for edge in spec.edges):
            continue
        pieces = next((n for n in range(min(most, axis.extent), 1, -1) if axis.extent % n == 0), 1)
        if pieces > 1:
            return level, pieces
    return None


def _split(kernel: Kernel, contract: Contract, level: int, pieces: int) -> tuple[Kernel, Kernel]:
    spec = contract.spec
    axis = spec.inner[level]
    assert isinstance(axis.extent, int), "a loop of K that is cut has a known length"
    length = axis.extent // pieces
    results: DimLike = product(axis.extent for axis in spec.output)
    piece = Symbol("piece", pieces)
    partials = Buffer("partials0", spec.dtype, pieces * results)
    at = atom(piece) * results + place_of(contract.coordinates)
    first = replace(
        contract,
        spec=replace(
            spec,
            batch=(replace(axis, extent=pieces, a=length * axis.a, b=length * axis.b), *spec.batch),
            inner=(*spec.inner[:level], replace(axis, extent=length), *spec.inner[level + 1 :]),
        ),
        coordinates=(piece, *contract.coordinates),
        epilogue=(Store(partials, at, Local(contract.result, spec.dtype)),),
    )
    total = f"{contract.result}_total"
    second = around(
        contract.coordinates,
        (
            Declare(total, spec.dtype, Literal(0, spec.dtype)),
            For(piece, (Accumulate(total, "add", Load(partials, at)),)),
            Let(contract.result, Local(total, spec.dtype)),
            *contract.epilogue,
        ),
    )
    whole = replace(kernel, arguments=(*kernel.arguments, partials))
    return kernel_of(f"{kernel.name}_pieces", whole, (first,)), kernel_of(kernel.name, whole, second)
