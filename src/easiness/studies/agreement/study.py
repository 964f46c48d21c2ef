"""``decisions``: what several people decided on the labels of a run, and how far they agree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from easiness.analysis import kappa
from easiness.data import DROP, UNKNOWN, UNSURE, Decisions
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.runs import decisions_of_people
from easiness.spec import Split
from easiness.store import Run, check_opened
from easiness.studies.agreement.agreement import Agreement, Answers, Between, merged

File = str | os.PathLike[str]


def decisions(run: Run, files: File | Sequence[File], *, split: Split = "train") -> Agreement:
    """The decisions of people on the labels of a run: how far they agree, and what their majority says.

    A person is who stands in the column ``by``, or the name of a file that names nobody; whose decisions are
    in several files is one person still, and unsure where no file decides. Examples on which somebody is
    unsure do not count for the agreement with this person. A file in which nothing is decided says what there
    is to look at, and what other columns are to be kept. The table is the file of decisions of all: what more
    than half of those who looked at an example say, and nothing, which is undecided, where there is no such
    majority.

    Args:
        run: whose labels they looked at.
        files: of decisions, as the page, `clean` or an audit writes them; or the JSON that Label Studio
            exports of tasks that `export` made for it.
        split: whose labels: those trained on, or ``held_out``.

    Raises:
        BadInput: as `read_decisions`; a file is given twice, nothing is decided in any, or somebody has
            decided otherwise on an example in another file.
    """
    check_opened(run=run)
    paths = [at_home(one) for one in ([files] if isinstance(files, str | os.PathLike) else files)]
    _check_different(paths)
    said: dict[str, Decisions] = {}
    for path in paths:
        for name, found in decisions_of_people(run, path, split).items():
            said[name] = found if name not in said else _together(said[name], found, name, path)
    if not any(map(len, said.values())):
        raise BadInput(
            f"{', '.join(map(str, paths))}: nothing is decided there; write keep, relabel, drop or unsure in "
            "the column action"
        )
    answers = _answers(said)
    return Agreement(answers, merged(answers, said), tuple(_agreements(answers)), split)


def _check_different(paths: Sequence[Path]) -> None:
    seen = set()
    for path in paths:
        if (real := path.resolve()) in seen:
            raise BadInput(f"{path}: is given twice; give each file once")
        seen.add(real)


def _together(one: Decisions, other: Decisions, name: str, path: Path) -> Decisions:
    """The decisions of one person in two files; where one of them says unsure, that in the other."""
    before = {at: row for row, at in enumerate(one.at.tolist())}
    kept, new = np.ones(len(one), bool), np.array([at not in before for at in other.at.tolist()], bool)
    for row in np.flatnonzero(~new & other.sure).tolist():
        at = int(other.at[row])
        there = before[at]
        if one.actions[there] == UNSURE:
            kept[there], new[row] = False, True
        elif (one.actions[there], one.labels[there]) != (other.actions[row], other.labels[row]):
            raise BadInput(
                f"{path}: {name!r} says {other.actions[row]} of the example {str(one.of.ids[at])!r}, and "
                f"{one.actions[there]} in another file; keep one of them, or write another name "
                "in the column by"
            )
    return one.part(kept).and_those(other.part(new))


def _answers(said: Mapping[str, Decisions]) -> Answers:
    """What each who decided said of each example that any file lists, in the order of the files."""
    of = next(iter(said.values())).of
    at = [*dict.fromkeys(at for found in said.values() for at in found.listed)]
    place = {position: row for row, position in enumerate(at)}
    classes, people = of.classes, {name: found for name, found in said.items() if len(found)}
    codes = np.full((len(people), len(at)), Answers.NONE, np.int64)
    for row, found in enumerate(people.values()):
        code = np.where(found.labels == UNKNOWN, len(classes) + 1, found.labels)
        code = np.where(found.actions == DROP, len(classes), code)
        code = np.where(found.actions == UNSURE, Answers.UNSURE, code)
        codes[row, [place[one] for one in found.at.tolist()]] = code
    return Answers(tuple(people), np.array(at, np.int64), codes, of)


def _agreements(answers: Answers) -> Iterator[Between]:
    """Of each pair, then of all where they are more."""
    groups: list[tuple[int, ...]] = [*combinations(range(len(answers.people)), 2)]
    if len(answers.people) > 2:
        groups.append(tuple(range(len(answers.people))))
    own = answers.of.labels[answers.at]
    for group in groups:
        codes = answers.codes[list(group)]
        both = (codes >= 0).all(axis=0)
        codes = codes[:, both]
        wrong = np.asarray(codes != own[both], np.int64)
        names = tuple(answers.people[one] for one in group)
        yield Between(names, kappa(wrong), kappa(codes))
