"""The certificate of an audit: its claim, what that rests on, and digests of the data and of the looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from easiness import show
from easiness.data import LabelledExamples
from easiness.errors import BadInput, shorten
from easiness.lazy import Figure, pd
from easiness.regular_file import in_words, read_regular
from easiness.runs import data_version, labelled_examples
from easiness.spec import Split, command_line, content_hash
from easiness.store import Run
from easiness.studies.audit.estimate import Audit

_RESTS_ON = (
    "Whoever looked is right: wrong is what they relabel or drop.",
    "Nobody chose the rows, or left out any that were drawn.",
    "Unsure counts as wrong in the bound.",
)
_PEOPLE = 6  # named to read; JSON names all
_MOST_BYTES = 2**24


def _digest_labels(of: LabelledExamples, data: str) -> str:
    """SHA-256 (hex) of the version of the ``data``, and of ids and names of classes, sorted."""
    classes = [of.classes[label] for label in of.labels.tolist()]
    return content_hash([data.rpartition("@")[2], sorted(zip(map(str, of.ids), classes, strict=True))])


def _at_most(part: int, whole: int) -> str:
    """A share as a percentage that is not below it: ``4.5 %``, and with one more digit below one percent."""
    steps = 10_000 if 100 * part < whole else 1_000
    return f"{-(-steps * part // whole) / steps * 100:g} %"  # plain text, to be searched for


@dataclass(frozen=True, eq=False)
class Certificate(show.Result):
    """The claim that an ``audit`` supports on labels ``of`` some ``data``, for those who use them.

    ``paths`` are those of what was audited, and ``file`` has the looks. It tells no time but theirs, so that
    the same looks give the same certificate.
    """

    audit: Audit = field(repr=False)
    of: LabelledExamples = field(repr=False)
    data: str
    paths: Sequence[Path] = field(repr=False)
    file: Path = field(repr=False)
    leads = True

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Decisions that count: those before the draw, then the looks in their order."""
        rows = pd.concat([self.audit.before, self.audit.looks.reset_index()])
        names = rows["label"].map(dict(enumerate(self.of.classes))).fillna("")
        return rows.assign(label=names, stratum=rows["stratum"] + 1).sort_values(["order", "name"])

    @property
    def noun(self) -> str:
        """``label``, of items as well, or ``key``."""
        return self.audit.noun.split()[-1]

    @property
    def claim(self) -> str:
        """The bound in a sentence."""
        audit, split = self.audit, "held-out " * (self.audit.split == "held_out")
        wrong = f"{_at_most(audit.at_most, audit.num_examples)} of these {split}{self.noun}s are wrong"
        return f"At most {wrong}, with 95 % confidence, whatever the models say."

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) of the ``data``, and of the ``looks`` that count.

        A look is its id, action, name of the class, by, order and stratum (both 0 where it was decided before
        the draw) and draw.
        """
        looks = self._rows[["name", "action", "label", "by", "order", "stratum", "draw"]].to_numpy(object)
        return {"data": _digest_labels(self.of, self.data), "looks": content_hash(looks.tolist())}

    @cached_property
    def by(self) -> dict[str, int]:
        """How many decisions each person signed, the most first; those of nobody have an empty name."""
        return {str(name): int(num) for name, num in self._rows["by"].value_counts().items()}

    @cached_property
    def days(self) -> list[str]:
        """The days of the first and of the last decision (ISO 8601, UTC); none where no row says when."""
        times = pd.to_datetime(self._rows["time"], errors="coerce", utc=True, format="ISO8601").dropna()
        return [] if times.empty else [f"{one:%Y-%m-%d}" for one in (times.min(), times.max())]

    @property
    def notices(self) -> list[str]:
        audit, nameless, texts = self.audit, self.by.get("", 0), list[str]()
        if nameless:
            texts.append(f"Nobody signed {nameless:,} of the {len(self._rows):,} decisions (column by).")
        if audit.first_open and not audit.enough:
            counts = f"{len(audit.looks):,} of the {audit.design.looks:,} drawn count"
            where = in_words(audit.first_open)
            texts.append(f"Unfinished: {counts}, up to the first without an action ({where}); decide it.")
        elif audit.enough is False:
            texts.append("Unfinished: all drawn were looked at, and more may be left than was to be shown.")
        return texts

    @property
    def facts(self) -> dict[str, str]:
        """Words on what was looked at, how and by whom, and on what it says of the labels."""
        audit, design, whole, num = self.audit, self.audit.design, self.audit.whole, self.audit.num_examples
        wrong, target = whole["wrong"], design.at_most
        about = "" if wrong is None else f"about {round(wrong):,} ({show.percent(wrong / num)}), "
        chance = np.bincount(design.strata.of(design.ranks())) / design.strata.sizes
        each = " to ".join(dict.fromkeys(map(show.percent, (chance.min(), chance.max()))))
        until = "" if target is None else f", until at most {show.chosen_percent(target)} can be left"
        people = [f"{name} ({show.quantity(looks, 'look')})" for name, looks in self.by.items() if name]
        left = f"{audit.left_at_most:,} ({_at_most(audit.left_at_most, num)})"
        return {
            "wrong": f"{about}{whole['low']:,} to {whole['high']:,} with 95 % confidence from both sides",
            "data": f"{self.data}, {show.quantity(num, self.noun)}, split {audit.split}",
            "drawn": f"{design.looks:,} by chance, seed {design.seed}, "
            f"{each} of each of {len(chance)} strata{until}",
            "looked at": f"{len(audit.looks):,}: {whole['wrong_seen']:,} wrong, {audit.unsure:,} unsure; "
            f"{len(audit.before):,} were decided before",
            "by": shorten(people, _PEOPLE) or "nobody signed",
            "when": " to ".join(dict.fromkeys(self.days)) or "no row says",
            "corrections": f"{audit.corrections:,}; when they are made, at most {left} are left wrong",
        }

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Conditions under which the bound holds, a sentence each."""
        if self.audit.design.at_most is None:
            return (*_RESTS_ON, "Nobody stopped because of what was seen.")
        return (*_RESTS_ON, "It holds at every look: one may stop by what was seen.")

    @property
    def command(self) -> str:
        """The line that makes it again, to check it."""
        output = "certificate.html"
        return command_line("audit", *self.paths, "--decided", self.file, "--certificate", "-o", output)

    def table(self) -> pd.DataFrame:
        return self.audit.table()

    def document(self) -> dict[str, Any]:
        about = {"claim": self.claim, "data": self.data, "noun": self.noun}
        names = ("by", "days", "facts", "rests_on", "notices", "digests", "command")
        own = {name: getattr(self, name) for name in names}
        return {**about, **self.audit.document(), "draw": self.audit.design.text(), **own}

    def figure(self) -> Figure:
        return self.audit.figure()

    def frames(self) -> list[show.Frame]:
        digests = {f"SHA-256 of the {name}": digest for name, digest in self.digests.items()}
        facts = {**self.facts, **digests, "to check it": self.command}
        rows = pd.DataFrame(facts.items(), columns=["what", "text"])
        return [show.Frame(self.claim, " ".join(self.rests_on), rows, dict.fromkeys([*rows], show.names()))]


class _Document(BaseModel):
    """The part of a certificate in JSON that is read."""

    model_config = ConfigDict(frozen=True, strict=True)

    claim: str
    split: Split
    digests: dict[str, str]


def read_certificate(file: Path, run: Run) -> tuple[str, bytes]:
    """The claim of a certificate in JSON on labels of a run, and its content."""
    remedy = "easiness audit RUN --decided audit.csv --certificate -o certificate.json writes one"
    try:
        content = read_regular(file, _MOST_BYTES)
        read = _Document.model_validate_json(content)
    except (OSError, ValidationError):
        raise BadInput(f"{file}: cannot be read as a certificate in JSON; {remedy}") from None
    data = data_version(run)
    if read.digests.get("data") != _digest_labels(labelled_examples(run, read.split), data):
        raise BadInput(f"{file}: certifies other labels than {run.path} has ({data}); {remedy}")
    return read.claim, content
