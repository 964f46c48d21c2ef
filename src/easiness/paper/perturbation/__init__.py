"""Easy and hard examples under perturbations (Figures 2 and 3), and pseudo patterns."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
