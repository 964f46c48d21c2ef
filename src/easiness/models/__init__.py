"""Networks by name. Importing this package does not import torch; `build_model` does."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
