"""A network of the user's own, named as ``package.module:callable``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from easiness.errors import BadInput
from easiness.models.family import Shape, cannot_take
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name

if TYPE_CHECKING:
    from torch import nn

CALLABLE_FORM = "package.module:callable"


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
        """The network as the callable leaves it."""
        from torch import nn

        net = call_named(name, input_shape, num_classes)
        if not isinstance(net, nn.Module):
            raise BadInput(f"model {name!r} returned {type(net).__name__}; it must return a torch.nn.Module")
        return net

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


def call_named(name: str, input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """What the callable ``name`` returns for ``input_shape=(c, h, w), num_classes=n``.

    Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
    Raises `BadInput` where the module or callable does not exist, or either raises an exception.
    """
    module_name, attribute = split_callable_name(name)
    with current_folder_importable():
        function = find_attribute(f"model {name!r}", module_name, attribute)
        try:
            return function(input_shape=input_shape, num_classes=num_classes)
        except (Exception, SystemExit) as error:
            call = f"{attribute}(input_shape={input_shape}, num_classes={num_classes})"
            raise BadInput(f"model {name!r}: {call} raised {describe(error)}") from error
