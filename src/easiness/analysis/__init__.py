"""Analysis of sets of examples: selection, matching, noise ceilings, reliability and label noise."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
