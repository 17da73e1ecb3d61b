"""Draws the pictures of circuits in the guides, with the values that their neurons have.

Run: python docs/pictures/circuits.py
"""

from __future__ import annotations

from pathlib import Path

from clearprop import circuits

# The file, the circuit, the gain of its neurons, and what its inputs are.
PICTURES = {
    "circuit_or.svg": ("y = x1 | x2", 10, [0, 1]),
    "circuit_xor.svg": ("y = (x1 | x2) & ~(x1 & x2)", 10, [0, 1]),
    "circuit_adder.svg": ("s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)", 8, [1, 0, 1]),
}


def picture(name: str) -> str:
    """The SVG text of one of PICTURES."""
    expression, gain, bits = PICTURES[name]
    circuit = circuits.parse(expression, name=Path(name).stem)
    return circuits.draw(circuits.compile(circuit, gain), bits)


def main() -> None:
    for name in PICTURES:
        Path(__file__).with_name(name).write_text(picture(name), encoding="utf-8")


if __name__ == "__main__":
    main()
