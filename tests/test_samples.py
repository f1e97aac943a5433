"""Every sample runs from the command line, as a reader would try it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = sorted(path for path in (ROOT / "samples").glob("*.py") if "def main(" in path.read_text())


def run_sample(path: Path, *arguments: str, folder: Path) -> str:
    """What the sample prints; it runs in ``folder``, and any warning is an error."""
    command = [sys.executable, "-W", "error", str(path), *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    environment["GRAPHC_CACHE_DIR"] = os.environ["GRAPHC_CACHE_DIR"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_runs_quickly(path: Path, tmp_path: Path) -> None:
    assert run_sample(path, "--quick", folder=tmp_path)


def test_main_job_draws_and_matches_c(tmp_path: Path) -> None:
    printed = run_sample(ROOT / "samples" / "digits.py", "--quick", "--out", "here", folder=tmp_path)
    assert (tmp_path / "here" / "training_graph.svg").read_text().startswith("<?xml")
    assert "losses: equal bit for bit" in printed
    assert "final weights: equal bit for bit" in printed


def test_newton_doubles_the_digits(tmp_path: Path) -> None:
    printed = run_sample(ROOT / "samples" / "newton.py", "--quick", folder=tmp_path)
    slopes = [float(line.rpartition(" ")[2]) for line in printed.splitlines() if line.startswith("step")]
    assert len(slopes) == 8 and slopes[-1] < 1e-15
    assert all(after < 20 * before**2 for before, after in pairwise(slopes[3:7]))


@pytest.mark.slow
def test_main_job_reaches_its_accuracy(tmp_path: Path) -> None:
    printed = run_sample(ROOT / "samples" / "digits.py", folder=tmp_path)
    assert printed.count(": reached") == 2
    assert "NOT" not in printed


@pytest.mark.mnist
def test_main_job_reads_mnist_files(tmp_path: Path, mnist_folder: Path) -> None:
    """The loader against what is known of MNIST: how many of each digit, and how bright the mean pixel is."""
    program = (
        "import sys, data_sets; from pathlib import Path;"
        "data = data_sets.load_mnist(Path(sys.argv[1]));"
        "import numpy as np; np.savez('seen.npz', labels=data.test.labels, count=len(data.train.labels),"
        " mean=data.train.images.mean(dtype='float64'), shape=data.test.images.shape)"
    )
    command = [sys.executable, "-c", program, str(mnist_folder)]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "samples")}, check=True)
    seen = np.load(tmp_path / "seen.npz")
    assert np.bincount(seen["labels"]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert seen["count"] == 60000
    assert seen["shape"].tolist() == [10000, 28, 28, 1]
    assert abs(seen["mean"] - 0.1307) < 1e-4
