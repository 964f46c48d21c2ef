"""Records of trials: observations of examples over epochs, as NumPy arrays."""

from easiness.records.observations import (
    KeptLogits,
    ObservationLog,
    Observations,
    Statistics,
    TrialRecord,
    can_be_kept,
    example_statistics,
    known_rival,
    to_numpy,
)

__all__ = [
    "KeptLogits",
    "ObservationLog",
    "Observations",
    "Statistics",
    "TrialRecord",
    "can_be_kept",
    "example_statistics",
    "known_rival",
    "to_numpy",
]
