"""Heads on the features of a frozen network: folds, ridge regression, and the trial that asks them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
