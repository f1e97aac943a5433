"""The order of actions: it fits what must come first, and keeps few bytes in memory at once."""

import random

from graphc.codegen.order import Made, Order, peak_bytes


def _order(values, extra=()):
    order = Order(1 + max(number for value in values for number in (value.maker, *value.readers)))
    for value in values:
        for reader in value.readers:
            order.require(value.maker, reader)
    for first, second in extra:
        order.require(first, second)
    return order


def test_the_bytes_of_an_order_are_those_of_its_fullest_moment():
    values = [Made(100, 0, [1]), Made(10, 1, [2]), Made(1, 2, [], kept=True)]
    assert peak_bytes([0, 1, 2], values) == 110
    assert peak_bytes([], []) == 0


def test_a_value_that_nobody_reads_is_there_while_it_is_made():
    assert peak_bytes([0, 1], [Made(100, 0, []), Made(10, 1, [], kept=True)]) == 100


def test_the_order_of_the_program_stands_where_another_saves_nothing():
    values = [Made(8, 0, [2]), Made(8, 1, [3]), Made(8, 2, [4]), Made(8, 3, [4])]
    assert list(_order(values).sorted(values)) == [0, 1, 2, 3, 4]
    assert list(_order(values).sorted()) == [0, 1, 2, 3, 4]


def test_branches_declared_side_by_side_run_one_after_the_other():
    """Each of ten branches makes a large value and then a small one; all large ones are declared first."""
    branches = range(10)
    values = [Made(1000, n, [10 + n]) for n in branches] + [Made(1, 10 + n, [20]) for n in branches]
    order = _order(values)
    sequence = order.sorted(values)
    assert peak_bytes(range(21), values) == 10_001
    assert peak_bytes(sequence, values) == 1010
    assert sequence[:4] == [0, 10, 1, 11]


def test_what_uses_a_gradient_up_does_not_wait_for_the_others():
    """A chain of adjoints 0, 1, 2, ... each gives the gradient of a weight, which an update takes in."""
    values = [Made(8, n, [n + 1]) for n in range(7)] + [Made(1000, n, [8 + n]) for n in range(8)]
    sequence = _order(values).sorted(values)
    assert peak_bytes(range(16), values) == 8008
    assert peak_bytes(sequence, values) <= 2016


def test_any_order_fits_and_is_no_worse_than_that_of_the_program():
    for seed in range(60):
        draw = random.Random(seed)
        count = draw.randint(2, 40)
        values = []
        for maker in range(count - 1):
            readers = sorted({draw.randint(maker + 1, count - 1) for _ in range(draw.randint(0, 3))})
            values.append(Made(draw.choice([0, 1, 8, 64, 512]), maker, readers, draw.random() < 0.1))
        values.append(Made(1, count - 1, [], kept=True))
        first, second = sorted(draw.sample(range(count), 2))
        sequence = _order(values, [(first, second)]).sorted(values)
        assert sorted(sequence) == list(range(count))
        when = {action: place for place, action in enumerate(sequence)}
        assert all(when[value.maker] < when[reader] for value in values for reader in value.readers), seed
        assert when[first] < when[second]
        assert peak_bytes(sequence, values) <= peak_bytes(range(count), values)
