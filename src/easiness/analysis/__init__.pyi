from .audit import (
    Strata as Strata,
    Wealth as Wealth,
    chance_of_a_look as chance_of_a_look,
    chance_within as chance_within,
    draw_fixed as draw_fixed,
    draw_in_sequence as draw_in_sequence,
    most_wrong as most_wrong,
    most_wrong_in_sequence as most_wrong_in_sequence,
    stratify as stratify,
    wealth_of_looks as wealth_of_looks,
    wrong_in_strata as wrong_in_strata,
)
from .change import (
    Gain as Gain,
    NoiseOfChange as NoiseOfChange,
    PValues as PValues,
    num_deals as num_deals,
    p_beyond as p_beyond,
    p_of_change as p_of_change,
    paired_gain as paired_gain,
)
from .draw import (
    EXPONENT as EXPONENT,
    POLICIES as POLICIES,
    check_classes_left as check_classes_left,
    default_cut as default_cut,
    draw_by_beta as draw_by_beta,
    draw_by_rank as draw_by_rank,
    draw_for_coverage as draw_for_coverage,
    foremost as foremost,
    parse_policy as parse_policy,
)
from .kappa import Kappa as Kappa, kappa as kappa
from .labels.annotators import (
    LabelPosterior as LabelPosterior,
    label_posterior as label_posterior,
)
from .labels.channel import (
    MOST_CLASSES as MOST_CLASSES,
    label_noise_of_outputs as label_noise_of_outputs,
)
from .labels.decisions import (
    ALL_BUT_CERTAIN as ALL_BUT_CERTAIN,
    Calibration as Calibration,
    calibrate as calibrate,
)
from .labels.estimate import (
    FEWEST as FEWEST,
    LabelCourse as LabelCourse,
    Stage as Stage,
    epoch_to_read as epoch_to_read,
    estimate_noise as estimate_noise,
    pulled_to_prior as pulled_to_prior,
    rare_tags as rare_tags,
    too_small as too_small,
)
from .labels.left_out import (
    information as information,
    label_noise_of_heads as label_noise_of_heads,
    label_noise_together as label_noise_together,
    weights_together as weights_together,
)
from .labels.mixture import (
    EstimatedNoise as EstimatedNoise,
    LabelEvidence as LabelEvidence,
    LabelNoise as LabelNoise,
    label_noise as label_noise,
    share_standing_out as share_standing_out,
)
from .labels.questions import useful_questions as useful_questions
from .labels.tags import tag_noise as tag_noise
from .learning_curve import (
    TIMES as TIMES,
    AccuracyAhead as AccuracyAhead,
    FittedCurve as FittedCurve,
    ShareVotes as ShareVotes,
    fit_curve as fit_curve,
    share_votes as share_votes,
)
from .matching import (
    MIN_GROUP as MIN_GROUP,
    MOST_COMPARED as MOST_COMPARED,
    GroupMatch as GroupMatch,
    Match as Match,
    Rule as Rule,
    match_groups as match_groups,
    pack as pack,
    shifted_interval as shifted_interval,
)
from .nearest import nearest_rows as nearest_rows, unit_rows as unit_rows
from .rank_regression import (
    RankRegression as RankRegression,
    class_share as class_share,
    rank_regression as rank_regression,
)
from .rate_pairs import (
    AnswerAgreement as AnswerAgreement,
    PairedCounts as PairedCounts,
    answer_agreement as answer_agreement,
    match_rates as match_rates,
    mean_over_items as mean_over_items,
    p_beyond_rate as p_beyond_rate,
    rate_agreements as rate_agreements,
    rate_changes as rate_changes,
    rate_difference as rate_difference,
)
from .rates import (
    Allotment as Allotment,
    Rates as Rates,
    allot as allot,
    fit_rates as fit_rates,
    likelihoods as likelihoods,
    shares_ahead as shares_ahead,
    times_enough as times_enough,
)
from .reliability import (
    Agreement as Agreement,
    Drift as Drift,
    RunInPair as RunInPair,
    SplitHalf as SplitHalf,
    TailReliability as TailReliability,
    agreement as agreement,
    before_last_quarter as before_last_quarter,
    best_epoch as best_epoch,
    drift as drift,
    reliability_by_trials as reliability_by_trials,
    spearman_brown as spearman_brown,
    split_half as split_half,
    true_rate as true_rate,
)
from .selection import (
    Membership as Membership,
    membership as membership,
    select as select,
    tie_mass as tie_mass,
)
from .sides import (
    SIDES as SIDES,
    Side as Side,
    Ties as Ties,
    keys_when_asked as keys_when_asked,
    num_selected as num_selected,
    tie_order as tie_order,
    usual_fraction as usual_fraction,
)
from .slices import (
    Slice as Slice,
    SliceEffects as SliceEffects,
    make_slices as make_slices,
    slice_effects as slice_effects,
)
from .tail_model import (
    FIRST_CHECK as FIRST_CHECK,
    MIN_TRIALS as MIN_TRIALS,
    MOST_EXAMPLES as MOST_EXAMPLES,
    Forecast as Forecast,
    Interval as Interval,
    check_text as check_text,
    check_trials as check_trials,
    forecast as forecast,
    reason_to_stop as reason_to_stop,
    stopping_rule as stopping_rule,
)
from .votes import Votes as Votes, drawn_examples as drawn_examples, round_in_place as round_in_place
