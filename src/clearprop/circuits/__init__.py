"""Digital circuits as networks of sigmoid neurons, and small networks as circuits.

gates, truth and netlist: what a circuit is. Above them, each using only those before it: formats
(files and expressions), synthesis (logic for one function), proofs (are two circuits the same?),
soft (circuits as networks), learning (networks from truth tables), extraction (logic from
networks), drawing.

The public names are listed in __init__.pyi and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
