"""The drawing and text kit: numbers in words, titled tables, axes, and results as files of any kind."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
