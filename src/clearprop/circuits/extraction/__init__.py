"""Logic from small trained networks, with a proof that both decide the same.

extract: the whole of it. encoding: real columns as bits. exact_network, decisions and intervals:
the network's decisions in exact arithmetic. enumeration: on all rows, and compared with a circuit.
rows and neurons: logic from all rows. gaps: logic where there are too many rows for that.
"""
