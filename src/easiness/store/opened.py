"""The obvious slip with a function of runs: it is given the folder of one."""

from __future__ import annotations

import os

from easiness.errors import BadInput


def check_opened(**given: object) -> None:
    """Make sure that runs, or lists of runs, are no paths; each is given by the name of its parameter.

    Raises:
        BadInput: one is a path (says to open the run).
    """
    for name, value in given.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, str | os.PathLike):
                path = os.fspath(one)
                raise BadInput(f"{name} {path!r}: is a path; open the run first, easiness.open_run({path!r})")
