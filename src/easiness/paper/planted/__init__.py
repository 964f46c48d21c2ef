"""The paper's hypothesis as an experiment: patterns of known frequency and contradiction in noise."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
