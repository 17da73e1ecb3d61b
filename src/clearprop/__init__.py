"""clearprop: fully connected neural networks that can be seen through.

The lecture's quantities by their own names, networks with every z, h, ∂ℒ/∂z and ∂ℒ/∂W, drop-in
estimators for scikit-learn's, safe files. The names are listed in __init__.pyi and loaded on first
use, so that importing the package costs little.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
