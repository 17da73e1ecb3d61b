"""`clearprop circuit convert` and `compile`: circuits as files of logic, or of neurons."""

from __future__ import annotations

import argparse

import numpy as np

from clearprop.circuits.formats.testbench import vectors_for, write_testbench
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft.circuit import compile, network_error
from clearprop.cli.circuit.look import GAIN
from clearprop.cli.circuit.source import (
    check_folder,
    check_new,
    counted,
    netlist,
    output_format,
    put,
    read_source,
)
from clearprop.cli.output import UsageError, complain, note, print_json, printable


def convert(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the circuit is written."""
    format = output_format(arguments)
    if arguments.json and arguments.output == "-":
        raise UsageError("--json needs --output OUT, since both would go to standard output")
    source = read_source(arguments)
    circuit = source.circuit
    written = write_logic(circuit, format, arguments, arguments.circuit)
    document = {
        "name": circuit.name,
        "inputs": len(circuit.inputs),
        "outputs": len(circuit.outputs),
        "cells": len(circuit.cells),
        "format": format,
        **written,
    }
    if arguments.json:
        print_json(document)
    elif arguments.output != "-":
        report_written(circuit, format, arguments)
    return 0


def write_logic(
    circuit: Circuit, format: str, arguments: argparse.Namespace, given: str | None
) -> dict[str, str | int]:
    """Write --output and --testbench; what was written."""
    if arguments.testbench and format != "verilog":
        raise UsageError(
            f"--testbench is only for Verilog; {arguments.output} has the format {format}"
        )
    for path in (arguments.output, arguments.testbench):
        if path and path != "-":
            check_folder(path, given)
    text = netlist(circuit, format)
    bench = write_testbench(circuit) if arguments.testbench else ""
    written: dict[str, str | int] = {}
    if arguments.output:
        put(text, arguments.output)
        written["output"] = arguments.output
    if arguments.testbench:
        put(bench, arguments.testbench)
        written |= {"testbench": arguments.testbench, "vectors": len(vectors_for(circuit))}
    return written


def report_written(circuit: Circuit, format: str, arguments: argparse.Namespace) -> None:
    """Print which files were written."""
    size = f"{counted(len(circuit.inputs), 'input')}, {counted(len(circuit.outputs), 'output')}"
    print(printable(f"{circuit.name} ({size}) is written to {arguments.output} as {format}"))
    if arguments.testbench:
        rows = counted(len(vectors_for(circuit)), "vector")
        print(printable(f"its testbench, with {rows}, is in {arguments.testbench}; run both with"))
        both = f"{arguments.output} {arguments.testbench}"
        print("  " + printable(f"iverilog -g2012 -o test {both} && vvp -N test"))


def compile_(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the network is written, 1 when it is not proved right."""
    check_new(arguments.output, arguments.force)
    source = read_source(arguments)
    circuit = source.circuit
    soft = compile(circuit, arguments.gain or GAIN, arguments.dtype)
    try:
        network = soft.to_network(arguments.max_mib * 2**20)
    except ValueError as error:
        message = str(error).replace("max_bytes allows", "--max-mib allows")
        raise UsageError(f"{source.given}: {message}") from None
    bound = network_error(soft)
    ok = bound < 0.5
    if not ok and not arguments.uncertified:
        complain(
            f"{source.given}: at gain {soft.gain:g} nothing is proved about this network; its "
            f"outputs may be off by {bound:.2g}; try a larger --gain, or --uncertified to write it"
        )
        return 1
    network.save(arguments.output)
    sizes = network.sizes
    weights = sum(int(np.count_nonzero(W)) for W in network.W)
    dense = sum(W.size for W in network.W)
    if arguments.json:
        print_json(
            {
                "name": circuit.name,
                "output": arguments.output,
                "gain": soft.gain,
                "dtype": soft.dtype.name,
                "sizes": sizes,
                "neurons": soft.n_units,
                "weights": dense,
                "weights_not_0": weights,
                "certified": ok,
                "certified_error": bound,
            }
        )
        return 0
    shown = "-".join(map(str, sizes if len(sizes) <= 12 else (*sizes[:6], "...", *sizes[-3:])))
    print(printable(f"network {shown}, gain {soft.gain:g}, {soft.dtype.name}"))
    passing = sum(sizes[1:]) - soft.n_units
    if passing > 0:
        print(
            f"{counted(soft.n_units, 'neuron')} of gates, and {passing:,} that carry signals to "
            "later layers"
        )
    print(f"{counted(dense, 'weight')}, {weights:,} of them not 0")
    if ok:
        print(f"proved: for every input, every output is within {bound:.4g} of its bit")
    else:
        note(f"nothing is proved at gain {soft.gain:g}", arguments.quiet)
    print(printable(f"saved to {arguments.output}: clearprop.Network.load reads it"))
    return 0
