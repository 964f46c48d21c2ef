"""Networks of the user's own: named as ``package.module:callable``, or given as objects of Python."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from easiness.errors import BadInput, caught
from easiness.inputs import Signature
from easiness.models.family import ANYTHING, Inputs, Shape, cannot_take
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name

if TYPE_CHECKING:
    from torch import nn

ModelGiven: TypeAlias = str | Callable[..., Any]
"""A name, or what returns a new network when it is called: a function, a class, a ``functools.partial``."""

CALLABLE_FORM = "package.module:callable"
_MARK = "#"  # in no name that can be imported

_given: dict[str, Callable[..., Any]] = {}
_built: weakref.WeakSet[nn.Module] = weakref.WeakSet()


class Custom:
    """Networks of the user's own, each built by a callable of theirs."""

    form = CALLABLE_FORM
    published: ClassVar[None] = None
    takes: ClassVar[Inputs] = ANYTHING

    def reads(self, name: str) -> bool:
        """Is there a colon? What else has to be right is for `check`."""
        return ":" in name

    def known(self) -> tuple[str, ...]:
        """No names, since nothing is known of them."""
        return ()

    def check(self, name: str) -> None:
        """Raise `BadInput` for another form; nothing is imported."""
        _parts_of(name)

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network as the callable leaves it.

        Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
        """
        with current_folder_importable():
            return _built_by(self.find(name), name, _parts_of(name)[1], signature, num_classes)

    def find(self, name: str) -> Any:
        """The callable, of a module that is imported, in the current folder as well."""
        module_name, attribute = _parts_of(name)
        with current_folder_importable():
            return find_attribute(f"model {name!r}", module_name, attribute)

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """The reason why the network cannot take such an example."""
        return cannot_take(name, input_shape, error)


class Given(Custom):
    """Networks whose callable was given as an object in this process."""

    form = "what builds a network, in Python"

    def reads(self, name: str) -> bool:
        """Has it the mark?"""
        return is_given(name)

    def check(self, name: str) -> None:
        """Raise `BadInput` unless the callable was given in this process."""
        self.find(name)

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network as the callable leaves it."""
        return _built_by(self.find(name), name, name.partition(_MARK)[0], signature, num_classes)

    def find(self, name: str) -> Any:
        """The callable."""
        try:
            return _given[name]
        except KeyError:
            raise BadInput(
                f"model {name!r}: was an object of Python in another process; first call easiness.measure "
                "with the same one and folder here, or define it in a module and measure with that"
            ) from None


CUSTOM = Custom()
GIVEN = Given()


def is_given(name: str) -> bool:
    """Does the name stand for an object of Python that other processes cannot import?"""
    return _MARK in name


def model_name(model: ModelGiven) -> str:
    """The name of a network: itself, ``package.module:callable``, or one by the bytecode of the callable.

    What a module has under its own name is named so, and any process finds it again. For others, such as a
    lambda or what a notebook defines, the name ends in a digest of their bytecode and of what they use that
    cannot be imported either; only this process can build them.
    """
    if isinstance(model, str):
        return model
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        kind = type(model).__name__
        raise BadInput(
            f"model: a {kind} that is built already, while each trial needs new weights; give what builds "
            f"one, such as the class or `lambda: {kind}(...)`"
        )
    if not callable(model):
        raise BadInput(f"model {model!r}: give the name of a network, or what returns a new one when called")
    name = _importable_name(model)
    if name is None:
        name = f"{_title(model)}{_MARK}{code_digest(model)[:12]}"
        _given[name] = model
        return name
    module, _, function = name.partition(":")
    for library, prefix in (("torchvision.models.", ""), ("timm.models.", "timm:")):
        if module.startswith(library) and function.islower():  # its classes are no networks of a size
            return f"{prefix}{function}"  # as the command has it
    return name


def code_digest(value: Any) -> str:
    """SHA-256 (hex) that is equal for callables that do the same, in one version of Python."""
    return hashlib.sha256("\n".join(_described(value, {})).encode()).hexdigest()


