"""A network of the user's own, named as ``package.module:callable``."""

from __future__ import annotations

from typing import Any

from easiness.errors import BadInput, nearest
from easiness.named_import import current_folder_importable, describe, import_module, split_name

CALLABLE_FORM = "package.module:callable"


def split_callable_name(name: str) -> tuple[str, str]:
    """Module and attribute of ``package.module:callable``; `BadInput` for any other form."""
    parts = split_name(name)
    if parts is None:
        raise BadInput(
            f"model {name!r}: write {CALLABLE_FORM}, with a module's dotted name (not a file) and a function"
        )
    return parts


def call_named(name: str, input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """What the callable ``name`` returns for ``input_shape=(c, h, w), num_classes=n``.

    Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
    Raises `BadInput` where the module or callable does not exist, or either raises an exception.
    """
    module_name, attribute = split_callable_name(name)
    with current_folder_importable():
        module = import_module(f"model {name!r}", module_name)
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
