"""Circuits drawn as SVG, and soft truth tables.

diagram: the picture and the table. layout: where its parts go. symbols: the shapes of gates.
"""
