"""Tables for people: step times and their ratio to the best other system, and what starting costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import exp, inf, isnan, log
from statistics import median

from benchmarks.measure import Measured

OURS = "graphc"
# Losses of the same steps differ by rounding only; float32 sums of some hundred terms, over some steps.
CLOSE = 2e-3
COMPARED = 10
Statistic = Callable[[list[float]], float]


def table(measured: dict[str, Measured]) -> str:
    """A line for each system; both ratios are to the best other system, by median and by least."""
    heads = ("median", "ratio", "least", "ratio", "import", "compile", "first", "warm", "memory")
    lines = [line("", *heads)]
    for system, one in measured.items():
        lines.append(
            line(system, *fields(measured, one)) if one.steps else f"  {system:15}  {one.failed or one.lacking}"
        )
    return "\n".join([*lines, *disagreements(measured)])


def heading(systems: Iterable[str]) -> str:
    """Above the lines of a sweep."""
    return f"  {'':48}" + "".join(f"{name.replace('tensorflow', 'tf'):>12}" for name in (*systems, "ratio", "least"))


def line_of_case(case: str, measured: dict[str, Measured], systems: Iterable[str]) -> str:
    """The median step of each system on one case of a sweep, our ratio by median and by least; then what failed."""
    shown = [measured.get(system, Measured()) for system in systems]
    times = "".join(f"{pretty(median(one.steps)) if one.steps else '-':>12}" for one in shown)
    ratios = (ratio(measured, statistic) for statistic in (median, min))
    both = "".join(f"{'' if one is None else f'{one:.2f}':>12}" for one in ratios)
    failures = [f"  {'':15}{system}: {one.failed}" for system, one in measured.items() if one.failed]
    return "\n".join([f"  {case:48}{times}{both}", *failures, *disagreements(measured)])


def line(name: str, *fields: str) -> str:
    """In columns."""
    return f"  {name:15}" + "".join(f"{field:>9}" for field in fields)


def fields(measured: dict[str, Measured], one: Measured) -> Iterator[str]:
    """What stands after the system's name."""
    for statistic in (median, min):
        yield pretty(statistic(one.steps))
        best = best_other(measured, statistic)
        yield f"{statistic(one.steps) / statistic(measured[best].steps):.2f}" if best else ""
    yield from (pretty(one.imports), pretty(one.compile))
    yield from (pretty(median(times)) if times else "" for times in (one.first, one.warm))
    yield megabytes(one.peak)


def best_other(measured: dict[str, Measured], statistic: Statistic) -> str | None:
    """The fastest system besides ours, by one way to sum up times."""
    times = {system: statistic(one.steps) for system, one in measured.items() if one.steps and system != OURS}
    return min(times, key=times.__getitem__, default=None)


def ratio(measured: dict[str, Measured], statistic: Statistic = median) -> float | None:
    """Our time by that of the best other system: below 1 we are faster."""
    best = best_other(measured, statistic)
    ours = measured.get(OURS)
    if best is None or ours is None or not ours.steps:
        return None
    return statistic(ours.steps) / statistic(measured[best].steps)


def geometric_mean(ratios: list[float]) -> float:
    """exp(mean(log))"""
    return exp(sum(map(log, ratios)) / len(ratios))


def disagreements(measured: dict[str, Measured]) -> Iterator[str]:
    """A line for each system whose values are not those of half of the others; of two, nobody knows which is wrong."""
    valued = {system: one.values[:COMPARED] for system, one in measured.items() if one.values}
    for system, values in valued.items():
        others = sorted(off(values, those) for other, those in valued.items() if other != system)
        if others and others[(len(others) - 1) // 2] > CLOSE:
            yield f"  DIFFERENT VALUES: {system} is off by {others[(len(others) - 1) // 2]:.1e}"


def off(values: list[float], others: list[float]) -> float:
    """The greatest relative difference; infinite where one is not a number."""
    differences = (abs(a - b) / max(abs(b), 1e-6) for a, b in zip(values, others))
    return max(inf if isnan(difference) else difference for difference in differences)


def pretty(seconds: float | None) -> str:
    """Three digits and the unit that fits."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def megabytes(size: int | None) -> str:
    """Whole megabytes."""
    return "" if size is None else f"{size / 1e6:.0f} MB"
