"""What `from clearprop import explain` offers; __init__.py loads each name on first use."""

from .step import Check, Explanation, Factor, Operand, Step, Term
from .steps import steps

__all__ = [
    "Check",
    "Explanation",
    "Factor",
    "Operand",
    "Step",
    "Term",
    "steps",
]
