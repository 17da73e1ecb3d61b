"""What `from clearprop import circuits` offers; __init__.py loads each name on first use."""

from .certificate import (
    Certificate,
    certify,
    least_gain,
    minimum_gain,
    network_error,
    sufficient_gain,
)
from .cubes import cover, minimise, sum_of_products
from .diagram import draw, table
from .encoding import Encoding, thermometer
from .enumeration import Agreement, agree
from .expressions import parse
from .extraction import Extraction, ExtractionError, extract
from .formats import FORMATS, dumps, loads, read, write
from .gates import GATES, Gate, Neuron, gate
from .learning import Learned, learn
from .netlist import Cell, Circuit, CircuitError
from .proof import Proof, equivalent
from .separability import Verdict, threshold
from .sharpening import Sharpened, sharpen
from .soft import SoftCircuit, compile
from .testbench import vectors_for, write_testbench

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
