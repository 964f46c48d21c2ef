"""Studies of outcomes: items that somebody else measured, whose trials are right or wrong."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
