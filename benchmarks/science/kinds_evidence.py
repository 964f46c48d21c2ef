"""The evidence for kinds, from a run."""

from __future__ import annotations

from easiness.analysis import estimate_noise
from easiness.studies.suspects.evidence import gather
from easiness.studies.suspects.neighbours import find_neighbours
from easiness.studies.suspects.study import kind_evidence


def evidence_of(run, data=None):
    """`KindEvidence` of the training examples of a run, as `suspects` has it."""
    evidence = gather(run, "train")
    return kind_evidence(evidence, estimate_noise(evidence.course), *find_neighbours(run, data))
