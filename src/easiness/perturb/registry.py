"""Every kind of perturbation by name: ours, and any that a user registers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar

from easiness.errors import BadInput, EasinessError, nearest
from easiness.named_import import current_folder_importable, describe, import_module, split_name
from easiness.perturb.color import COLOR
from easiness.perturb.kind import Factory, ImageShape, Kind, Level, Levels, Perturbation
from easiness.perturb.radial import RADIAL
from easiness.perturb.shuffle import SHUFFLE

KINDS: tuple[Kind, ...] = (COLOR, RADIAL, SHUFFLE)

_registered: list[Kind] = []
"""What modules of the user's own have registered in this process."""

_F = TypeVar("_F", bound=Factory)


def register(
    name: str,
    *,
    levels: Levels,
    neutral: Level,
    label: str | None = None,
    seeded: bool = False,
    clamped: bool = True,
) -> Callable[[_F], _F]:
    """Decorate a function, or a class, that makes a transform from a level, to make it known as ``name``.

        @register("blur", levels=(0, 1, 2), neutral=0)
        def blur(level):
            def transform(images, ids=None):
                return ...  # the same shape, from the level and the ids alone
            return transform

    ``levels`` are the default ones and ``neutral`` the one that changes nothing; either may be a
    function of the image's shape (c, h, w). ``label`` names the level on an axis, ``seeded`` asks for
    a second argument, a seed, and ``clamped`` is false where values never leave [0, 1].

    Raises:
        BadInput: the name is taken or no plain word, or a level is not finite.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise BadInput(f"perturbation name {name!r}: use lower-case letters, digits and underscores")
    fixed = [*([] if callable(levels) else levels), *([] if callable(neutral) else [neutral])]
    for level in fixed:
        if not math.isfinite(level):
            raise BadInput(f"perturbation {name!r}: level {level} is not finite; give numbers")

    def decorate(factory: _F) -> _F:
        known = _known(name)
        made = Kind(name, factory, levels, neutral, label or name, seeded, clamped)
        if known is None:
            _registered.append(made)
        # a notebook cell that is run again, or a module that is loaded again, replaces its own
        elif known in _registered and _origin(known.factory) == _origin(factory):
            _registered[_registered.index(known)] = made
        else:
            raise BadInput(f"perturbation {name!r}: exists already; choose another name")
        return factory

    return decorate


def _origin(factory: Factory) -> tuple[str | None, str | None]:
    return getattr(factory, "__module__", None), getattr(factory, "__qualname__", None)


def kinds() -> tuple[str, ...]:
    """The names that are known: ours, then the user's own in the order of their registration."""
    return tuple(kind.name for kind in (*KINDS, *_registered))


def find_kind(name: str) -> Kind:
    """The kind called ``name``; ``package.module:name`` imports the module first, which registers it.

    Raises:
        BadInput: there is none (the nearest are named), or the module cannot be imported.
    """
    short = _import_named(name) if ":" in name else name
    found = _known(short)
    if found is None:
        raise BadInput(
            f"perturbation {name!r}: unknown{nearest(short, kinds())}; give one of {', '.join(kinds())}, "
            "or package.module:name for one that the module registers"
        )
    return found


def _import_named(name: str) -> str:
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


def _known(name: str) -> Kind | None:
    return next((kind for kind in (*KINDS, *_registered) if kind.name == name), None)


def default_levels(kind: str, image_shape: ImageShape) -> tuple[float, ...]:
    """The levels of a kind for images of shape (c, h, w), from the neutral to the strongest.

    Raises:
        BadInput: the kind is not known.
    """
    return find_kind(kind).levels(image_shape)


def perturbation(kind: str, level: float, seed: int = 0) -> Perturbation:
    """The perturbation of a known kind, or of ``package.module:name``, at ``level``.

    ``seed`` matters to the kinds that are random.

    Raises:
        BadInput: the kind is not known, it does not take this level, or its factory raises an exception.
    """
    known = find_kind(kind)
    if not math.isfinite(level):
        raise BadInput(f"perturbation {kind!r}: level {level} is not finite; give a number")
    try:
        transform = known.factory(level, seed) if known.seeded else known.factory(level)
    except EasinessError:
        raise
    except Exception as error:
        raise BadInput(f"perturbation {kind!r} at level {level:g}: raised {describe(error)}") from error
    return Perturbation(kind, float(level), seed, transform)
