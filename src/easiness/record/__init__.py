"""What trials saw: observations of examples over epochs, as NumPy arrays."""

from easiness.record.observations import KeptLogits, ObservationLog, Observations, TrialRecord
from easiness.record.statistics import Statistics, can_be_kept, example_statistics, known_rival, to_numpy

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
