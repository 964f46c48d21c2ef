"""How easy validation examples are, and whether networks that never saw them are right (Figure 5)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
