"""What `from clearprop import circuits` offers; __init__.py loads each name on first use."""

from .drawing.diagram import draw, table
from .extraction.encoding import Encoding, thermometer
from .extraction.enumeration import Agreement, agree
from .extraction.extract import Extraction, ExtractionError, extract
from .formats.expressions import parse
from .formats.files import FORMATS, dumps, loads, read, write
from .formats.testbench import vectors_for, write_testbench
from .gates import GATES, Gate, Neuron, gate
from .learning.learn import Learned, learn
from .learning.sharpening import Sharpened, sharpen
from .netlist import Cell, Circuit, CircuitError
from .proofs.equivalence import Proof, equivalent
from .soft.certificate import (
    Certificate,
    least_gain,
    minimum_gain,
    sufficient_gain,
)
from .soft.circuit import SoftCircuit, certify, compile, network_error
from .synthesis.cubes import cover, minimise, sum_of_products
from .synthesis.separability import Verdict, threshold

__all__ = [
    "FORMATS",
    "GATES",
    "Agreement",
    "Cell",
    "Certificate",
    "Circuit",
    "CircuitError",
    "Encoding",
    "Extraction",
    "ExtractionError",
    "Gate",
    "Learned",
    "Neuron",
    "Proof",
    "Sharpened",
    "SoftCircuit",
    "Verdict",
    "agree",
    "certify",
    "compile",
    "cover",
    "draw",
    "dumps",
    "equivalent",
    "extract",
    "gate",
    "learn",
    "least_gain",
    "loads",
    "minimise",
    "minimum_gain",
    "network_error",
    "parse",
    "read",
    "sharpen",
    "sufficient_gain",
    "sum_of_products",
    "table",
    "thermometer",
    "threshold",
    "vectors_for",
    "write",
    "write_testbench",
]
