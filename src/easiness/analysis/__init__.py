"""What scores say about sets of examples: selection, matching, noise ceilings and reliability."""

from easiness.analysis.agreement import Agreement, Measured, agreement, without_noise
from easiness.analysis.beta_sampling import EXPONENT, draw_by_beta
from easiness.analysis.bits import ones_per_word, pack
from easiness.analysis.ceiling import MIN_GROUP, GroupMatch, match_groups
from easiness.analysis.change import NoiseOfChange, OfTrials, noise_of_change, p_beyond, p_of_change
from easiness.analysis.coverage import default_cut, draw_for_coverage
from easiness.analysis.draw import POLICIES, check_classes_left, draw_by_rank, parse_policy
from easiness.analysis.drift import Drift, before_last_quarter, drift
from easiness.analysis.enough import (
    FIRST_CHECK,
    MOST_EXAMPLES,
    check_text,
    check_trials,
    stopped,
    stopping_rule,
)
from easiness.analysis.forecast import MIN_TRIALS, Forecast, Interval, forecast
from easiness.analysis.foremost import foremost
from easiness.analysis.gain import Gain, paired_gain
from easiness.analysis.label_noise import LabelEvidence, LabelNoise, label_noise
from easiness.analysis.matching import Match, Rule, match_votes, match_weights, overlap_rate
from easiness.analysis.membership import Membership, membership
from easiness.analysis.pairs import draws, mean_distance, resampled_means
from easiness.analysis.reliability import (
    SplitHalf,
    TailReliability,
    best_epoch,
    reliability_by_trials,
    spearman_brown,
    split_half,
)
from easiness.analysis.selection import select, tie_mass
from easiness.analysis.sides import SIDES, Side, Ties, check_fraction, num_selected
from easiness.analysis.tiebreak import keys_when_asked, tie_order
from easiness.analysis.votes import Votes, drawn_examples, round_in_place

__all__ = [
    "ones_per_word",
    "pack",
    "EXPONENT",
    "POLICIES",
    "default_cut",
    "draw_by_beta",
    "draw_for_coverage",
    "drawn_examples",
    "draws",
    "keys_when_asked",
    "mean_distance",
    "resampled_means",
    "round_in_place",
    "tie_order",
    "Agreement",
    "Drift",
    "FIRST_CHECK",
    "Forecast",
    "Gain",
    "GroupMatch",
    "Interval",
    "LabelEvidence",
    "LabelNoise",
    "MIN_GROUP",
    "MIN_TRIALS",
    "MOST_EXAMPLES",
    "NoiseOfChange",
    "OfTrials",
    "Match",
    "Measured",
    "Membership",
    "Rule",
    "SIDES",
    "Side",
    "SplitHalf",
    "TailReliability",
    "Ties",
    "Votes",
    "agreement",
    "before_last_quarter",
    "best_epoch",
    "check_classes_left",
    "check_fraction",
    "check_text",
    "check_trials",
    "draw_by_rank",
    "drift",
    "forecast",
    "foremost",
    "label_noise",
    "match_groups",
    "match_votes",
    "match_weights",
    "membership",
    "num_selected",
    "overlap_rate",
    "noise_of_change",
    "p_beyond",
    "p_of_change",
    "paired_gain",
    "parse_policy",
    "reliability_by_trials",
    "select",
    "spearman_brown",
    "split_half",
    "stopped",
    "stopping_rule",
    "tie_mass",
    "without_noise",
]
