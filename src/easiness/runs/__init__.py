"""The machinery of a run: its plan, what it costs, what ``auto`` chooses, and carrying it out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
