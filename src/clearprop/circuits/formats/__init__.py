"""Circuits as text and as files: expressions, Verilog, .bench, BLIF and AIGER.

files: read, write, loads and dumps, by the table FORMATS. expressions: parse. verilog (with
verilog_syntax and verilog_writer), bench, blif, aiger: one module for each format. testbench: a
Verilog testbench. Shared by the readers: source, tokens, operators, covers. Shared by the writers:
lowering.
"""
