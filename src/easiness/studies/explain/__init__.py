"""Hardness and what goes along with it: columns of the table, of a file beside it, and what is measured."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
