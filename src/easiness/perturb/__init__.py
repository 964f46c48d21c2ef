"""Transforms that take some patterns away from pictures, sounds and texts, and a register of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
