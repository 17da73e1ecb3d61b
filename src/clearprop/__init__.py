"""clearprop: fully connected neural networks that can be seen through.

It has the lecture's quantities by name, networks with every z, h, ∂ℒ/∂z and ∂ℒ/∂W, drop-in
replacements for scikit-learn's estimators, and files without pickle. The names are listed in
__init__.pyi and loaded on first use, so that the import is fast.
"""

from __future__ import annotations

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The first name that is asked for attaches all of them, also `__all__` and `dir`."""
    import lazy_loader

    attached = lazy_loader.attach_stub(__name__, __file__)
    globals().update(zip(("__getattr__", "__dir__", "__all__"), attached, strict=True))
    return attached[2] if name == "__all__" else attached[0](name)


def __dir__() -> list[str]:
    return list(__getattr__("__all__"))
