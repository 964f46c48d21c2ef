"""The learning curve of a run on features: left-out accuracy by share, and what more examples would give."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
