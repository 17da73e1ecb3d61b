"""Every script in examples/ runs, without a warning, and prints what it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# A pattern that stands in the output only if the script did its work to the end.
PROMISED = {
    "adder.py": r"^For all 8 inputs each output of adder is within 0\.025",
    "dead_units.py": r"not scaled in column year[^$]*findings now: 0\naccuracy (0\.9\d|1\.00)\n$",
    "spirals.py": r"^accuracy (0\.99\d|1\.000)\n$",
    "table.py": r"out of fold +0\.\d+\naccuracy on new rows +0\.9\d\d\n$",
    "or_gate.py": r"Learnt in 1000 steps[^$]*1  1 +\S+  (0\.99\d\d|1\.0000)   1\n$",
    "forward_and_backward.py": r"loss = \d\.\d{4}[^$]*Gradient check over 76 entries: all agree\n$",
    "many_networks.py": r"^30 networks[^$]*best: 32 hidden units, learning rate 0\.1\n$",
}


def test_each_example_is_listed() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_example(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", str(EXAMPLES / name)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert re.search(PROMISED[name], done.stdout), done.stdout
    assert not list(tmp_path.iterdir()), "an example leaves files behind"
