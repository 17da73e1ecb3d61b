"""clearprop: fully connected neural networks that can be seen through.

It has the lecture's quantities by name, networks with every z, h, ∂ℒ/∂z and ∂ℒ/∂W, drop-in
replacements for scikit-learn's estimators, and files without pickle. The names are listed in
__init__.pyi and loaded on first use, so that the import is fast.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
