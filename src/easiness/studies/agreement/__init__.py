"""How far people agree who decided on the labels of a run, and what the majority of them says."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
