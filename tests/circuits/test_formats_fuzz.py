"""Damaged files are refused or read, and nothing else; benchmarks.circuits.fuzz has more."""

from __future__ import annotations

import pytest
from fuzz_circuits import check

from clearprop.circuits.formats.files import FORMATS, dumps, loads
from tests.circuits.test_formats import C17


@pytest.mark.parametrize("format", FORMATS)
def test_mutations(format: str) -> None:
    circuit = loads(C17["bench"], "bench")
    written = dumps(circuit, format)
    files = [(written if isinstance(written, bytes) else written.encode(), format)]
    files += [(C17[format].encode(), format)] if format in C17 else []
    told = check(files, 150, seed=1, seconds=20)
    assert told["refused"] > 50
    assert told["read"] > 5
