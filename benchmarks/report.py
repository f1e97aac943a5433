"""Tables for people: medians, least times, and the ratio to the best other system."""

from __future__ import annotations

from statistics import median

from measure import Measured

OURS = "graphc"
# Losses of the same steps differ by rounding only; float32 sums of a few hundred terms, over twenty steps.
CLOSE = 1e-3


def table(measured: dict[str, Measured]) -> str:
    """One line for each system and label."""
    labels = sorted({label for one in measured.values() for label in one.seconds})
    lines = []
    for label in labels:
        times = {peer: one.seconds[label] for peer, one in measured.items() if label in one.seconds}
        for peer, seconds in times.items():
            middle, least = pretty(median(seconds)), pretty(min(seconds))
            lines.append(f"  {label:9} {peer:11} median {middle:>10}   least {least:>10}   of {len(seconds)}")
        lines += ratios(label, times)
    lines += [f"  {'':9} {peer:11} {one.failed}" for peer, one in measured.items() if one.failed]
    return "\n".join(lines)


def ratios(label: str, times: dict[str, list[float]]) -> list[str]:
    """The best other system's time divided by ours: above 1 we are faster."""
    if OURS not in times or len(times) < 2:
        return []
    parts = []
    for name, statistic in (("median", median), ("least", min)):
        best = min((peer for peer in times if peer != OURS), key=lambda peer: statistic(times[peer]))
        ratio = statistic(times[best]) / statistic(times[OURS])
        parts.append(f"{ratio:.2f} by {name} (best other: {best})")
    return [f"  {label:9} ratio       {'; '.join(parts)}"]


def disagreement(measured: dict[str, Measured]) -> list[str]:
    """A line for each system whose values are not those of the first."""
    with_values = {peer: one.values for peer, one in measured.items() if one.values}
    lines = []
    for peer, values in list(with_values.items())[1:]:
        first = next(iter(with_values))
        off = max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(values, with_values[first], strict=True))
        if not off < CLOSE:
            lines.append(f"  DIFFERENT VALUES: {peer} is off by {off:.1e} of those of {first}")
    return lines


def pretty(seconds: float) -> str:
    """Three digits and the unit that fits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
