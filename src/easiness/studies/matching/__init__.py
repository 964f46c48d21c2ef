"""How far runs agree on the easy and the hard examples (Table 1), and how reliable each run is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
