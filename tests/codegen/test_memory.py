"""Plans of memory: what lives at the same time lies apart, and what does not shares."""

from __future__ import annotations

import random

import pytest

from graphc.codegen import memory
from graphc.codegen.memory import Block, plan
from graphc.dims import evaluate, symbol


def random_blocks(count: int, seed: int) -> list[Block]:
    """Blocks of mixed sizes and lives."""
    source = random.Random(seed)
    blocks = []
    for _ in range(count):
        first = source.randrange(count)
        blocks.append(Block(source.choice((4, 64, 100, 4096, 8192)), first, first + source.randrange(12)))
    return blocks


def assert_apart(blocks: list[Block], offsets: list[int], sizes: list[int], end: int) -> None:
    """No two blocks that meet overlap."""
    assert all(offset % memory.ALIGNMENT == 0 for offset in offsets)
    assert max(offset + size for offset, size in zip(offsets, sizes, strict=True)) <= end
    for n, block in enumerate(blocks):
        for m in range(n):
            if block.meets(blocks[m]):
                assert offsets[n] >= offsets[m] + sizes[m] or offsets[m] >= offsets[n] + sizes[n]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most_by_size", [0, 1000])
def test_blocks_that_live_together_lie_apart(seed: int, most_by_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_BY_SIZE", most_by_size)
    blocks = random_blocks(200, seed)
    layout = plan(blocks)
    assert_apart(blocks, list(layout.offsets), [block.size for block in blocks], layout.size)
    alive = max(sum(-(-b.size // 64) * 64 for b in blocks if b.first <= t <= b.last) for t in range(212))
    assert alive <= layout.size <= 1.35 * alive


def test_a_chain_takes_two_places() -> None:
    layout = plan([Block(1000, n, n + 1) for n in range(600)])
    assert layout.size == 2 * 1024


def test_symbolic_sizes_share_with_their_like() -> None:
    n = symbol("n")
    blocks = [Block(256 * n, k, k + 1) for k in range(6)] + [Block(64 * n, 0, 9), Block(100, 0, 3), Block(100, 4, 9)]
    layout = plan(blocks)
    assert layout.size == 2 * 256 * n + 64 * n + 128
    sizes = [evaluate(block.size, {"n": 3}) for block in blocks]
    assert_apart(blocks, [evaluate(x, {"n": 3}) for x in layout.offsets], sizes, evaluate(layout.size, {"n": 3}))


def test_nothing_takes_nothing() -> None:
    assert plan([]).size == 0


@pytest.mark.parametrize("seed", range(3))
def test_blocks_without_bytes_stand_among_very_many_others(seed: int) -> None:
    blocks = [
        Block(block.size if n % 3 else 0, block.first, block.last) for n, block in enumerate(random_blocks(600, seed))
    ]
    held = [(block, offset) for block, offset in zip(blocks, plan(blocks).offsets, strict=True) if block.size]
    assert_apart([b for b, _ in held], [at for _, at in held], [b.size for b, _ in held], plan(blocks).size)


def test_very_many_blocks() -> None:
    """Forward values kept for a backward sweep, all alive in the middle: a quadratic plan would take minutes."""
    blocks = [Block(8192, n, 40_000 - n) for n in range(20_000)]
    assert plan(blocks).size == 8192 * 20_000
