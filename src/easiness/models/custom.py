"""A network of the user's own, named as ``package.module:callable``."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from easiness.errors import BadInput
from easiness.models.family import Shape, cannot_take
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name

if TYPE_CHECKING:
    from torch import nn

CALLABLE_FORM = "package.module:callable"

_built: weakref.WeakSet[nn.Module] = weakref.WeakSet()


class Custom:
    """Networks of the user's own, each built by a callable of theirs."""

    form = CALLABLE_FORM
    published: ClassVar[None] = None
    users_own: ClassVar[bool] = True

    def reads(self, name: str) -> bool:
        """Is there a colon? What else has to be right is for `check`."""
        return ":" in name

    def known(self) -> tuple[str, ...]:
        """Nothing is known of them."""
        return ()

    def check(self, name: str) -> None:
        """Raise `BadInput` for another form; nothing is imported."""
        split_callable_name(name)

    def build(self, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """The network as the callable leaves it.

        Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
        """
        with current_folder_importable():
            function = self.find(name)
            return built_by(function, name, split_callable_name(name)[1], input_shape, num_classes)

    def find(self, name: str) -> Any:
        """The callable, of a module that is imported, in the current folder as well.

        Raises:
            BadInput: another form, there is no such module or callable, or the import raises an exception.
        """
        module_name, attribute = split_callable_name(name)
        with current_folder_importable():
            return find_attribute(f"model {name!r}", module_name, attribute)

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """What went wrong."""
        return cannot_take(name, input_shape, error)


CUSTOM = Custom()


def split_callable_name(name: str) -> tuple[str, str]:
    """Module and attribute of ``package.module:callable``; `BadInput` for any other form."""
    parts = split_name(name)
    if parts is None:
        raise BadInput(
            f"model {name!r}: write {CALLABLE_FORM}, with a module's dotted name (not a file) and a function"
        )
    return parts


def built_by(
    function: Callable[..., Any], name: str, title: str, input_shape: Shape, num_classes: int
) -> nn.Module:
    """What ``function`` returns for ``input_shape=(c, h, w), num_classes=n``, of which it may take fewer.

    The model is called ``name`` in an error, the function ``title``.

    Raises:
        BadInput: it wants more, raises an exception, or returns no network.
    """
    from torch import nn

    given = _wanted(function, name, title, {"input_shape": input_shape, "num_classes": num_classes})
    try:
        net = function(**given)
    except (Exception, SystemExit) as error:
        arguments = ", ".join(f"{key}={value}" for key, value in given.items())
        raise BadInput(f"model {name!r}: {title}({arguments}) raised {describe(error)}") from error
    if not isinstance(net, nn.Module):
        raise BadInput(f"model {name!r} returned {type(net).__name__}; it must return a torch.nn.Module")
    if net in _built:
        raise BadInput(
            f"model {name!r} returned the same network again; it must build another each time it is called, "
            "since each trial needs new weights"
        )
    _built.add(net)
    return net


def _wanted(function: Callable[..., Any], name: str, title: str, offered: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments ``offered`` that a function takes by name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # it has none to look at
        return offered
    by_name = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    anything = any(one.kind is one.VAR_KEYWORD for one in parameters)
    needed = [one.name for one in by_name if one.default is one.empty and one.name not in offered]
    if needed:
        raise BadInput(
            f"model {name!r}: {title} needs {', '.join(needed)}, but it is given input_shape=(c, h, w) and "
            "num_classes=n alone; give the rest a default, or set it by functools.partial"
        )
    named = {one.name for one in by_name}
    return {key: value for key, value in offered.items() if anything or key in named}
