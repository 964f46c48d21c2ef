"""``suspects``: which labels of a run are likely wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Annotated

import numpy as np

from easiness import analysis, show
from easiness.data import Dataset, Decisions
from easiness.engine import SEVERAL_RUNS, At, Data, DecisionFile, Device, HeldOutToo, Later, Study, heading
from easiness.errors import BadInput
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.runs import cell_texts, decisions_on, find_data, leak_of, positions_in
from easiness.spec import Option, Split, command_line, setting
from easiness.store import Row, Run
from easiness.studies.matching import check_comparable
from easiness.studies.suspects.conflicts import FIRST, Conflicts, conflicts_of
from easiness.studies.suspects.evidence import VOTES, Evidence, gather, one_trial, too_few
from easiness.studies.suspects.kinds import find_kinds, reasons
from easiness.studies.suspects.neighbours import Nearest, NoFeatures, find_neighbours
from easiness.studies.suspects.result import ABOVE, LabelDecisions, Suspects, Views, num_to_list

_FIRST = ("id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share")
_BEHIND = ("margin", "p_label", "rival_share", "num_heard", "left_out")
_MOST_BYTES = 4_000_000  # of pictures and sounds in a notebook
_NEARLY_ALL = 0.95  # of the decisions
_TIE = 1e-6  # less than a vote
_MOST_VOTES = 0.5  # for one other class, from which on a label is listed where votes are all there is

MOST_LOOKED_AT = 1_000
"""Suspects that are shown beside what is nearest to them, as the page does."""

_KNOWS = 1 / 4
"""How much a run counts, of 1, whose range is a part of that of all."""


@dataclass(frozen=True)
class SuspectOptions:
    """Options of `suspects`."""

    run: Annotated[
        tuple[Run, ...],
        Option("", "Folder of a run. Several on the same data judge together.", **SEVERAL_RUNS),
    ]
    split: HeldOutToo = "train"
    above: float = setting(
        "--above",
        "List labels that are wrong with this probability or more; at least five are listed.",
        within="[0, 1]",
        default=ABOVE,
    )
    decided: DecisionFile = None
    at: At = None
    pictures: bool = setting(
        "--pictures/--no-pictures",
        "Look for identical examples, and ask the stored networks about each.",
        default=True,
    )
    data: Data = None
    device: Device = "auto"


def suspects(options: SuspectOptions) -> Suspects:
    """The examples whose label is likely wrong, most suspicious first, and what is certain before that.

    Each example is judged by the trials that did not train on it, where there are any (``train_share`` below
    1, or the held-out split), else by all, by what they said after the last three epochs observed.
    `label_noise` has the probability. For several runs the order and the probabilities are of all: heads that
    left examples out are voices of one estimate, see `label_noise_of_heads`; the others count by what they
    claim to know, see `label_noise_together`. The rest is of the run that claims most.
    """
    split, pictures = options.split, options.pictures
    run, judgement, noise, others = _together(options.run, split, options.at)
    evidence, estimate = judgement.evidence, judgement.noise
    looked_at = np.zeros(len(evidence.labels), np.bool_)
    before, decisions, low, high = _order(noise, looked_at), None, estimate.low, estimate.high
    of_votes = evidence.of_votes
    if options.decided is not None:
        if of_votes:
            raise BadInput(f"{run.path}: {VOTES}; leave out --decided, or audit the labels")
        file = decisions_on(run, options.decided, split)
        looked_at[file.at] = True
        noise, low, high, decisions = _after(
            run, options.decided, file, noise, estimate, evidence["rival"], before
        )
    order = _order(noise, looked_at)
    data = find_data(run, options.data)[0] if pictures else None
    source = options.data if data is None else data
    conflicts = conflicts_of(run, source) if pictures else Conflicts.none("")
    near, why = None, "networks are asked for training examples only"
    if not pictures:
        why = "examples were not to be looked at"
    elif split == "train" and run.tags is None:
        top = before[:MOST_LOOKED_AT]
        try:
            nearest = Nearest(run, top, evidence["rival"][top])  # what is nearest to the first is kept
            near = pd.DataFrame(find_neighbours(run, source, options.device, nearest.add))
            nearest.keep()
        except NoFeatures as error:
            why = str(error)
    table = evidence.table.assign(p_wrong=noise.p_wrong, reason="")
    table = table if near is None else table.join(near)
    known = 1 - float(evidence["other_share"].mean())
    of_sound = known / max(1 - noise.share, 1e-9)
    table["kind"], left_out = "", {"kinds": "each example has several tags"}
    if run.tags is None:
        table["kind"], left_out = find_kinds(table, evidence.rows[-1], of_sound, why)
    by, above = (evidence["rival_share"], _MOST_VOTES) if of_votes else (noise.p_wrong, options.above)
    first = order[: num_to_list(by[~looked_at], above)]
    table.loc[first, "reason"] = reasons(run, split, evidence, table, first)
    flaws = (conflicts.flaws.get((split, one), "") for one in table["id"].tolist())
    table["reason"] = ["; ".join(filter(None, texts)) for texts in zip(flaws, table["reason"], strict=True)]
    views = Views()
    if data is not None and split in data.splits:
        pairs = conflicts.open_pairs({} if decisions is None else decisions.labels)
        with suppress(BadInput):
            views = _views(run, data, split, first[:FIRST], pairs)
    leak, alone = leak_of(run, data), one_trial(run) if len(options.run) == 1 else ""
    return Suspects(
        model=run.network,
        split=split,
        num_trials=len(run.trials),
        rows=evidence.rows[-evidence.num_epochs :],
        ranked=_rows(run, table, views, decisions).iloc[order].reset_index(drop=True),
        share=math.nan if leak else noise.share,
        model_of_noise=estimate.by,
        low=math.nan if leak else low,
        high=math.nan if leak else high,
        course=judgement.course,
        known=known,
        above=above,
        conflicts=conflicts,
        left_out_kinds=left_out,
        others=others,
        views=views,
        decided=decisions,
        doubts=(too_few(run, split), alone and f"{show.sentence_case(alone)}."),
        leak=leak,
        tags=run.tags_of(split),
    )


def _order(noise: analysis.LabelNoise, looked_at: Mask) -> Integers:
    """The most suspicious first, and last what somebody has ``looked_at`` [K].

    Stable order; ties at certainty keep their order from before the decisions.
    """
    p_wrong = np.minimum(noise.p_wrong, analysis.ALL_BUT_CERTAIN)
    return np.lexsort((-noise.suspicion, -p_wrong, looked_at))


def _after(
    run: Run,
    file: Path,
    decisions: Decisions,
    noise: analysis.LabelNoise,
    estimate: analysis.EstimatedNoise,
    suggested: Integers,
    order: Integers,
) -> tuple[analysis.LabelNoise, float, float, LabelDecisions]:
    """Noise and range that fit after decisions; ``suggested`` [K] are other classes.

    ``order`` [K] has the examples by suspicion whatever is decided.
    """
    finer = decisions.of.labels * (len(run.classes) + 1) + suggested
    finer = finer if run.tags is None else run.strata(decisions.split)
    at, wrong = decisions.at[decisions.sure], decisions.wrong[decisions.sure]
    after = analysis.calibrate(
        noise.p_wrong, (decisions.of.labels, finer), at, wrong, estimate.low, estimate.high
    )
    place, rest, audit = np.argsort(order), np.setdiff1d(order, at), ""
    if len(at):  # nearly all decisions may be above most of what may be wrong of the rest
        below = rest[place[rest] > np.quantile(place[at], _NEARLY_ALL)]
        if noise.p_wrong[below].sum() > noise.p_wrong[rest].sum() / 2:
            of_split = ("--split", decisions.split) if decisions.split == "held_out" else ()
            audit = command_line("audit", run.path, "--known", file, *of_split, "-o", "audit.csv")
    summary = LabelDecisions(file, decisions, float(noise.p_wrong[at].sum()), after.factor, audit)
    return analysis.LabelNoise(after.p_wrong, noise.suspicion), after.low, after.high, summary


def _views(run: Run, data: Dataset, split: Split, first: Integers, pairs: pd.DataFrame) -> Views:
    """Texts of all examples, the ``first`` suspects, and texts of ``pairs`` by split and id.

    So many suspects have their pictures and sounds as a notebook should hold.
    """
    part = data.splits[split]
    rows = positions_in(part, run, split)
    views = part.map(rows[first], lambda value: part.kind.show(value, part.traits).in_page())
    fits = np.cumsum([one.size for one in views]) <= _MOST_BYTES
    of_pairs: dict[tuple[str, object], str] = {}
    for name, each in data.splits.items():
        ids = pd.concat([pairs.loc[pairs[f"split_{side}"] == name, f"id_{side}"] for side in "ab"])
        at = np.flatnonzero(pd.Index(each.ids).isin(ids))
        if (texts := cell_texts(each, at)) is not None:
            names = zip(repeat(name), each.ids[at].tolist())
            of_pairs |= zip(names, texts.texts, strict=True)
    examples = (one if whole else one.in_words() for one, whole in zip(views, fits, strict=True))
    return Views(cell_texts(part, rows), tuple(examples), of_pairs)


def _rows(run: Run, table: pd.DataFrame, views: Views, decisions: LabelDecisions | None) -> pd.DataFrame:
    """All examples in the order of the run, with what tells who they are behind what is always there.

    Decisions stand in a column ``action``, empty for the others. The label to be is ``suggested``, and no
    share of predictions is known of it.
    """
    names, others = np.array([*run.classes, ""], object), table["other_share"]  # the last is that of -1
    table = table.assign(
        suggested=table["rival"],
        suggested_share=table["rival_share"],
        rival_share=(table["rival_share"] / others).where(others > 0, 0.0),
    )
    columns = [*_FIRST, "kind", "reason", *_BEHIND]
    if views.texts is not None:
        table[views.texts.column] = views.texts.texts
        columns.insert(columns.index("reason") + 1, views.texts.column)
    if decisions is not None:
        file, table["action"] = decisions.decisions, ""
        columns.append("action")
        table.loc[file.at, "action"] = file.actions
        other = file.wrong & (file.labels >= 0) & (file.labels != table["suggested"].to_numpy()[file.at])
        table.loc[file.at[other], "suggested"] = file.labels[other]
        table.loc[file.at[other], ["suggested_share", "rival_share"]] = np.nan
    classes = {"class": names[table["label"]], "suggested_class": names[table["suggested"]]}
    return table.assign(**classes)[columns]


def _together(
    runs: Sequence[Run], split: Split, at: float | None
) -> tuple[Run, Judgement, analysis.LabelNoise, tuple[tuple[Path, str], ...]]:
    """The run that claims to know most, how it judges with the range of all that know about as much, how
    likely each label is wrong by all, and who the others are."""
    if not runs:
        raise BadInput("run: none is given; give one or more")
    check_comparable(runs)
    if len(runs) > 1 and at is not None:
        raise BadInput(f"--at {at:g}: of several runs each is read at its end; leave it out")
    judgements = [judge(run, split, run.resolve_at(at), at is not None) for run in runs]
    if len(runs) == 1:
        return runs[0], judgements[0], judgements[0].noise, ()
    for by_votes in (run for run, one in zip(runs, judgements, strict=True) if one.evidence.of_votes):
        raise BadInput(f"{by_votes.path}: {VOTES}; give the probabilities, or leave it out")
    weights = analysis.weights_together([one.noise for one in judgements])
    best, noise = int(weights.argmax()), _noise_of_all(judgements)
    ranges = [one.noise for one, weight in zip(judgements, weights, strict=True) if weight >= _KNOWS]
    low = min(noise.share, *(one.low for one in ranges))
    high = max(noise.share, *(one.high for one in ranges))
    judgement = replace(judgements[best], noise=replace(judgements[best].noise, low=low, high=high))
    others = []
    for run, one, weight in zip(runs, judgements, weights.tolist(), strict=True):
        same_voice = one.voice is not None and judgement.voice is not None  # of one estimate
        counts = "" if same_voice or weight == 1 else f", which counts {weight:.2f} as much"
        others.append((run.path, f"({run.network}){counts}"))
    return runs[best], judgement, noise, (*others[:best], *others[best + 1 :])


def _noise_of_all(judgements: Sequence[Judgement]) -> analysis.LabelNoise:
    """Runs that left examples out are voices of one estimate; it and all others count by what they claim."""
    voices = [one.voice for one in judgements if one.voice is not None]
    if len(voices) < 2:
        return analysis.label_noise_together([one.noise for one in judgements])
    labels = judgements[0].evidence.labels
    joint, _ = analysis.pulled_to_prior(analysis.label_noise_of_heads(voices, labels), labels)
    return analysis.label_noise_together([joint, *(one.noise for one in judgements if one.voice is None)])


@dataclass(frozen=True)
class Judgement:
    """The evidence of a run and its estimate, over the ``course`` of (row, share of wrong labels)."""

    evidence: Evidence
    noise: analysis.EstimatedNoise
    course: tuple[tuple[Row, float], ...]

    @property
    def voice(self) -> Floats | None:
        """Log probabilities [K, C] by trials that left the example out; None where they did not."""
        course = self.evidence.course
        return course.log_p if (course.of_heads or course.left_out) and course.tags is None else None


def judge(run: Run, split: Split, epoch: int, is_fixed: bool = False) -> Judgement:
    """By the epoch, or unless it ``is_fixed`` by one before labels were learned by heart."""
    evidence = gather(run, split, epoch)
    if evidence.of_votes:
        return Judgement(evidence, _by_votes(evidence), ((evidence.rows[-1], math.nan),))
    noise = analysis.estimate_noise(evidence.course)
    rows = [evidence.rows[at] for at in evidence.stages]
    course = tuple(zip(rows, noise.shares, strict=True))
    if not is_fixed and noise.to_read is not None:
        evidence = gather(run, split, rows[noise.to_read].number)
        noise = analysis.estimate_noise(evidence.course)
    return Judgement(evidence, noise, course)


def _by_votes(evidence: Evidence) -> analysis.EstimatedNoise:
    """No probability, and the order of the share of votes for one other class, then for any other."""
    order = evidence["rival_share"] + _TIE * evidence["other_share"]
    nothing = math.nan, math.nan, (), None
    return analysis.EstimatedNoise(np.full(len(order), np.nan), order, "votes", *nothing)


SUSPECTS = Study(
    *heading("suspects"),
    SuspectOptions,
    suspects,
    about="Identical examples with different labels come first: there one label is certainly wrong. Blank, "
    "dark and overexposed pictures and silent sounds are named as well.",
    trusts=True,
    outcomes=Later("easiness.studies.outcomes:suspects_of_outcomes"),
)
