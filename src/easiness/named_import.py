"""Modules of the user's own, named as ``package.module:name``, and those that may not be installed."""

from __future__ import annotations

import importlib
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from easiness.errors import BadInput, EasinessError, nearest

_folder: str | None = None
_TO_TRAIN = ("loky", "torch", "torchvision")
_HOW = "pip install 'easiness[train]'"


def no_torch() -> str:
    """Why networks can be neither trained nor asked here; empty where torch is installed."""
    return "" if find_spec("torch") else f"torch is not installed ({_HOW})"


@contextmanager
def needing_torch(what: str) -> Iterator[None]:
    """``what`` is done within, and may take the libraries of the extra ``train``."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _TO_TRAIN:
            raise
        raise BadInput(f"{what}: needs {error.name}, which is not installed; {_HOW}") from error


def split_name(name: str) -> tuple[str, str] | None:
    """Module and attribute of ``package.module:name``; ``None`` for any other form."""
    module, _, attribute = name.partition(":")
    return (module, attribute) if all(map(str.isidentifier, [*module.split("."), attribute])) else None


def import_module(what: str, module: str, passed_on: tuple[type[Exception], ...] = ()) -> ModuleType:
    """The module; ``what`` it is needed for begins the text of an error."""
    try:
        return importlib.import_module(module)
    except passed_on:
        raise
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise BadInput(
                f"{what}: there is no module {missing}, installed or in the current folder; install it"
            ) from None
        raise BadInput(f"{what}: importing {module} raised {describe(error)}") from error


def find_attribute(what: str, module: str, attribute: str) -> Any:
    """Import an ``attribute`` of a module; ``what`` it is wanted for begins the text of an error."""
    content = import_module(what, module)
    try:
        return getattr(content, attribute)
    except AttributeError:
        hint = nearest(attribute, [one for one in vars(content) if not one.startswith("_")])
        raise BadInput(f"{what}: module {module} has no {attribute!r}{hint}") from None


def look_in(folder: str | None) -> None:
    """Find modules of users in this folder, that of the driver, which may be on another machine."""
    global _folder
    _folder = folder


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Modules in the current folder are found before installed ones, and after those of Python itself."""
    folder = _folder or str(Path.cwd())
    sys.path.insert(_after_python_itself(), folder)
    try:
        yield
    finally:
        # the import may have changed the path itself: take away one entry, wherever it is now
        if folder in sys.path:
            sys.path.remove(folder)


def _after_python_itself() -> int:
    own = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    own |= {f"{folder}/lib-dynload" for folder in own}
    return 1 + max((place for place, folder in enumerate(sys.path) if folder in own), default=-1)


def describe(error: BaseException) -> str:
    """Type and message of an exception on one line of at most 300 characters; of ours, the message alone."""
    message = str(error) if isinstance(error, EasinessError) else f"{type(error).__name__}: {error}"
    text = textwrap.shorten(message, 300, placeholder=" ...")
    return text.removesuffix(":")


_MODULES: dict[str, str] = {}


def offer(name: str, module: str) -> None:
    """Say that the function ``name`` is in ``module``."""
    _MODULES[name] = module


def find_offer(name: str) -> Callable[..., Any]:
    """The function that was offered by this name."""
    function: Callable[..., Any] = getattr(importlib.import_module(_MODULES[name]), name)
    return function
