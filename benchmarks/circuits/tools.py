"""What Icarus Verilog and Berkeley ABC say, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from clearprop.circuits.formats.files import dumps
from clearprop.circuits.formats.testbench import write_testbench
from clearprop.circuits.netlist import Circuit


def in_icarus(circuit: Circuit, wanted: Circuit, folder: Path) -> str:
    """What the testbench of `wanted` says of the circuit's Verilog: "PASS: 8 of 8"; the module is
    called as `wanted`'s is, and has its ports."""
    if shutil.which("iverilog") is None:
        return "not installed"
    (folder / "circuit.v").write_text(dumps(circuit, "verilog"))
    (folder / "testbench.v").write_text(write_testbench(wanted))
    _run(folder, "iverilog", "-g2012", "-Wall", "-o", "test", "circuit.v", "testbench.v")
    said = _run(folder, "vvp", "-N", "test").splitlines()
    return said[-1].replace(" vectors", "") if said else "nothing"


def in_abc(a: Circuit, b: Circuit, folder: Path) -> str:
    """What `cec` says of the BLIF of both: "equal" or its last words."""
    if shutil.which("berkeley-abc") is None:
        return "not installed"
    (folder / "a.blif").write_text(dumps(a, "blif"))
    (folder / "b.blif").write_text(dumps(b, "blif"))
    said = _run(folder, "berkeley-abc", "-q", "cec a.blif b.blif")
    return "equal" if "Networks are equivalent" in said else f"NOT: {said[-60:]}"


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
