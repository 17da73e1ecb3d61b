"""
A full adder as a network
=========================

Logic becomes a network of soft gates: sigmoid neurons whose weights are the gates'. A certificate
bounds the error of each output for all inputs at once.
"""

from __future__ import annotations

from clearprop import circuits

adder = circuits.parse("s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)", name="adder")
soft = circuits.compile(adder, gain=8)
print(soft.certify())

# %%
# The gates, with the soft values of their wires for 1 + 0 + 1:
drawing = circuits.draw(soft, [1, 0, 1])
