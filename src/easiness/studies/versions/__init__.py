"""Changes between two versions of a data set: which examples became harder or easier, came and went."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
