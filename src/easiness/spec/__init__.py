"""Plans as values: recipes, trials and runs as frozen values, and the seeds they draw from.

The names are in the stub beside this file; each is loaded when it is first used, so that the command line,
which needs the options alone, starts at once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
