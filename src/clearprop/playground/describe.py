"""What the library knows as texts and tables, written as JSON for the page.

The page computes everything itself, but names, formulas and bounds have one home each, in Python.
`python -m clearprop.playground.describe FOLDER` writes one file for each line of :data:`TABLES`;
`scripts/page` runs it before it builds the page. With `--check` it compares instead, and exits with
1 if a file differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clearprop.activations import ACTIVATIONS
from clearprop.initializers import INITIALIZERS
from clearprop.optimizers import OPTIMIZERS
from clearprop.outputs import OUTPUTS
from clearprop.playground.describe_circuits import circuit_gates
from clearprop.playground.describe_findings import findings, limits
from clearprop.playground.describe_steps import step_parts
from clearprop.playground.descriptions import (
    ABOUT_ACTIVATIONS,
    ABOUT_INITIALIZERS,
    ABOUT_OPTIMIZERS,
    ABOUT_OUTPUTS,
    PENALTIES,
    AboutMethod,
)


def activations() -> list[dict[str, Any]]:
    """Every activation, in the order of the library: formulas, and what it is good for."""
    return [
        {
            "name": name,
            "title": ABOUT_ACTIVATIONS[name].title,
            "range": ABOUT_ACTIVATIONS[name].range,
            "remark": ABOUT_ACTIVATIONS[name].remark,
            "formula": record.formula[0],
            "latex": record.formula[1],
            "slope": record.slope[0],
            "slope_latex": record.slope[1],
            "kinks": list(record.kinks),
            "initializer": record.initializer,
        }
        for name, record in ACTIVATIONS.items()
    ]


def output_units() -> list[dict[str, Any]]:
    """The output units that the stations offer."""
    return [
        {
            "name": name,
            "unit": OUTPUTS[name].unit,
            "title": OUTPUTS[name].title,
            "kind": OUTPUTS[name].kind,
            "diagonal": OUTPUTS[name].diagonal,
            "y_hat_line": about.y_hat_line,
            "loss_line": about.loss_line,
            "remark": about.remark,
            "formulas": {
                part: list(formula)
                for part, formula in asdict(OUTPUTS[name].formulas).items()
                if part != "note"
            },
            "note": OUTPUTS[name].formulas.note,
        }
        for name, about in ABOUT_OUTPUTS.items()
    ]


def initializers() -> list[dict[str, Any]]:
    """The schemes for initial weights."""
    return [_method(name, ABOUT_INITIALIZERS[name]) for name in ("auto", *INITIALIZERS)]


def optimizers() -> list[dict[str, Any]]:
    """The optimisers, with the name of their class and their usual learning rate."""
    return [
        {
            "name": name,
            "class": OPTIMIZERS[name].__name__,
            "learning_rate": getattr(OPTIMIZERS[name](), "learning_rate", None),
            **_method(name, about),
        }
        for name, about in ABOUT_OPTIMIZERS.items()
    ]


def penalties() -> list[dict[str, Any]]:
    """The penalties on weights."""
    return [_method(name, about) for name, about in PENALTIES.items()]


def _method(name: str, about: AboutMethod) -> dict[str, Any]:
    return {
        "name": name,
        "title": about.title,
        "formula": about.formula,
        "remark": about.remark,
    }


# The files, and the functions that give their contents.
TABLES: Mapping[str, Callable[[], Any]] = {
    "activations.json": activations,
    "output_units.json": output_units,
    "initializers.json": initializers,
    "optimizers.json": optimizers,
    "penalties.json": penalties,
    "findings.json": findings,
    "limits.json": limits,
    "circuits.json": circuit_gates,
    "steps.json": step_parts,
}


def text_of(table: Any) -> str:
    """A table as the text of its file: one entry of a list per line."""
    lines = table if isinstance(table, list) else [table]
    body = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    return f"[\n{body}\n]\n" if isinstance(table, list) else f"{body}\n"


def main(arguments: list[str]) -> int:
    """Write the files into a folder, or with --check compare them; returns the exit code."""
    checking = "--check" in arguments
    (folder,) = (Path(given) for given in arguments if given != "--check")
    wrong = []
    for name, table in TABLES.items():
        path, text = folder / name, text_of(table())
        if not checking:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            wrong.append(name)
    for name in wrong:
        print(f"describe: {name} differs from what the library says; run scripts/page")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
