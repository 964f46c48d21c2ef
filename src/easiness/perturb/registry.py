"""Every kind of perturbation by name: ours, and any that a user registers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from easiness.errors import BadInput, nearest
from easiness.named_import import current_folder_importable, import_module, split_name
from easiness.perturb.kind import FITTING, Factory, Kind, Level, Levels, Perturbation
from easiness.perturb.ours import CASE, COLOR, ORDER, RADIAL, SHUFFLE, SHUFFLE_IN_TIME

KINDS: tuple[Kind, ...] = (COLOR, RADIAL, SHUFFLE, SHUFFLE_IN_TIME, ORDER, CASE)

_own_kinds: list[Kind] = []
"""Kinds that modules of the user's own have registered in this process."""

_F = TypeVar("_F", bound=Factory)


def register(
    name: str,
    *,
    levels: Levels,
    neutral: Level,
    label: str | None = None,
    seeded: bool = False,
    kinds: Sequence[str] = ("image",),
) -> Callable[[_F], _F]:
    """Decorate a function, or a class, that makes a transform from a level, to make it known as ``name``.

        @register("blur", levels=(0, 1, 2), neutral=0)
        def blur(level):
            def transform(images, ids=None):
                return ...  # the same shape, from the level and the ids alone
            return transform

    ``levels`` are the default ones and ``neutral`` the one that changes nothing; either may be a
    function of the examples' shape: (c, h, w) of pictures, () of texts. ``label`` names the level on an
    axis, and ``seeded`` asks for a second argument, a seed. It is for examples of ``kinds``: ``image``,
    ``sound``, whose log-mel pictures [b, 1, h, w] it gets, or ``text``, of which its transform gets a list
    of str and returns as many.

    Raises:
        BadInput: the name is taken or no plain word, a level is not finite, or there is no such kind of
            examples.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise BadInput(f"perturbation name {name!r}: use lower-case letters, digits and underscores")
    unknown = next((one for one in kinds if one not in FITTING), None)
    if unknown is not None or not kinds:
        problem = f"kind {unknown!r} is none" if kinds else "there are no kinds"
        raise BadInput(f"perturbation {name!r}: {problem} of examples; give some of {', '.join(FITTING)}")
    numbers = [*([] if callable(levels) else levels), *([] if callable(neutral) else [neutral])]
    for level in numbers:
        if not math.isfinite(level):
            raise BadInput(f"perturbation {name!r}: level {level} is not finite; give numbers")

    def decorate(factory: _F) -> _F:
        before, origin = _find(name), ("__module__", "__qualname__")
        kind = Kind(name, factory, levels, neutral, label or name, seeded, kinds=tuple(kinds))
        if before is None:
            _own_kinds.append(kind)
        # a notebook cell that is run again, or a module that is loaded again, replaces its own
        elif before in _own_kinds and all(
            getattr(before.factory, one, None) == getattr(factory, one, None) for one in origin
        ):
            _own_kinds[_own_kinds.index(before)] = kind
        else:
            raise BadInput(f"perturbation {name!r}: exists already; choose another name")
        return factory

    return decorate


def kinds(of: str | None = None) -> tuple[str, ...]:
    """The names that fit examples of the kind ``of``, if given: ours, then the user's own."""
    fitting = (kind.name for kind in (*KINDS, *_own_kinds) if of is None or of in kind.kinds)
    return tuple(dict.fromkeys(fitting))


def find_kind(name: str, of: str | None = None) -> Kind:
    """The kind called ``name``; ``package.module:name`` imports the module first, which registers it.

    The kind of examples ``of`` matters: ``shuffle`` is another for sounds than for pictures.
    """
    short = name.rpartition(":")[2]
    if short != name:
        parts = split_name(name)
        if parts is None:
            raise BadInput(
                f"perturbation {name!r}: write package.module:name, with a module's dotted name (not a file)"
            )
        with current_folder_importable():
            # what registering refuses says so itself
            import_module(f"perturbation {name!r}", parts[0], passed_on=(BadInput,))
    kind = _find(short, of)
    if kind is not None:
        return kind
    if _find(short) is not None:
        some = ", ".join(kinds(of))
        raise BadInput(
            f"perturbation {name!r}: does not fit examples of kind {of}; "
            + (f"give one of {some}" if some else "none does")
        )
    raise BadInput(
        f"perturbation {name!r}: unknown{nearest(short, kinds(of))}; give one of {', '.join(kinds(of))}, "
        "or package.module:name for one that the module registers"
    )


def _find(name: str, of: str | None = None) -> Kind | None:
    both = (kind for kind in (*KINDS, *_own_kinds) if kind.name == name)
    return next((kind for kind in both if of is None or of in kind.kinds), None)


def perturbation(kind: str, level: float, seed: int = 0, of: str | None = None) -> Perturbation:
    """The perturbation of a known kind, or of ``package.module:name``, at ``level``.

    Args:
        kind: its name.
        level: how strong it is.
        seed: matters to the kinds that are random.
        of: the kind of examples: ``image``, ``sound`` or ``text``; the first that fits where not given.

    Raises:
        BadInput: the kind is not known or does not fit the examples, it does not take this level, or its
            factory raises an exception.
    """
    return find_kind(kind, of).at(level, seed, kind)
