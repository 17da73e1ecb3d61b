"""What `from clearprop import explain` offers; __init__.py loads each name on first use."""

from .diagnose import diagnose
from .finding import Diagnosis, Finding
from .recorder import EpochLine, Record, Recorder, Recording
from .statistics import Histogram, LayerStatistics, layer_statistics
from .step import Check, Explanation, Factor, Operand, Step, Term
from .steps import steps

__all__ = [
    "Check",
    "Diagnosis",
    "EpochLine",
    "Explanation",
    "Factor",
    "Finding",
    "Histogram",
    "LayerStatistics",
    "Operand",
    "Record",
    "Recorder",
    "Recording",
    "Step",
    "Term",
    "diagnose",
    "layer_statistics",
    "steps",
]
