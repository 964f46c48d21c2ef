"""Where vectors of examples come from: trained networks, files and arrays; kept in a file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
