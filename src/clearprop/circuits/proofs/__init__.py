"""Whether two circuits compute the same function.

equivalence: by all inputs, or by SAT. logic_graph and sat: the circuits as one graph, and the
solver's proof.
"""
