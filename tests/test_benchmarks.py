"""The comparison works with graphc and NumPy alone: values agree, failures are told, tables and records hold."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

import graphc
from benchmarks import any_batch, publish, report, two_cores
from benchmarks.measure import Measured, Plan, measure
from benchmarks.models import ALL, WORKLOADS
from benchmarks.record import KEPT, Record
from benchmarks.systems import NAMES
from benchmarks.systems import numpy as by_hand
from benchmarks.systems.tf1 import Programs
from benchmarks.worker import Desk, summary
from benchmarks.workload import Function, Training, Unsupported, Workload

ROOT = Path(__file__).parent.parent
SMALL = "mlp_4_16_3"


def plan(**changes: Any) -> Plan:
    """One short round of systems that every checkout has."""
    settings: dict[str, Any] = {"pythons": dict.fromkeys(("graphc", "numpy"), sys.executable), "cpus": [0]}
    settings |= {"rounds": 1, "round_seconds": 0.01, "starts": 0, "limit": 120.0, "budget": 1.0}
    return Plan(**settings | changes)


def run(*arguments: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_two_systems_learn_the_same() -> None:
    ((case, measured),) = measure(WORKLOADS[SMALL], plan())
    assert case == ""
    ours, other = measured["graphc"], measured["numpy"]
    assert len(ours.values) > 1 and ours.values[0] != ours.values[1], "it trains"
    assert not list(report.disagreements(measured))
    for one in (ours, other):
        assert one.steps and len(one.first) == 1 and one.peak and one.compile and one.imports, one


def test_first_steps_are_timed_in_fresh_processes() -> None:
    ((_, measured),) = measure(WORKLOADS["scalar_step"], plan(starts=1, pythons={"numpy": sys.executable}))
    assert len(measured["numpy"].first) == 2
    assert len(measured["numpy"].warm) == 1


def test_a_system_that_takes_too_long_is_given_up() -> None:
    ((_, measured),) = measure(WORKLOADS["scalar_step"], plan(limit=0.01, pythons={"numpy": sys.executable}))
    assert measured["numpy"].failed == "not done after 0 s"


def test_a_system_that_dies_leaves_its_last_words() -> None:
    ((_, measured),) = measure(WORKLOADS["call"], plan(pythons={"no such system": sys.executable}))
    assert measured["no such system"].failed.startswith("ModuleNotFoundError: No module named")


class Doubling:
    """A system that knows one function."""

    def function(self, case: Function) -> Any:
        if case.prepared:
            raise Unsupported("nothing is prepared")
        return lambda x: 2 * x if x.size == 3 else 1 / 0


def test_a_worker_tells_what_it_lacks_and_what_went_wrong() -> None:
    inputs = {"good": np.ones(3), "bad": np.ones(2)}
    cases = {name: Function(np.multiply, partial(tuple, [value])) for name, value in inputs.items()}
    cases["lacking"] = Function(np.multiply, tuple, prepared=True)
    desk = Desk(Doubling(), cases, 0.5)
    good = desk.answer("start", "good", 0)
    assert good["values"] == [2.0, pytest.approx(2 / 3)]
    assert good["import"] == 0.5
    assert len(desk.answer("round", "good", 0)["seconds"]) == 1
    assert desk.answer("start", "bad", 0) == {"failed": "ZeroDivisionError: division by zero"}
    assert desk.answer("start", "lacking", 0) == {"unsupported": "nothing is prepared"}


def test_one_and_two_cores_take_turns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["two_cores", "3x3 16x16x32 to 32, filter", "--rounds", "1"])
    two_cores.main()
    _, line = capsys.readouterr().out.splitlines()
    assert line.startswith("3x3 16x16x32 to 32, filter gradient")
    assert min(float(word) for word in line.split()[-4:]) > 0  # the second core's gain, and the loop's


def test_summaries_notice_values_and_their_order() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert summary(rows) == summary([rows]) == summary(-rows)
    assert summary(rows)[0] == summary(rows.T)[0] == rows.mean()
    assert summary(rows)[1] != summary(rows.T)[1]
    long = np.arange(200_000.0)
    assert summary(long)[1] == pytest.approx((long**2).sum() / long.size**2)


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_graphc_builds_every_model(workload: Workload) -> None:
    case = next(iter(workload.cases.values()))
    with graphc.Graph().as_default():
        programs = Programs(graphc)
        feeds = programs.placeholders(case.batches()[0])
        weights = programs.variables(case.weights())
        result = (case.loss if isinstance(case, Training) else case.value)(programs.words, weights, *feeds)
        if isinstance(case, Training):
            assert result.shape == []
            gradients = graphc.gradients(result, weights)
            assert [gradient.shape for gradient in gradients] == [weight.shape for weight in weights]


@pytest.mark.parametrize("name", ["autoencoder", "transformer"])
def test_one_step_serves_every_batch(name: str) -> None:
    """What `any_batch` measures: after two sizes one compiled step takes a third."""
    case = WORKLOADS[name].cases[""]
    assert isinstance(case, Training)
    few = Training(case.loss, case.weights, lambda: any_batch.batches(case, 3), case.optimizer)
    step = any_batch.learnt(Programs(graphc, any_batch=True).training(few), few, (3, 2))
    assert np.isfinite(step(*any_batch.batches(case, 5)[0]))


@pytest.mark.parametrize("name", ["softmax_regression", "autoencoder", "softmax", "layer_norm"])
def test_gradients_by_hand_are_those_of_graphc(name: str) -> None:
    (case,) = WORKLOADS[name].cases.values()
    found = []
    for system in (Programs(graphc), by_hand):
        with graphc.Graph().as_default():
            if isinstance(case, Training):
                step = system.training(case)
                # Adam's first step has the signs of the gradients alone, its second has their sizes.
                found.append([float(step(*batch)) for batch in case.batches()[:4]])
            else:
                found.append(summary(system.function(case)(*case.inputs())))
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_names_are_unlike() -> None:
    assert len({workload.name for workload in ALL}) == len({workload.title for workload in ALL}) == len(ALL)


def test_ratio_is_to_the_best_other_system() -> None:
    measured = {
        name: Measured(steps=steps) for name, steps in (("graphc", [2.0, 4.0]), ("jax", [6.0]), ("torch", [5.0]))
    }
    assert report.ratio(measured) == 3 / 5
    assert report.ratio(measured, min) == 2 / 5
    assert report.ratio({"graphc": measured["graphc"]}) is None
    assert report.geometric_mean([0.5, 2.0, 1.0]) == pytest.approx(1)


def test_the_odd_one_out_is_named() -> None:
    values = {"graphc": [1.0, 0.9], "numpy": [1.0, 0.9001], "jax": [1.0, 0.8]}
    measured = {name: Measured(values=losses) for name, losses in values.items()}
    assert list(report.disagreements(measured)) == ["  DIFFERENT VALUES: jax is off by 1.1e-01"]
    assert "DIFFERENT" in "".join(report.disagreements({"a": Measured(values=[1.0]), "b": Measured(values=[np.nan])}))


def test_command_measures_records_and_publishes(tmp_path: Path) -> None:
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    common = ("benchmarks", "--quick", "--rounds", "1", "--systems", "graphc", "numpy", "--out", str(results))
    assert "geometric mean of 1" in run(*common, "--workload", SMALL)
    printed = run(*common, "--workload", "physics")
    assert "not written by hand" in printed and "DIFFERENT" not in printed
    assert list(json.loads(results.read_text())["results"]) == [SMALL, "physics"]
    (begin, end), (begin_2, end_2) = publish.marks(1), publish.marks(2)
    page.write_text(f"Before.\n{begin}old\n{end}After.\n{begin_2}old as well\n{end_2}")
    run("benchmarks.publish", str(results), "--table", str(page))
    text = page.read_text()
    assert text.startswith("Before.\n") and text.endswith(f"After.\n{begin_2}old as well\n{end_2}")
    assert "old\n" not in text
    assert f"| {WORKLOADS[SMALL].title} |" in text and "| a step, median | graphc | NumPy | ratio | by least |" in text


def test_tables_of_several_threads_have_their_own_place(tmp_path: Path) -> None:
    record, page = Record({"versions": {"numpy": "2"}, "threads": 2}), tmp_path / "page.md"
    record.add(SMALL, "", {"numpy": Measured(steps=[1.0], first=[2.0])})
    (begin, end), (begin_2, end_2) = publish.marks(1), publish.marks(2)
    page.write_text(f"{begin}kept\n{end}{begin_2}old\n{end_2}After.\n")
    publish.write_between_marks(page, "\n".join(publish.page(record)), 2)
    text = page.read_text()
    assert text.startswith(f"{begin}kept\n{end}{begin_2}") and text.endswith(f"{end_2}After.\n")
    assert f"| {WORKLOADS[SMALL].title} |" in text and "old" not in text
    assert "first result" not in text


def test_record_keeps_median_and_least(tmp_path: Path) -> None:
    record, path = Record({"versions": {"numpy": "2"}}), tmp_path / "results.json"
    steps = list(np.random.RandomState(0).uniform(1, 2, 5001))
    record.add(SMALL, "", {"numpy": Measured(steps=steps)})
    record.write(path)
    (measured,) = Record.read(path).measured()
    kept = measured["numpy"].steps
    assert len(kept) == KEPT and min(kept) == min(steps)
    assert median(kept) == pytest.approx(median(steps), rel=1e-2)


def test_results_of_two_machines_do_not_mix(tmp_path: Path) -> None:
    record = Record()
    record.note_machine("one", 1, "3.11", {"numpy": "2"})
    record.note_machine("one", 1, "3.11", {"jax": "1", "torch": ""})
    assert record.machine["versions"] == {"numpy": "2", "jax": "1"}
    with pytest.raises(SystemExit, match="another machine"):
        record.note_machine("two", 1, "3.11", {})


def test_picture_shows_every_workload(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.picture import LOOKS, draw

    record = Record({"versions": {}})
    record.add(SMALL, "", {"graphc": Measured(steps=[1.0]), "jax": Measured(steps=[3.0])})
    record.add("lenet", "", {"graphc": Measured(steps=[1.0]), "torch": Measured(steps=[3000.0])})
    draw(record, tmp_path / "speed.svg")
    text = (tmp_path / "speed.svg").read_text()
    assert WORKLOADS[SMALL].title in text and WORKLOADS["lenet"].title in text
    assert "PyTorch" in text and "torch.compile" not in text, "what has no dot is not in the legend"
    assert list(LOOKS) == list(NAMES)
