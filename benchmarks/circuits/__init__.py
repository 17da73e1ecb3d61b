"""What circuits are shown to do, measured: a script for each table.

pip install circuitgraph==0.2.1 python-sat
python -m benchmarks.circuits.certify         real circuits: certified, measured, compared
python -m benchmarks.circuits.exhaustive      small ones on all inputs
python -m benchmarks.circuits.mutations       a weight or threshold changed on purpose
python -m benchmarks.circuits.fuzz            damaged netlists
python -m benchmarks.circuits.roundtrip       truth table, network, logic, and other programs
python -m benchmarks.circuits.speed           unit evaluations a second
python -m benchmarks.circuits.netlists        all netlists that circuitgraph ships
python -m benchmarks.circuits.extract         trained networks made into logic
python -m benchmarks.circuits.learn           how often truth tables are learnt
python -m benchmarks.circuits.threshold_functions
"""
