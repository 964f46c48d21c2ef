"""Runs on disk: folders of whole trials that any Parquet reader understands."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
