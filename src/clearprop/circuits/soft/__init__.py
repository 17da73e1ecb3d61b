"""Circuits as networks of sigmoid neurons, and proofs that these are right for every input.

folding: the gates become units with integer weights. circuit: SoftCircuit, the units at a gain.
layering: the same network in strict layers. worst_case and cases: bounds of every unit's error.
certificate: what the bounds prove, and the gain that a proof needs.
"""
