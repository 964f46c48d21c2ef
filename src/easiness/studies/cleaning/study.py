"""``clean``: from the suspects of a run to a file of labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.runs import positions_in
from easiness.store import Run, check_opened
from easiness.studies.cleaning.found import UNKNOWN
from easiness.studies.cleaning.result import Cleaned
from easiness.studies.cleaning.rule import DROP_ABOVE, RELABEL_ABOVE, cleaned
from easiness.studies.suspects import suspects


def clean(run: Run, *, relabel_above: float = RELABEL_ABOVE, drop_above: float = DROP_ABOVE) -> Cleaned:
    """Which examples of a run to relabel, to drop and to keep, as a file of labels that a person can edit.

    An example whose suggested label is right with a probability of ``relabel_above`` at least gets it; else
    one whose label is wrong with a probability of ``drop_above`` at least is dropped (`cleaned` has the rule
    and the reason). The table, in the order of the run, is what ``labels=`` takes; nothing is changed or
    copied at the source.

    Where the run was itself measured with a file of labels, the column ``was`` has the labels of the source,
    so that the new file goes over the source again; it is empty where the source is not found.

    Args:
        run: whose suspects to act on.
        relabel_above: least probability of a suggested label to be right, in 0..1.
        drop_above: least probability of a label to be wrong, in 0..1.

    Raises:
        BadInput: a threshold is out of its range, a class would be left without examples, or the run says
            nothing of suspects.
    """
    check_opened(run=run)
    ranked = suspects(run, pictures=False).ranked
    in_order = ranked.set_index("id", drop=False).reindex(run.ids.tolist())
    found = cleaned(in_order, run.classes, relabel_above, drop_above)
    return replace(found, ids=run.ids, was=_at_source(run))


def _at_source(run: Run) -> npt.NDArray[np.int64]:
    """The labels at the source [K]; `UNKNOWN` where they were replaced and the source is not found."""
    ref = run.spec.data
    if ref.labels is None:
        return run.labels
    try:
        if ref.source is None:
            raise BadInput("the run does not say where its data are")
        options = ref.load_options().model_dump(exclude={"labels"})
        data = load_dataset(ref.source, limit=ref.limit, **options)
        return data.labels[positions_in(data, run)]
    except BadInput:
        return np.full(len(run.ids), UNKNOWN, np.int64)
