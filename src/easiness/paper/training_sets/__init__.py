"""Training on a part of the examples, or with a part of the labels random (Figure 4); and pruning."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
