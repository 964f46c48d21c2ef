"""Measure which training examples a neural network finds easy and which hard, and how sure we can be."""

import easiness.own_process  # noqa: F401 takes the current folder off the path before any other import

# isort: split
import importlib
from importlib.util import find_spec
from typing import Any

from easiness.commands import COMMANDS, OLD_HOMES, OLD_NAMES
from easiness.named_import import needing_torch, offer
from easiness.own_process import wait_passively

# where each public name lives that is no command; loaded on first use, so that importing the package is light
_HOMES = {
    "BadInput": "errors",
    "Dataset": "data",
    "EasinessError": "errors",
    "Recipe": "spec",
    "Recorder": "store",
    "Run": "store",
    "RunFailed": "errors",
    "draw_by_rank": "analysis",
    "load_dataset": "data",
    "matching_rate": "studies.matching",
    "open_run": "store",
    "select": "analysis",
}
_FUNCTIONS = {one.name for one in COMMANDS}
# what values of lower layers hand on to
offer("report", __name__)
for _name in ("result_page", "run_html", "write_paper"):
    offer(_name, f"{__name__}.pages")
offer("planted_kind", f"{__name__}.paper.planted")

__all__ = sorted([*_HOMES, *_FUNCTIONS, "paper"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name == "paper":
        return importlib.import_module(f"{__name__}.paper")
    now = {**OLD_NAMES, **OLD_HOMES}.get(name, "").replace(" ", ".")
    if now:
        raise AttributeError(f"easiness.{name} is easiness.{now} now")
    if name not in __all__ and (name.startswith("_") or find_spec(f"{__name__}.{name}") is not None):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")  # a module, which is imported
    wait_passively()
    with needing_torch(name):
        if name in _HOMES:
            value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        else:
            from easiness.engine import find_function

            value = find_function(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return ["__version__", *__all__]
