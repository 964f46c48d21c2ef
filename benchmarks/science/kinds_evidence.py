"""The evidence for kinds, from a run."""

from __future__ import annotations

from easiness.analysis import estimate_noise
from easiness.studies.suspects.evidence import gather
from easiness.studies.suspects.neighbours import find_neighbours


def evidence_of(run, data=None):
    """What `find_kinds` takes of the training examples of a run, as `suspects` has it: a table, and so on."""
    evidence = gather(run, "train")
    noise, (near, why) = estimate_noise(evidence.course), find_neighbours(run, data)
    table = evidence.table.assign(p_wrong=noise.p_wrong)
    known = (1 - float(evidence["other_share"].mean())) / max(1 - noise.share, 1e-9)
    return table if near is None else table.join(near), evidence.rows[-1], known, why
