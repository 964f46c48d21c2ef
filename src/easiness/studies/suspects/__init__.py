"""Which labels are likely wrong, what is certain before that, and why an example is hard."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
