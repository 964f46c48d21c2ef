from .observations import (
    KeptLogits as KeptLogits,
    ObservationLog as ObservationLog,
    Observations as Observations,
    Statistics as Statistics,
    TrialRecord as TrialRecord,
    can_be_kept as can_be_kept,
    example_statistics as example_statistics,
    known_rival as known_rival,
    to_numpy as to_numpy,
)
