"""The folder of a paper study: what lies in it, and what it was begun with, which it goes on with."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.errors import BadInput, RunFailed
from easiness.paper.reproduction.presets import Preset
from easiness.regular_file import read_regular
from easiness.store import (
    ASIDE,
    check_no_links,
    later,
    own_version,
    read_json,
    sweep,
    write_whole,
)

if TYPE_CHECKING:
    from easiness.paper.reproduction.study import PaperPlan

DOCUMENT = "study.json"
RUNS = "trials"
PAGE = "report.html"
_MOST_OF_A_PAGE = 2**28  # bytes, far more than one with all pictures comes to
FIGURES = "figures"
TABLES = "tables"


def is_study(out: Path) -> bool:
    """Does the folder hold a study?"""
    return (out / DOCUMENT).is_file()


def is_damaged_study(out: Path) -> bool:
    """Does the folder hold a study whose description cannot be read as one?"""
    try:
        return is_study(out) and not _flat(read_json(out / DOCUMENT))
    except (OSError, ValueError):
        return True


def study_page(out: Path) -> str:
    """The page of a finished study."""
    try:
        return read_regular(out / PAGE, _MOST_OF_A_PAGE).decode()
    except FileNotFoundError:
        raise BadInput(
            f"{out}: the study has no {PAGE} yet; run the same `easiness paper all` again to finish it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise BadInput(
            f"{out / PAGE}: cannot be read ({why}); run the same `easiness paper all` again to write it anew"
        ) from None


def check_folder(plan: PaperPlan, out: Path) -> None:
    """Make sure that ``out`` is this study, or could become it."""
    from easiness.runs import check_study_folder  # loads torch, which reading a study need not wait for

    check_study_folder(out)
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out}: is a file; give a folder for the study (--out)")
    document = out / DOCUMENT
    if not document.is_file():
        names = sorted(p.name for p in out.iterdir()) if out.is_dir() else []
        # a study that was killed before it was described has only what the kill left
        foreign = [name for name in names if not name.startswith(ASIDE)]
        if foreign:
            raise BadInput(
                f"{out}: neither empty nor a study (it holds {foreign[0]!r}); choose another --out"
            )
        return
    try:
        there = read_json(document)
    except (OSError, ValueError):
        raise BadInput(f"{document}: is damaged; choose another --out") from None
    refused = later(document, there)
    there, here = _flat(there), _flat(_settings(plan))
    if refused is not None and (there.get("format", 1) != 1 or there.keys() - here.keys() - {"version"}):
        raise refused  # it has settings that are not known here
    for name, value in here.items():
        if there.get(name) != value:
            raise BadInput(
                f"{out}: this study cannot be continued with other settings: {name} is {there.get(name)} "
                f"there, {value} here; choose another --out"
            )


def _flat(settings: Any) -> dict[str, Any]:
    """The settings with those of the preset beside the others."""
    if not isinstance(settings, dict) or not isinstance(settings.get("preset"), dict):
        return {}
    others = {name: value for name, value in settings.items() if name != "preset"}
    given = settings["preset"]
    usual = {one.name: one.default for one in fields(Preset) if one.default is not MISSING}
    preset = {**given, **usual, **given}  # a study from before a setting existed has the usual one
    return {**{f"preset {name}": value for name, value in preset.items()}, **others}


def describe_folder(plan: PaperPlan, out: Path) -> None:
    """Make the folder and write down what the study was begun with; remove what killed writers left."""
    check_no_links(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in (out, out / FIGURES, out / TABLES):
            sweep(folder)
        if not (out / DOCUMENT).is_file():
            settings = {**_settings(plan), "version": own_version()}
            write_whole(out / DOCUMENT, (json.dumps(settings, indent=1) + "\n").encode())
    except OSError as error:
        raise RunFailed(f"{out}: cannot be written to ({error.strerror}); choose another --out") from None


def _settings(plan: PaperPlan) -> dict[str, Any]:
    data = plan.data
    preset = json.loads(json.dumps(asdict(plan.preset)))
    del preset["description"]  # words
    return {
        "preset": preset,
        "seed": plan.seed,
        "examples": len(data),
        "fingerprint": data.fingerprint,
        "held_out_fingerprint": None if data.held_out is None else data.held_out.fingerprint,
    }
