"""Importing the module that registers a user's perturbation."""

from __future__ import annotations

from easiness.errors import BadInput
from easiness.named_import import current_folder_importable, import_module, split_name


def is_import_name(name: str) -> bool:
    """Is this a name of the form ``package.module:name``, right or wrong?"""
    return ":" in name


def import_named(name: str) -> str:
    """Import the module of ``package.module:name``; what follows the colon.

    Modules in the current folder are found, as with ``python -m``.

    Raises:
        BadInput: another form, no such module, or the import raises an exception.
    """
    parts = split_name(name)
    if parts is None:
        raise BadInput(
            f"perturbation {name!r}: write package.module:name, with a module's dotted name (not a file)"
        )
    module, kind = parts
    with current_folder_importable():
        # what registering refuses says so itself
        import_module(f"perturbation {name!r}", module, passed_on=(BadInput,))
    return kind
