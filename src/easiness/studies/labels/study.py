"""``labels``: a file of labels, by a rule on the suspects of a run, or as several people say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from easiness.engine import Decided, HeldOutToo, OneRun, Study
from easiness.errors import BadInput
from easiness.spec import Option
from easiness.studies.labels.agreement import Agreement, agreement
from easiness.studies.labels.rule import RELABEL_ABOVE, Cleaned, by_rule


@dataclass(frozen=True)
class Labelling:
    """Options of `labels`."""

    run: OneRun
    files: Annotated[
        Sequence[Path] | None,
        Option(
            "",
            "Files of decisions of people, from the page, `labels`, an audit or an editor, and answers that "
            "Label Studio exports (JSON): merge what they say.",
            typed=list[Path] | None,
            given=str | Path | Sequence[str | Path] | None,
            argument=True,
        ),
    ] = None
    relabel_above: Annotated[
        float | None,
        Option(
            "--relabel-above",
            "Relabel an example if its suggested label is right with at least this probability; 0.9 by "
            "default.",
        ),
    ] = None
    drop_above: Annotated[
        float | None,
        Option(
            "--drop-above",
            "Else drop an example whose label is that likely wrong; 0.5, or 0.9 where none may be.",
        ),
    ] = None
    decided: Decided = None
    only_decided: Annotated[
        bool, Option("--only-decided", "Change only what people decided, nothing by rule.")
    ] = False
    split: HeldOutToo = "train"


def labels(asked: Labelling) -> Cleaned | Agreement:
    """The file of labels by the rule; or the merged decisions of people, and how far they agree."""
    if asked.files is None:
        if asked.split != "train":
            raise BadInput(
                f"--split {asked.split}: the rule is for the examples measured; give files of decisions, too"
            )
        above = RELABEL_ABOVE if asked.relabel_above is None else asked.relabel_above
        return by_rule(asked.run, above, asked.drop_above, asked.decided, only_decided=asked.only_decided)
    if not asked.files:
        raise BadInput("files: none is given; give one or more, or leave them out to decide by rule")
    of_rule = {
        "--relabel-above": asked.relabel_above,
        "--drop-above": asked.drop_above,
        "--decided": asked.decided,
        "--only-decided": asked.only_decided or None,
    }
    for name, value in of_rule.items():
        if value is not None:
            raise BadInput(
                f"{name}: is of the rule, and files say what people decided; leave one of them out"
            )
    files = [asked.files] if isinstance(asked.files, str | Path) else asked.files
    return agreement(asked.run, files, asked.split)


LABELS = Study(
    "labels",
    "Mend",
    "Write a file of labels: by rule, or as people say.",
    Labelling,
    labels,
    about="By rule: what to relabel, drop and keep of the suspects of a run. You may edit label, class and "
    "action in the file. Every command that reads data takes it by --labels.\n\nWith files: how far people "
    "agree, and the decision of the majority. Examples on which people differ come first. It is a file of "
    "decisions like any other.",
    decides=lambda _: True,
)
