"""A network of the user's own, named as ``package.module:callable``."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, nearest

CALLABLE_FORM = "package.module:callable"


def split_callable_name(name: str) -> tuple[str, str]:
    """Module and attribute of ``package.module:callable``; `BadInput` for any other form."""
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), attribute]):
        raise BadInput(
            f"model {name!r}: write {CALLABLE_FORM}, with a module's dotted name (not a file) and a function"
        )
    return module, attribute


def call_named(name: str, input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """What the callable ``name`` returns for ``input_shape=(c, h, w), num_classes=n``.

    Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
    Raises `BadInput` where the module or callable does not exist, or either raises an exception.
    """
    module_name, attribute = split_callable_name(name)
    with _current_folder_importable():
        module = _import(name, module_name)
        try:
            function = getattr(module, attribute)
        except AttributeError:
            hint = nearest(attribute, [known for known in vars(module) if not known.startswith("_")])
            raise BadInput(f"model {name!r}: module {module_name} has no {attribute!r}{hint}") from None
        try:
            return function(input_shape=input_shape, num_classes=num_classes)
        except (Exception, SystemExit) as error:
            call = f"{attribute}(input_shape={input_shape}, num_classes={num_classes})"
            raise BadInput(f"model {name!r}: {call} raised {describe(error)}") from error


def describe(error: BaseException) -> str:
    """Type and message of an exception on one line of at most 300 characters."""
    text = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
    return text.removesuffix(":")


def _import(name: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module_name}.".startswith(f"{missing}."):
            raise BadInput(
                f"model {name!r}: there is no module {missing}, installed or in the current folder"
            ) from None
        raise BadInput(f"model {name!r}: importing {module_name} raised {describe(error)}") from error


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # The import may have changed the path itself; take away one entry, wherever it is now.
        if folder in sys.path:
            sys.path.remove(folder)
