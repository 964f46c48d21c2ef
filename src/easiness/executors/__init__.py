"""Where trials run. One contract: on a CPU the same spec gives the same record in each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
