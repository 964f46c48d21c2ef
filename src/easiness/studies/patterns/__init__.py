"""Reasons why an example is easy: how frequent what it shows is, and whether other classes contradict it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
