"""The worth of other labels: paired networks on those before and after, tested on the same examples."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
