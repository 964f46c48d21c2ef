"""``suspects``: which labels of a run are likely wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np

from easiness import analysis, show
from easiness.data import Dataset, Decisions
from easiness.engine import SEVERAL_RUNS, At, Data, Decided, Device, HeldOutToo, Study
from easiness.errors import BadInput
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.models import missing_code
from easiness.runs import CellTexts, cell_texts, decisions_on, find_data, leak_of, positions_in
from easiness.spec import Option, Split, command_line
from easiness.store import Row, Run
from easiness.studies.matching import check_comparable
from easiness.studies.suspects.conflicts import FIRST, Conflicts, conflicts_of
from easiness.studies.suspects.evidence import Evidence, gather, one_trial, too_few
from easiness.studies.suspects.kinds import find_kinds, reasons
from easiness.studies.suspects.neighbours import CannotAsk, Looked, find_neighbours
from easiness.studies.suspects.ranked import ABOVE, LabelDecisions, Suspects, how_many_listed, to_judge_along

_Shown: TypeAlias = tuple[CellTexts | None, tuple[show.ShownExample, ...], dict[tuple[str, object], str]]

_FIRST = ("id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share")
_BEHIND = ("margin", "p_label", "rival_share", "num_heard", "left_out")
_MOST_BYTES = 4_000_000  # of pictures and sounds in a notebook
_NEARLY_ALL = 0.95  # of the decisions


MOST_LOOKED_AT = 1_000
"""Suspects that are shown beside what is nearest to them, as the page does."""

_KNOWS = 1 / 4
"""How much a run counts, of 1, whose range is a part of that of all."""

_NOT_ASKED = "examples were not to be looked at"
_HELD_OUT = "networks are asked for training examples only"


@dataclass(frozen=True)
class Suspected:
    """Options of `suspects`."""

    run: Annotated[
        tuple[Run, ...],
        Option("", "Folder of a run. Several on the same data judge together.", **SEVERAL_RUNS),
    ]
    split: HeldOutToo = "train"
    above: Annotated[
        float,
        Option(
            "--above",
            "List labels that are wrong with this probability or more; at least five are listed.",
            within="[0, 1]",
        ),
    ] = ABOVE
    decided: Decided = None
    at: At = None
    pictures: Annotated[
        bool,
        Option(
            "--pictures/--no-pictures",
            "Look for identical examples, and ask the stored networks about each.",
        ),
    ] = True
    data: Data = None
    device: Device = "auto"


def suspects(asked: Suspected) -> Suspects:
    """The examples whose label is likely wrong, most suspicious first, and what is certain before that.

    Each example is judged by the trials that did not train on it, where there are any (``train_share`` below
    1, or the held-out split), else by all, by what they said after the last three epochs observed.
    `label_noise` has the probability. Of several runs the order and the probabilities are of all: those that
    left examples out are voices of one estimate, see `label_noise_of_heads`; the others count by what they
    claim to know, see `label_noise_together`. The rest is of the run that claims most.
    """
    split, above, pictures = asked.split, asked.above, asked.pictures
    run, judged, noise, others = _together(asked.run, split, asked.at)
    evidence = judged.evidence
    seen = np.zeros(len(evidence.labels), np.bool_)
    before, decided, low, high = _order(noise, seen), None, judged.noise.low, judged.noise.high
    if asked.decided is not None:
        made = decisions_on(run, asked.decided, split)
        seen[made.at] = True
        noise, low, high, decided = _learned(
            run, asked.decided, made, noise, judged.noise, evidence["rival"], before
        )
    order = _order(noise, seen)
    data = find_data(run, asked.data)[0] if pictures else None
    source = asked.data if data is None else data
    conflicts = conflicts_of(run, source) if pictures else Conflicts.none("")
    near, why = None, _HELD_OUT if pictures else _NOT_ASKED
    if pictures and split == "train":
        near, why = _near(run, source, asked.device, before[:MOST_LOOKED_AT], evidence["rival"])
    table = evidence.table.assign(p_wrong=noise.p_wrong)
    table = table if near is None else table.join(near)
    known = 1 - float(evidence["other_share"].mean())
    kinds, left_out = find_kinds(table, evidence.rows[-1], known / max(1 - noise.share, 1e-9), why)
    table = table.assign(kind=kinds, reason="")
    listed = order[: how_many_listed(noise.p_wrong[~seen], above)]
    table.loc[listed, "reason"] = reasons(run, split, evidence, table, listed)
    flaws = (conflicts.flawed.get((split, one), "") for one in table["id"].tolist())
    table["reason"] = ["; ".join(filter(None, texts)) for texts in zip(flaws, table["reason"], strict=True)]
    as_shown: _Shown = (None, (), {})
    if data is not None and split in data.splits:
        labels = {} if decided is None else decided.labels
        with suppress(BadInput):
            as_shown = _as_shown(run, data, split, listed[:FIRST], conflicts.unsettled(labels))
    texts, shown, in_pairs = as_shown
    leak = leak_of(run, data)
    alone = one_trial(run) if len(asked.run) == 1 else ""
    trusted = (missing_code(one.model) for one in asked.run if one.is_trusted and pictures)
    return Suspects(
        model=run.network,
        split=split,
        num_trials=len(run.trials),
        rows=evidence.rows[-evidence.num_epochs :],
        ranked=_ranked(run, table, texts, decided).iloc[order].reset_index(drop=True),
        share=math.nan if leak else noise.share,
        model_of_noise=judged.noise.by,
        low=math.nan if leak else low,
        high=math.nan if leak else high,
        course=judged.course,
        known=known,
        above=above,
        conflicts=conflicts,
        left_out_kinds=left_out,
        others=others,
        told=None if texts is None else texts.column,
        shown=shown,
        in_pairs=in_pairs,
        decided=decided,
        doubts=(
            too_few(evidence.labels, run.classes),
            alone and f"{show.capitalized(alone)}.",
            to_judge_along(run) if len(asked.run) == 1 else "",
        ),
        leak=leak,
        missing=next(filter(None, trusted), ""),
    )


def _order(noise: analysis.LabelNoise, seen: Mask) -> Integers:
    """The most suspicious first, and last what somebody has ``seen`` [K].

    Stable order; ties at certainty keep their order from before the decisions.
    """
    return np.lexsort((-noise.suspicion, -np.minimum(noise.p_wrong, analysis.ALL_BUT_CERTAIN), seen))


def _learned(
    run: Run,
    file: Path,
    made: Decisions,
    noise: analysis.LabelNoise,
    fits: analysis.EstimatedNoise,
    suggested: Integers,
    order: Integers,
) -> tuple[analysis.LabelNoise, float, float, LabelDecisions]:
    """Noise and range that fit, as decisions change them; ``suggested`` [K] are other classes.

    ``order`` [K] has the examples by suspicion whatever is decided.
    """
    pairs = made.of.labels * (len(run.classes) + 1) + suggested
    at, wrong = made.at[made.sure], made.wrong[made.sure]
    found = analysis.relearned(noise.p_wrong, (made.of.labels, pairs), at, wrong, fits.low, fits.high)
    place, rest, audit = np.argsort(order), np.setdiff1d(order, at), ""
    if len(at):  # nearly all decisions may be above most of what may be wrong of the rest
        below = rest[place[rest] > np.quantile(place[at], _NEARLY_ALL)]
        if noise.p_wrong[below].sum() > noise.p_wrong[rest].sum() / 2:
            of_split = ("--split", made.split) if made.split == "held_out" else ()
            audit = command_line("audit", run.path, "--known", file, *of_split, "-o", "audit.csv")
    decided = LabelDecisions(file, made, float(noise.p_wrong[at].sum()), found.factor, audit)
    return analysis.LabelNoise(found.p_wrong, noise.suspicion), found.low, found.high, decided


def _near(
    run: Run, source: Any, device: str, first: Integers, suggested: Integers
) -> tuple[pd.DataFrame | None, str]:
    """The neighbours of all examples, or why there are none; what is nearest to the ``first`` is kept."""
    try:
        looked = Looked(run, first, suggested[first])
    except CannotAsk as error:
        return None, str(error)
    found = find_neighbours(run, source, device, also=looked.add)
    looked.keep()
    return found


def _as_shown(run: Run, data: Dataset, split: Split, first: Integers, pairs: pd.DataFrame) -> _Shown:
    """The texts of all examples, the ``first`` suspects, and the texts of ``pairs`` by split and id.

    So many suspects have their pictures and sounds as a notebook should hold.
    """
    part = data.splits[split]
    rows = positions_in(part, run, split)
    shown = part.map(rows[first], lambda value: part.kind.show(value, part.traits).in_page())
    fits = np.cumsum([one.size for one in shown]) <= _MOST_BYTES
    in_pairs: dict[tuple[str, object], str] = {}
    for name, each in data.splits.items():
        wanted = pd.concat([pairs.loc[pairs[f"split_{side}"] == name, f"id_{side}"] for side in "ab"])
        at = np.flatnonzero(pd.Index(each.ids).isin(wanted))
        texts = cell_texts(each, at)
        if texts is not None:
            in_pairs |= zip(zip(repeat(name), each.ids[at].tolist()), texts.texts, strict=True)
    fitting = (one if there else one.in_words() for one, there in zip(shown, fits, strict=True))
    return cell_texts(part, rows), tuple(fitting), in_pairs


def _ranked(
    run: Run, table: pd.DataFrame, texts: CellTexts | None, decided: LabelDecisions | None
) -> pd.DataFrame:
    """All examples in the order of the run, with what tells who they are behind what is always there.

    Decisions stand in a column ``action``, empty for the others. What a label is to be instead is
    ``suggested``, and no share of predictions is known of that.
    """
    names, others = np.array([*run.classes, ""], object), table["other_share"]  # the last is that of -1
    table = table.assign(
        suggested=table["rival"],
        suggested_share=table["rival_share"],
        rival_share=(table["rival_share"] / others).where(others > 0, 0.0),
        **{} if texts is None else {texts.column: texts.texts},
    )
    columns = [*_FIRST, "kind", "reason", *([] if texts is None else [texts.column]), *_BEHIND]
    if decided is not None:
        made, table["action"] = decided.decisions, ""
        columns.append("action")
        table.loc[made.at, "action"] = made.actions
        other = made.wrong & (made.labels >= 0) & (made.labels != table["suggested"].to_numpy()[made.at])
        table.loc[made.at[other], "suggested"] = made.labels[other]
        table.loc[made.at[other], ["suggested_share", "rival_share"]] = np.nan
    named = {"class": names[table["label"]], "suggested_class": names[table["suggested"]]}
    return table.assign(**named)[columns]


def _together(
    runs: Sequence[Run], split: Split, at: float | None
) -> tuple[Run, _Judged, analysis.LabelNoise, tuple[tuple[Path, str], ...]]:
    """The run that claims to know most, how it judges with the range of all that know about as much, how
    likely each label is wrong by all, and who the others are."""
    if not runs:
        raise BadInput("run: none is given; give one or more")
    check_comparable(runs)
    if len(runs) > 1 and at is not None:
        raise BadInput(f"--at {at:g}: of several runs each is read at its end; leave it out")
    judged = [_judged(run, split, run.resolve_at(at), at is not None) for run in runs]
    if len(runs) == 1:
        return runs[0], judged[0], judged[0].noise, ()
    weights = analysis.weights_together([one.noise for one in judged])
    best, noise = int(weights.argmax()), _noise_of_all(judged)
    ranges = [one.noise for one, weight in zip(judged, weights, strict=True) if weight >= _KNOWS]
    low = min(noise.share, *(one.low for one in ranges))
    high = max(noise.share, *(one.high for one in ranges))
    fits = replace(judged[best], noise=replace(judged[best].noise, low=low, high=high))
    others = []
    for at_run, (one, weight) in enumerate(zip(judged, weights.tolist(), strict=True)):
        same_voice = one.voice is not None and judged[best].voice is not None  # of one estimate
        counts = "" if same_voice or weight == 1 else f", which counts {weight:.2f} as much"
        others.append((runs[at_run].path, f"({runs[at_run].network}){counts}"))
    return runs[best], fits, noise, (*others[:best], *others[best + 1 :])


def _noise_of_all(judged: Sequence[_Judged]) -> analysis.LabelNoise:
    """Runs that left examples out are voices of one estimate; it and all others count by what they claim."""
    voices = [one.voice for one in judged if one.voice is not None]
    if len(voices) < 2:
        return analysis.label_noise_together([one.noise for one in judged])
    labels = judged[0].evidence.labels
    heard, _ = analysis.pulled_to_prior(analysis.label_noise_of_heads(voices, labels), labels)
    return analysis.label_noise_together([heard, *(one.noise for one in judged if one.voice is None)])


@dataclass(frozen=True)
class _Judged:
    """The evidence of a run and its estimate, over the ``course`` of (row, share of wrong labels)."""

    evidence: Evidence
    noise: analysis.EstimatedNoise
    course: tuple[tuple[Row, float], ...]

    @property
    def voice(self) -> Floats | None:
        """Log probabilities [K, C] by trials that left the example out; None where they did not."""
        course = self.evidence.course
        return course.log_p if course.of_heads or course.left_out else None


def _judged(run: Run, split: Split, epoch: int, asked: bool) -> _Judged:
    """By the epoch; by one before labels were learned by heart, where the epoch was not ``asked`` for."""
    evidence = gather(run, split, epoch)
    noise = analysis.estimate_noise(evidence.course)
    rows = evidence.rows
    course = tuple((rows[at], share) for at, share in zip(evidence.stages, noise.shares, strict=True))
    if not asked and noise.to_read is not None:
        evidence = gather(run, split, rows[evidence.stages[noise.to_read]].number)
        noise = analysis.estimate_noise(evidence.course)
    return _Judged(evidence, noise, course)


SUSPECTS = Study(
    "suspects",
    "Mend",
    "Say which labels are likely wrong, most suspicious first.",
    Suspected,
    suspects,
    about="Identical examples with different labels come first: there one label is certainly wrong. Blank, "
    "dark and overexposed pictures and silent sounds are named as well.",
    trusts=True,
)
