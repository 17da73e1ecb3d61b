"""`clearprop circuit learn` and `extract`: from logic to a trained network, and back."""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from typing import Any

from clearprop.circuits.extraction.extract import Extraction, ExtractionError
from clearprop.circuits.extraction.extract import extract as extract_logic
from clearprop.circuits.learning.learn import MOST_INPUTS, Learned
from clearprop.circuits.learning.learn import learn as learn_table
from clearprop.circuits.learning.sharpening import Sharpened, sharpen
from clearprop.cli.circuit.files import report_written, write_logic
from clearprop.cli.circuit.source import check_new, output_format, read_source, table_of
from clearprop.cli.output import UsageError, complain, print_json, printable
from clearprop.interrupts import INTERRUPTED
from clearprop.network import Network


def learn(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the network is learned (and sharpened) and saved, else 1."""
    if arguments.output is not None:
        check_new(arguments.output, arguments.force)
    source = read_source(arguments)
    table = table_of(source, MOST_INPUTS)
    if (table < 0).all():
        raise UsageError(f"truth table {source.given}: nothing in it matters")
    quiet = arguments.quiet or arguments.json
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Learning interrupted", UserWarning)
        found = learn_table(
            table,
            arguments.hidden_sizes,
            unit=arguments.unit,
            margin=arguments.margin,
            n_attempts=arguments.attempts,
            n_steps=arguments.steps,
            seed=arguments.seed,
            time_limit=arguments.time_limit,
            progress=not quiet,
            n_threads=arguments.threads,
        )
    if found.stopped == "interrupted":
        complain(f"interrupted; {found}")
        return INTERRUPTED
    sharp = None
    if found.ok and arguments.sharpen is not None:
        sharp = sharpen(
            found,
            error=arguments.sharpen,
            seed=arguments.seed,
            time_limit=arguments.time_limit,
            progress=not quiet,
            n_threads=arguments.threads,
        )
    ok = found.ok and (sharp is None or sharp.ok)
    network = found.network if sharp is None else sharp.network
    if ok and arguments.output is not None:
        network.save(arguments.output)
    if arguments.json:
        print_json(_learned(found, sharp, ok, network, arguments.output))
    else:
        _show_learned(found, sharp, ok, arguments.output)
    return 0 if ok else 1


def _show_learned(found: Learned, sharp: Sharpened | None, ok: bool, path: str | None) -> None:
    text = str(found).replace(", see .contradiction", " (clearprop circuit threshold shows why)")
    print(printable(text))
    if sharp is not None:
        print(printable(str(sharp)))
    saved = f"saved to {path}" if ok and path is not None else "nothing is saved"
    print(printable(saved + ("; --output MODEL saves it" if ok and path is None else "")))


def _learned(
    found: Learned, sharp: Sharpened | None, ok: bool, network: Network, path: str | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "learned": found.ok,
        "output": path if ok else None,
        "sizes": network.sizes,
        "margin": found.margin,
        "wrong_rows": found.wrong_rows,
        "close_rows": found.close_rows,
        "stopped": found.stopped,
        "seconds": found.seconds,
        "tried": [dataclasses.asdict(tried) for tried in found.tried],
    }
    if sharp is not None:
        document["sharpened"] = {
            "certified": sharp.ok,
            "reason": sharp.reason,
            "gain": sharp.gain,
            "error": sharp.bound.error,
            "hidden_error": sharp.bound.hidden_error,
        }
    return document


def extract(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the circuit is proved to equal the network, else 1."""
    format = output_format(arguments)
    if arguments.output is None and (arguments.to or arguments.testbench):
        raise UsageError("--to and --testbench need --output OUT")
    network = Network.load(arguments.model)
    try:
        found = extract_logic(
            network,
            arguments.inputs,
            arguments.outputs,
            by=arguments.by,
            name=arguments.name or "extracted",
            form=arguments.form,
            time_limit=arguments.time_limit,
        )
    except ExtractionError as error:
        complain(f"{arguments.model}: {error}")
        return 1
    except (TypeError, ValueError) as error:  # names, or units that cannot be read as bits
        raise UsageError(f"{arguments.model}: {error}") from None
    written = {}
    if found.ok:
        written = write_logic(found.circuit, format, arguments, arguments.model)
    if arguments.json:
        print_json(_extracted(found, written))
    elif arguments.output != "-":
        for line in str(found).split("\n"):
            print(line.rstrip())
        if written:
            report_written(found.circuit, format, arguments)
    return 0 if found.ok else 1


def _extracted(found: Extraction, written: dict[str, str | int]) -> dict[str, Any]:
    units = []
    for unit in found.units:
        document: dict[str, Any] = {
            "net": unit.net,
            "layer": unit.layer,
            "form": unit.form,
            "cells": unit.n_cells,
        }
        if unit.neuron is not None:
            document |= {
                "inputs": unit.patterns.inputs,
                "weights": unit.neuron.weights,
                "threshold": unit.neuron.threshold,
            }
        units.append(document)
    agreement = found.agreement
    return {
        "verdict": agreement.verdict,
        "method": agreement.method,
        "reason": agreement.reason,
        "counterexample": agreement.counterexample,
        "inputs": found.circuit.inputs,
        "outputs": found.circuit.outputs,
        "cells": len(found.circuit.cells),
        "depth": found.circuit.depth,
        "by": found.by,
        "units": units,
        "seconds": found.seconds,
        **written,
    }