def _importable_name(value: Any) -> str | None:
    """``package.module:name`` where importing that gives this very object, else ``None``."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return None
    full = f"{module}:{name}"
    if split_name(full) is None or vars(sys.modules.get(module, object)).get(name) is not value:
        return None
    return full


def _title(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    name = getattr(value, "__name__", type(value).__name__)
    return re.sub(r"\W", "", name) or "model"


def _described(value: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Lines that are equal for callables that do the same, in one version of Python.

    What can be imported counts by its name; functions and classes by their bytecode and by what they use;
    numbers, texts and collections of them by their value; anything else by its type.
    """
    name = _importable_name(value)
    if name is not None or id(value) in seen:
        yield name or "as above"
        return
    yield type(value).__name__
    if value is None or isinstance(value, str | bytes | int | float | complex):
        yield repr(value)
        return
    seen[id(value)] = value  # kept, so that no other gets its id
    parts: Any = ()
    match value:
        case CodeType():
            yield f"{value.co_code.hex()} {value.co_names} {value.co_varnames}"
            parts = value.co_consts
        case FunctionType():
            parts = (value.__code__, value.__defaults__, value.__kwdefaults__, _used(value))
        case MethodType():
            parts = (value.__func__, value.__self__)
        case functools.partial():
            parts = (value.func, value.args, value.keywords)
        case staticmethod() | classmethod():
            parts = (value.__func__,)
        case property():
            parts = (value.fget,)
        case type():
            own = {name: part for name, part in vars(value).items() if name[:2] != "__" or callable(part)}
            yield f"{value.__module__}.{value.__qualname__}"
            parts = (value.__bases__, own)
        case Mapping():
            parts = [part for pair in sorted(value.items(), key=lambda pair: repr(pair[0])) for part in pair]
        case set() | frozenset():  # in another order in each process
            parts = sorted(value, key=repr)
        case list() | tuple():
            parts = value
        case ModuleType() | BuiltinFunctionType():
            yield f"{getattr(value, '__module__', '')}.{value.__name__}"
        case _ if callable(value):
            yield getattr(value, "__qualname__", "")
            parts = (type(value), getattr(value, "__dict__", {}))
    for part in parts:
        yield from _described(part, seen)


def _used(function: FunctionType) -> dict[str, Any]:
    """The values that a function takes from around it, by name."""
    codes = [function.__code__]
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    names = {name for code in codes for name in code.co_names}
    around = {name: value for name, value in function.__globals__.items() if name in names}
    return around | dict(inspect.getclosurevars(function).nonlocals)


def _parts_of(name: str) -> tuple[str, str]:
    """Module and attribute of ``package.module:callable``; `BadInput` for any other form."""
    parts = split_name(name)
    if parts is None:
        raise BadInput(
            f"model {name!r}: write {CALLABLE_FORM}, with a module's dotted name (not a file) and a function"
        )
    return parts


def _built_by(
    function: Callable[..., Any], name: str, title: str, signature: Signature, num_classes: int
) -> nn.Module:
    """The network that ``function`` returns for ``input_shape=(c, h, w), num_classes=n``; it may take fewer.

    Of tokens the shape is (L,), and there is ``vocabulary=m``, the number of tokens. The model is called
    ``name`` in an error, the function ``title``.
    """
    from torch import nn

    offered: dict[str, Any] = {"input_shape": signature.shape, "num_classes": num_classes}
    if signature.vocabulary is not None:
        offered["vocabulary"] = signature.vocabulary
    arguments = _arguments(function, name, title, offered)
    shown = ", ".join(f"{key}={value}" for key, value in arguments.items())
    with caught(
        lambda error: BadInput(
            f"model {name!r}: {title}({shown}) raised {describe(error).removeprefix('it called ')}"
        )
    ):
        net = function(**arguments)
    if not isinstance(net, nn.Module):
        raise BadInput(f"model {name!r}: returned {type(net).__name__}; it must return a torch.nn.Module")
    if net in _built:
        raise BadInput(
            f"model {name!r}: returned the same network again; it must build another each time it is called, "
            "since each trial needs new weights"
        )
    _built.add(net)
    return net


def _arguments(
    function: Callable[..., Any], name: str, title: str, offered: dict[str, Any]
) -> dict[str, Any]:
    """The arguments among ``offered`` that a function takes by name."""
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
            "num_classes=n alone, for texts also vocabulary=m; give the rest a default, or set it by "
            "functools.partial"
        )
    named = {one.name for one in by_name}
    return {key: value for key, value in offered.items() if anything or key in named}
