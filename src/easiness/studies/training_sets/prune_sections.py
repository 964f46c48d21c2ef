"""Which examples were kept, as a table of text."""

from __future__ import annotations

from easiness.show import Section, number
from easiness.studies.training_sets.exact import EXACT
from easiness.studies.training_sets.kept import NAMED, Kept
from easiness.studies.training_sets.order import order_of
from easiness.studies.training_sets.sampled import is_sampled, sampled_text


def pruned_sections(pruned: Kept) -> list[Section]:
    """How many examples of each class are kept and dropped, with the mean score of both."""
    never = f" {pruned.num_never_learned} examples that no trial learned have none and rank as the hardest."
    rows = [["class", "kept", "dropped", f"{pruned.score} kept", f"{pruned.score} dropped"]]
    for name, kept, dropped, *means in pruned.by_class().itertuples(index=False):
        rows.append([name, str(kept), str(dropped), *(number(mean) for mean in means)])
    note = (
        f"By class, with the mean {pruned.score} after epoch {pruned.epoch} of both parts. "
        f"Dropped are {_dropped(pruned)}."
    )
    if pruned.num_never_learned > 0 and pruned.policy != NAMED:
        note += never
    return [Section(f"{pruned.kept.sum()} of {len(pruned.kept)} examples kept", note, rows)]


def _dropped(pruned: Kept) -> str:
    if pruned.policy == NAMED:
        return "exactly those named"
    order = order_of(pruned.score, pruned.keep)
    if is_sampled(pruned.policy):
        return f"{sampled_text(pruned.policy)}, by {order.by}"
    which = f"exactly the {pruned.policy}" if pruned.policy in EXACT else order.text(pruned.policy)
    return f"{which}, by {order.by}"
