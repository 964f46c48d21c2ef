"""The paper's experiments as one study: presets, plan, claims and the folder that it is kept in."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
