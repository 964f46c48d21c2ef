"""Engine of every study: its function of Python, its command, dry run, resumption and output."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
