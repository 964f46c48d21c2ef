"""How easy validation examples are, and whether networks that never saw them are right (Figure 5).

The names are in the stub beside this file; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
