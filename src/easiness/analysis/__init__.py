"""What scores say about sets of examples: selection, matching, noise ceilings and reliability."""

from easiness.analysis.ceiling import MIN_GROUP, GroupMatch, corrected_rate, match_groups
from easiness.analysis.draw import check_classes_left, draw_by_rank, parse_policy
from easiness.analysis.enough import check_text, check_trials, schedule, stopped, stopping_rule
from easiness.analysis.matching import Match, match_votes, match_weights, overlap_rate
from easiness.analysis.reliability import (
    SplitHalf,
    TailReliability,
    best_epoch,
    reliability_by_trials,
    spearman_brown,
    split_half,
)
from easiness.analysis.selection import Side, Ties, num_selected, select, tie_mass
from easiness.analysis.votes import Votes

__all__ = [
    "MIN_GROUP",
    "GroupMatch",
    "Match",
    "Side",
    "SplitHalf",
    "TailReliability",
    "Ties",
    "Votes",
    "best_epoch",
    "check_classes_left",
    "check_text",
    "check_trials",
    "corrected_rate",
    "draw_by_rank",
    "match_groups",
    "match_votes",
    "match_weights",
    "num_selected",
    "overlap_rate",
    "parse_policy",
    "reliability_by_trials",
    "schedule",
    "select",
    "spearman_brown",
    "split_half",
    "stopped",
    "stopping_rule",
    "tie_mass",
]
