"""What keeps a run inside of its folder: files named without a path, and no links to write through."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from easiness.errors import BadInput


def _without_path(name: str) -> str:
    # the rules of Windows know all separators, and drives too
    if name in ("", ".", "..") or "\0" in name or PureWindowsPath(name).name != name:
        raise ValueError(f"{name!r} is no name of a file in this folder")
    return name


FileName: TypeAlias = Annotated[str, AfterValidator(_without_path)]
"""The name of a file in the folder of the document that has it: it leads nowhere else."""


def check_no_links(*folders: Path) -> None:
    """See that what is written below entries of these folders stays there; one that is not there is empty.

    Raises:
        BadInput: an entry is a link.
    """
    for folder in folders:
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            link = next((entry.path for entry in entries if entry.is_symlink()), None)
        if link is not None:
            raise BadInput(
                f"{link}: is a link, through which writing would leave the run; copy the run without links "
                "(cp -rL)"
            )
