"""A Markdown table and a picture of what was measured: python -m benchmarks.publish RESULTS --table FILE --picture FILE

A table file that has the two marks of so many threads keeps what stands around them. What starting costs is told for
one thread only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Measured
from benchmarks.models import WORKLOADS
from benchmarks.record import Record
from benchmarks.report import best_other, geometric_mean, megabytes, pretty, ratio
from benchmarks.systems import NAMES

EMPTY = "–"


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("results", type=Path, help="written by python -m benchmarks --out")
    parser.add_argument("--table", type=Path, metavar="FILE", help="Markdown")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="SVG, or what else the name ends with")
    options = parser.parse_args()
    record = Record.read(options.results)
    if options.table:
        write_between_marks(options.table, "\n".join(page(record)) + "\n", record.machine["threads"])
    if options.picture:
        from benchmarks.picture import draw

        draw(record, options.picture)


def marks(threads: int) -> tuple[str, str]:
    """The lines before and after what was measured with so many threads."""
    what = "measured" if threads == 1 else f"measured with {threads} threads"
    return f"<!-- {what}: begin -->\n", f"<!-- {what}: end -->\n"


def write_between_marks(path: Path, text: str, threads: int) -> None:
    """Replace what stands between the marks, or else the whole file."""
    old = path.read_text() if path.exists() else ""
    before, begin, rest = old.partition(marks(threads)[0])
    _, end, after = rest.partition(marks(threads)[1])
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}" if begin and end else text)


def page(record: Record) -> Iterator[str]:
    """Step times, then what starting costs, then the sweeps."""
    systems = [system for system in NAMES if system in record.machine["versions"]]
    results = {name: record.results[name] for name in WORKLOADS if name in record.results}
    single = {name: cases[""] for name, cases in results.items() if "" in cases}
    yield from steps_table(single, systems)
    if record.machine["threads"] == 1:
        yield from starting(record, single, systems)
    for name, cases in results.items():
        if name not in single:
            yield from ("", f"{title(name).capitalize()}:", "")
            yield from steps_table(cases, systems)


def starting(record: Record, single: dict[str, dict[str, Measured]], systems: Sequence[str]) -> Iterator[str]:
    """What it costs to start, and memory."""
    for heading, shown in STARTING.items():
        rows = [
            (title(name), *(shown(measured.get(s, Measured())) for s in systems)) for name, measured in single.items()
        ]
        rows = [row for row in rows if set(row[1:]) != {EMPTY}]
        if rows:
            yield from ("", f"{heading}:", "")
            yield from table(("", *named(systems)), rows)
    yield from (
        "",
        f"Processor time of importing a system after NumPy, median of all its processes: {imports(record, systems)}.",
    )


def typical(times: list[float]) -> str:
    """Seconds."""
    return pretty(median(times)) if times else EMPTY


STARTING: dict[str, Callable[[Measured], str]] = {
    "Time from the start of the process to the first result, nothing cached": lambda one: typical(one.first),
    "The same with caches filled by an earlier process": lambda one: typical(one.warm),
    "Processor time of declaring, differentiating, compiling and the first call": lambda one: (
        pretty(one.compile) or EMPTY
    ),
    "Largest memory of the process, with the interpreter and the imported system": lambda one: (
        megabytes(one.peak) or EMPTY
    ),
    "Largest memory of a process that finds the caches filled, up to its first result": lambda one: (
        megabytes(one.warm_peak) or EMPTY
    ),
}


def imports(record: Record, systems: Sequence[str]) -> str:
    """What importing costs."""
    found = {system: [m[system].imports for m in record.measured() if system in m] for system in systems}
    known = {system: [seconds for seconds in times if seconds is not None] for system, times in found.items()}
    return ", ".join(f"{NAMES[system]} {pretty(median(times))}" for system, times in known.items() if times)


def steps_table(cases: dict[str, dict[str, Measured]], systems: Sequence[str]) -> Iterator[str]:
    """Medians of steps, and the geometric mean of our ratios."""
    systems = [system for system in systems if any(m[system].steps for m in cases.values() if system in m)]
    yield from table(("a step, median", *named(systems), "ratio", "by least"), step_rows(cases, systems))
    yield from means(cases.values())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of Markdown."""
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def step_rows(cases: dict[str, dict[str, Measured]], systems: Sequence[str]) -> Iterator[Sequence[str]]:
    """The median step of each system, the fastest but ours in bold, and our ratio to it by median and by least."""
    for name, measured in cases.items():
        best = best_other(measured, median)
        times = []
        for system in systems:
            one = measured.get(system, Measured())
            shown = pretty(median(one.steps)) if one.steps else EMPTY
            times.append(f"**{shown}**" if system == best else shown)
        ratios = (ratio(measured, statistic) for statistic in (median, min))
        yield title(name), *times, *(f"{one:.2f}" if one else EMPTY for one in ratios)


def means(cases: Iterable[dict[str, Measured]]) -> Iterator[str]:
    """The geometric mean of the ratios."""
    found = list(cases)
    by_median = [one for one in map(ratio, found) if one]
    by_least = [one for one in (ratio(measured, min) for measured in found) if one]
    if by_median:
        means = f"{geometric_mean(by_median):.2f} by median, {geometric_mean(by_least):.2f} by least"
        yield f"\nGeometric mean of the {len(by_median)} ratios: {means}."


def named(systems: Sequence[str]) -> list[str]:
    """As their makers write them."""
    return [NAMES[system] for system in systems]


def title(name: str) -> str:
    """The title of a workload; a case of a sweep has none but its name."""
    return WORKLOADS[name].title if name in WORKLOADS else name


if __name__ == "__main__":
    main()
