"""The suspects of a run as tables of text."""

from __future__ import annotations

from easiness.show import Section, count, counted, number, percent
from easiness.studies.suspects.conflicts_found import Conflicts
from easiness.studies.suspects.found import RankedLabels

FIRST = 20
"""Rows that are shown; files have all."""

_BY_HEART = 0.97  # of the labels
_WELL_KNOWN = 0.75  # of the labels that can be expected to be sound

_PAIRS = ["kind", "example", "class", "other", "class", "bits"]


def suspects_sections(found: RankedLabels) -> list[Section]:
    """What is certain, where pictures were compared, then the first suspects."""
    return [*_conflicts(found.conflicts), _suspects(found)]


def summary(found: RankedLabels) -> str:
    """How many labels are wrong, in a sentence."""
    num = len(found.ranked)
    of = "labels" if found.split == "train" else "labels of held-out examples"
    verb = "is" if found.num_likely <= 1 else "are"
    likely = count(found.num_likely) if found.num_likely else "None"
    expected = found.share * num
    about = "fewer than one" if expected < 1 else f"about {count(round(expected))}"
    return (
        f"{likely} of {count(num)} {of} {verb} more likely wrong than right; in all {about} "
        f"({percent(found.share)}) can be expected to be wrong."
    )


def _suspects(found: RankedLabels) -> Section:
    shown = found.table().head(FIRST)
    rows = [["id", "class", "suggested", "p wrong", "share", "kind", "reason"]]
    rows += [
        [
            str(one["id"]),
            str(one["class"]),
            str(one["suggested_class"]),
            number(float(one["p_wrong"])),
            number(float(one["suggested_share"])),
            str(one["kind"]),
            str(one["reason"]),
        ]
        for one in shown.to_dict("records")
    ]
    first, last = found.epochs[0], found.epochs[-1]
    epochs = f"epoch {last}" if first == last else f"epochs {first} to {last}"
    note = (
        f"{summary(found)} From {counted(found.num_trials, 'trial')} of {found.model}, {epochs}. p wrong is "
        "the probability that the label is wrong, share how often the trials say the suggested class. "
    )
    doubt = known_too_little(found)
    note += "" if doubt else f"{_right(found)}. "
    note += _listed(found, len(shown))
    note += _judges(found)
    left = "".join(f" {name}: not looked for; {why}." for name, why in found.left_out_kinds.items())
    return Section("Labels to look at", note + left, rows, (doubt,) if doubt else ())


def known_too_little(found: RankedLabels) -> str:
    """That the networks know too little to be believed, in a sentence; empty where they know enough."""
    if found.known >= _WELL_KNOWN * (1 - found.share):
        return ""
    return f"{_right(found)}: what they do not know they cannot judge, so look at the first ones in any case."


def _judges(found: RankedLabels) -> str:
    """Who judges, where that matters: some labels were left out by no trial, or all are known by heart."""
    left_out = int(found.ranked["left_out"].sum())
    trained_on = len(found.ranked) - left_out
    if not left_out and found.known >= _BY_HEART:
        return (
            " They have trained on these labels, and may have learned wrong ones by heart: with "
            "--train-share 0.8 those judge that were not shown a label."
        )
    if not left_out or not trained_on:
        return ""
    return (
        f" {count(left_out)} are judged by the trials that left them out alone; the other "
        f"{count(trained_on)} were left out by none, and trials bend towards labels that they train on: more "
        "trials leave out more."
    )


def _right(found: RankedLabels) -> str:
    return f"The networks have {percent(found.known)} of the labels right"


def _listed(found: RankedLabels, num_shown: int) -> str:
    over = int((found.ranked["p_wrong"] >= found.above).sum())
    if over < found.num_listed:
        which, verb = "none" if not over else count(over), "reaches" if over <= 1 else "reach"
        return f"Listed are the first {found.num_listed}; {which} of them {verb} {found.above:g}."
    more = f", the first {num_shown} of them here" if num_shown < over else ""
    verbs = ("reaches", "is") if over == 1 else ("reach", "are")
    return f"{count(over)} {verbs[0]} {found.above:g} and {verbs[1]} listed{more}."


def _conflicts(conflicts: Conflicts) -> list[Section]:
    note = " ".join(conflicts.sentences())
    if not note:
        return []
    table = conflicts.table()
    table = table[table["kind"] != "duplicate"]
    if len(table) > FIRST:
        note += f" The first {FIRST} of {count(len(table))} pairs:"
    rows = [_PAIRS]
    for one in table.head(FIRST).to_dict("records"):
        where = "" if one["split_b"] == "train" else " (held out)"
        other = f"{one['id_b']}{where}"
        cells = (one["kind"], one["id_a"], one["class_a"], other, one["class_b"], one["distance"])
        rows.append([str(cell) for cell in cells])
    return [Section("Certain conflicts", note, rows)]
