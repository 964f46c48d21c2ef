"""Importing the module that registers a user's perturbation."""

from __future__ import annotations

import importlib
import sys
import textwrap
from pathlib import Path

from easiness.errors import BadInput


def is_import_name(name: str) -> bool:
    """Is this a name of the form ``package.module:name``, right or wrong?"""
    return ":" in name


def import_named(name: str) -> str:
    """Import the module of ``package.module:name``; what follows the colon.

    Modules in the current folder are found, as with ``python -m``.

    Raises:
        BadInput: another form, no such module, or the import raises an exception.
    """
    module, _, kind = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), kind]):
        raise BadInput(
            f"perturbation {name!r}: write package.module:name, with a module's dotted name (not a file)"
        )
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        importlib.import_module(module)
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise BadInput(
                f"perturbation {name!r}: there is no module {missing}, installed or in the current folder"
            ) from None
        raise BadInput(f"perturbation {name!r}: importing {module} raised {describe(error)}") from error
    finally:
        # the import may have changed the path itself: take away one entry, wherever it is now
        if folder in sys.path:
            sys.path.remove(folder)
    return kind


def describe(error: BaseException) -> str:
    """Type and message of an exception on one line of at most 300 characters."""
    text = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
    return text.removesuffix(":")
