"""The glass box: the computation step by step, what is wrong with a network, and pictures of it.

The names are listed in __init__.pyi and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
