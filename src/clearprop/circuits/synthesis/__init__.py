"""Logic for one Boolean function: from its truth table, or from a neuron with integer weights.

cubes and covering: a short sum of products. separability and verdict_text: whether one neuron is
enough, with the neuron or the proof that there is none. decision_diagrams: cells that follow a
decision diagram.
"""
