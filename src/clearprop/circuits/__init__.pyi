"""What `from clearprop import circuits` offers; __init__.py loads each name on first use."""

from .gates import GATES, Gate, Neuron, gate
from .netlist import Cell, Circuit, CircuitError

__all__ = [
    "GATES",
    "Cell",
    "Circuit",
    "CircuitError",
    "Gate",
    "Neuron",
    "gate",
]
