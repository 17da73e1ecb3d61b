"""A self-checking Verilog testbench for a circuit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.circuits.formats.verilog_writer import module_ports
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit, CircuitError, as_bits

ALL_INPUTS = 12  # the most for which all inputs are tried
RANDOM_VECTORS = 1024
SEED = 20240


def vectors_for(circuit: Circuit) -> Array:
    """Bits (N, inputs): all 2^n for n ≤ 12 inputs; otherwise all 0, all 1, a single 1, a single 0,
    and 1,024 random rows that are the same in every run."""
    n = len(circuit.inputs)
    if n <= ALL_INPUTS:
        return all_bits(n)
    eye = np.eye(n, dtype=bool)
    corners = [np.zeros((1, n), bool), np.ones((1, n), bool), eye, ~eye]
    rng = np.random.default_rng(SEED)
    return np.vstack([*corners, rng.integers(0, 2, (RANDOM_VECTORS, n)).astype(bool)])


def write_testbench(circuit: Circuit, vectors: npt.ArrayLike | None = None) -> str:
    """A Verilog testbench of the module that `formats.dumps(circuit, "verilog")` writes.

    vectors: bits (N, inputs); by default `vectors_for(circuit)`. The testbench contains each vector
    with the outputs by the circuit's logic and compares them with the module's outputs (X and Z
    are wrong as well). It shows the first ten differences and prints "PASS: N of N vectors" or
    "FAIL: M of N vectors". On failure it ends with $fatal, which gives the simulator an exit status
    other than 0.

        iverilog -g2012 -o test circuit.v testbench.v && vvp -N test

    Raises CircuitError if the circuit has no outputs, ValueError for vectors that are not bits.
    """
    if not circuit.outputs:
        raise CircuitError(f"{circuit.name} has no outputs to test")
    n, m = len(circuit.inputs), len(circuit.outputs)
    bits = vectors_for(circuit) if vectors is None else as_bits(vectors, n, "vectors")
    if not len(bits):
        raise ValueError("vectors must hold at least one row")
    expected = circuit.evaluate(bits)
    rows = [
        f"    vector[{i}] = {n + m}'b{_digits(x)}{_digits(y)};"
        for i, (x, y) in enumerate(zip(bits, expected, strict=True))
    ]
    order = [*circuit.inputs, *circuit.outputs]
    kinds = ["given"] * n + ["found"] * m
    place = [*(n - 1 - i for i in range(n)), *(m - 1 - k for k in range(m))]
    wire = [f"{kind}[{at}]" for kind, at in zip(kinds, place, strict=True)]
    module, places = module_ports(circuit)
    ports = ",\n".join(
        f"    .{port}({_joined([wire[i] for i in place_of_bits])})"
        for port, place_of_bits in places.items()
    )
    names = "  // " + " ".join(order[:n]) + " -> " + " ".join(order[n:])
    given = f"  reg [{n - 1}:0] given;" if n else "  reg given;"
    takes = "{given, expected} = vector[i];" if n else "expected = vector[i];"
    shows = '"FAIL: %b gives %b instead of %b", given, found, expected'
    return "\n".join(
        [
            "module testbench;",
            names,
            f"  reg [{n + m - 1}:0] vector [0:{len(bits) - 1}];",
            given,
            f"  reg [{m - 1}:0] expected;",
            f"  wire [{m - 1}:0] found;",
            "  integer i, failed;",
            f"  {module} tested (",
            ports,
            "  );",
            "  initial begin",
            *rows,
            "    failed = 0;",
            f"    for (i = 0; i < {len(bits)}; i = i + 1) begin",
            f"      {takes}",
            "      #1;",
            "      if (found !== expected) begin",
            "        failed = failed + 1;",
            f"        if (failed <= 10) $display({shows});",
            "      end",
            "    end",
            "    if (failed == 0) begin",
            f'      $display("PASS: {len(bits)} of {len(bits)} vectors");',
            "      $finish;",
            "    end else begin",
            f'      $display("FAIL: %0d of {len(bits)} vectors", failed);',
            "      $fatal(1);",
            "    end",
            "  end",
            "endmodule",
            "",
        ]
    )


def _digits(bits: Array) -> str:
    return "".join("1" if bit else "0" for bit in bits)


def _joined(wires: list[str]) -> str:
    return wires[0] if len(wires) == 1 else "{" + ", ".join(wires) + "}"
