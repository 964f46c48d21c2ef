"""Every score of every example of a run, or one order of difficulty from several."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
