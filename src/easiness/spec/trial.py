"""Trials and runs before anything runs: frozen values with a content hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, field_validator, model_validator

from easiness.errors import BadInput
from easiness.spec.data_ref import DatasetRef, Frozen
from easiness.spec.options import ALL, TRAIN, check_observe, observed_epochs
from easiness.spec.recipe import RECIPE_VERSION, Recipe

SHARES = (0.05, 0.2, 0.8)
"""The shares of the examples that heads see unless others are asked for."""

RIDGE = "ridge"
"""The model whose heads are fitted in closed form."""

BOOSTING = "boosting"
"""The model whose heads are gradient-boosted trees beside a logistic regression."""

NOT_BY_STEPS = frozenset((RIDGE, BOOSTING))
"""The models whose heads are fitted without epochs."""

_MOST_FOLDS = 100


class FeaturesRef(Frozen):
    """Vectors of the examples: their name, and the digest of what makes them."""

    name: str
    identity: str
    about: str = ""


class Heads(Frozen):
    """The settings of a run on features beside its model and seed.

    Row m of a trial, which elsewhere is of epoch m, is of heads that have seen ``shares[m - 1]`` of the
    examples. ``groups`` is the digest of what keeps examples together in one fold, where users say so, and
    ``epochs`` are those of heads that are fitted by steps.
    """

    features: tuple[FeaturesRef, ...] = Field(min_length=1)
    shares: tuple[float, ...] = Field(min_length=1)
    groups: str | None = None
    epochs: int | None = Field(default=None, ge=1)
    version: int = 1

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        try:
            check_shares(self.shares)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self

    def identity(self) -> dict[str, Any]:
        """The part that decides what is recorded: names of features do not."""
        return {**self.model_dump(mode="json"), "features": [one.identity for one in self.features]}

    @property
    def folds(self) -> int:
        """Trials after which every example was left out equally often by the heads of the largest share."""
        return fraction_of(self.shares[-1]).denominator


def fraction_of(share: float) -> Fraction:
    """The simple fraction that a share stands for: .667 is 2/3."""
    return Fraction(share).limit_denominator(_MOST_FOLDS)


def shares_text(shares: tuple[float, ...]) -> str:
    """``0.05, 0.2, 0.8``."""
    return ", ".join(f"{one:g}" for one in shares)


def check_shares(shares: tuple[float, ...]) -> None:
    if not shares or not all(0 < share < 1 for share in shares):
        raise BadInput(f"shares {list(shares)}: give numbers between 0 and 1, such as 0.05,0.2,0.8")
    if any(a >= b for a, b in pairwise(shares)):
        raise BadInput(f"shares {list(shares)}: have to ascend; sort them, each once")
    last = fraction_of(shares[-1])
    if last in (0, 1) or abs(float(last) - shares[-1]) > 1e-3:
        raise BadInput(
            f"share {shares[-1]:g}: leaves out less than a hundredth, or no simple part; give one such as "
            "0.5, 0.8 or 0.9"
        )


Effect = Literal["drop", "relabel"]


class Draw(Frozen):
    """Examples drawn by their rank in a ranking, and what is done to them (section 7 of the paper).

    Each trial draws anew, from its own seed. ``rate`` of the examples are drawn with density
    Beta(a, b) over the rank, ``beta`` = (a, b): (3, 1) mainly easy, (1, 3) mainly hard, (1, 1) at random. By
    a score that is high neither for easy nor for hard ones, (3, 1) draws mainly from the end not to be kept.
    ``ranking`` is the SHA-256 (hex) of the values ranked by. ``balanced`` draws the same share of each
    class. A drawn label may be the example's own, unless ``other_label``.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    effect: Effect
    rate: float = Field(ge=0, lt=1)
    beta: tuple[float, float]
    ranking: str
    balanced: bool = False
    other_label: bool = False


MOST = 10**6
"""Trials of a run, and epochs of a trial, at most: lists of so many fit into memory."""

_MOST_THREADS = 4096


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def examples_of_epoch(spec: TrialSpec | RunSpec, everything: int, trained_on: int) -> int:
    """The number of examples of which a pass has as many steps as an epoch of a trial."""
    return spec.steps_of or (everything if spec.same_steps else trained_on)


class Probe(Frozen):
    """Which examples are observed, when (see `check_observe`), and keeping what.

    Observations are clean (evaluation mode, no augmentation), but those of ``observe="train"``.
    """

    name: Literal["train", "held_out"]
    keep_logits: Literal["none", "left_out", "all"] = "none"
    observe: str = ALL

    @field_validator("observe")
    @classmethod
    def _can_be_asked_for(cls, observe: str) -> str:
        check_observe(observe)
        return observe

    def identity(self) -> dict[str, Any]:
        """The part that decides what is recorded; observing every epoch, which is usual, is left out."""
        return self.model_dump(mode="json", exclude={"observe"} if self.observe == ALL else set())

    def observed(self, epochs: int) -> tuple[int, ...]:
        return observed_epochs(self.observe, epochs)


class Resolved(Frozen):
    """The settings that ``auto`` became: decided once, so that resuming a run is bit-identical on a CPU.

    ``jobs`` processes work at a time, a trial in each. ``compiled`` says whether a network runs through
    ``torch.compile``. ``graphed`` is from versions that replayed steps as CUDA graphs, and ``together`` from
    those that trained several trials side by side in one process: such runs go on by plain steps, one by
    one, and agree to rounding.
    ``folded`` says whether evaluation takes batches as large as the network's activations allow, which the
    oldest runs do not; the name is from versions that folded batch normalization into convolutions as well.
    """

    precision: Literal["float32", "bfloat16"]
    channels_last: bool
    threads: int = Field(ge=1, le=_MOST_THREADS)
    jobs: int = Field(default=1, ge=1)
    together: int = Field(default=1, ge=1)
    compiled: bool = False
    graphed: bool = False
    folded: bool = False
    reason: str = ""


class TrialSpec(Frozen):
    """Everything that decides what a trial records, and nothing about where it runs.

    ``pretrained`` is the SHA-256 (hex) of the file of weights that training starts from. ``draw`` drops
    or relabels examples; with ``same_steps`` an epoch of the trial then has as many steps as one of the
    full set, and with ``steps_of`` as many as a pass over so many examples. Where these are fewer than are
    trained on, each epoch sees another random part of them (RS2 without replacement, Okanovic et al. 2023).
    ``dealt`` is the digest of what folds are dealt by: trials then leave them out in turn, the folds of heads
    or those of ``train_share``.
    """

    LATER = ("heads", "steps_of", "dealt")

    data: DatasetRef
    train_share: float = Field(default=1.0, gt=0, le=1)
    draw: Draw | None = None
    same_steps: bool = False
    steps_of: int | None = Field(default=None, ge=1)
    dealt: str | None = None
    model: str
    pretrained: str | None = None
    recipe: Recipe
    recipe_version: int = RECIPE_VERSION
    resolved: Resolved
    probes: tuple[Probe, ...] = Field(min_length=1)
    epochs: int = Field(ge=1, le=MOST)
    seed: int = Field(ge=0)
    index: int = Field(ge=0)
    heads: Heads | None = None

    @property
    def observed(self) -> tuple[int, ...]:
        """The epochs after which the trial is observed: ascending, from 1, the last always there."""
        return self.probes[0].observed(self.epochs)

    @property
    def hash(self) -> str:
        """Identity of the trial: the same before it runs and from its record."""
        value = self.model_dump(mode="json", exclude={"data", "recipe", "resolved"})
        value["data"] = self.data.identity()
        value["recipe"] = self.recipe.identity(self.data.kind)
        value["heads"] = None if self.heads is None else self.heads.identity()
        value["probes"] = [probe.identity() for probe in self.probes]
        # left out where not in use: the hash is then that from before they existed
        for name in ("pretrained", "draw", "same_steps", *self.LATER):
            if value.get(name) == type(self).model_fields[name].default:
                value.pop(name, None)
        value["precision"] = self.resolved.precision
        value["channels_last"] = self.resolved.channels_last
        return content_hash(value)


class RunSpec(Frozen):
    """A run of `measure`: its trials differ in their index alone."""

    LATER = TrialSpec.LATER

    kind: Literal["measured"] = "measured"
    data: DatasetRef
    model: str
    pretrained: str | None = None
    recipe: Recipe
    recipe_version: int = RECIPE_VERSION
    resolved: Resolved
    train_share: float = Field(default=1.0, gt=0, le=1)
    draw: Draw | None = None
    same_steps: bool = False
    steps_of: int | None = Field(default=None, ge=1)
    dealt: str | None = None
    probes: tuple[Probe, ...] = Field(min_length=1)
    keep_weights: bool = True
    seed: int = Field(ge=0)
    trials: int = Field(ge=1, le=MOST)
    epochs: int = Field(ge=1, le=MOST)
    heads: Heads | None = None

    @property
    def observe(self) -> str:
        """When the run is observed, as ``--observe`` has it."""
        return self.probes[0].observe

    @property
    def augmented(self) -> bool:
        """Are the examples observed during training, augmented, and not in passes of their own?"""
        return self.observe == TRAIN

    @property
    def measured(self) -> RunSpec:
        """Itself: all that training was asked for is known."""
        return self

    def trial(self, index: int) -> TrialSpec:
        """The spec of trial ``index`` at the run's length."""
        shared = TrialSpec.model_fields.keys() & type(self).model_fields.keys()
        return TrialSpec(index=index, **{name: getattr(self, name) for name in shared})


TrialsAre: TypeAlias = Literal["rollouts", "models"]
"""Trials of outcomes: answers of one model, or models with their rates."""

NO_NAME = "recorded"
"""Name of a network where the recorder has none."""


class RecordedSpec(Frozen):
    """A run by `Recorder`; ``augmented`` logits are of training steps, ``network`` is its user's word."""

    LATER = ("network",)

    kind: Literal["recorded"] = "recorded"
    data: DatasetRef
    keep_logits: bool = False
    augmented: bool = False
    network: str | None = None

    @property
    def observe(self) -> str:
        return TRAIN if self.augmented else ALL

    @property
    def model(self) -> str:
        """The name of the network, or what stands for it where none was given."""
        return self.network or NO_NAME

    measured: ClassVar[None] = None
    """Nothing is known of how it was trained."""
    heads: ClassVar[None] = None
    """A training loop has epochs, not shares."""


class OutcomeSpec(Frozen):
    """Outcomes of items that somebody else measured: rollouts of one model, or one rate of each of several.

    ``network`` names the model, or stands for all where trials are models.
    """

    kind: Literal["outcomes"] = "outcomes"
    data: DatasetRef
    network: str = Field(min_length=1)
    trials_are: TrialsAre = "rollouts"

    augmented: ClassVar[bool] = False
    observe: ClassVar[str] = ALL
    measured: ClassVar[None] = None
    heads: ClassVar[None] = None

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.network


AnySpec: TypeAlias = RunSpec | RecordedSpec | OutcomeSpec
"""The description of a run: measured, recorded from a training loop, or of outcomes."""


@dataclass(frozen=True)
class TrialSeeds:
    """Independent seeds of one trial, each an integer in [0, 2**63)."""

    initialization: int
    order: int
    augmentation: int
    share: int
    draw: int


def trial_seeds(seed: int, index: int) -> TrialSeeds:
    """The seeds of trial ``index`` of a run with ``seed``, by ``numpy.random.SeedSequence``.

    Each stream is a child of its own, so that drawing more from one (a larger image, another
    augmentation) changes none of the others.
    """
    import numpy as np  # which the options do without

    children = np.random.SeedSequence(entropy=seed, spawn_key=(index,)).spawn(5)
    values = [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in children]
    return TrialSeeds(*values)


class StoppingRule(Frozen):
    """The rule: sets of ``fraction`` of the examples as reliable as this, by ``max_trials`` at most.

    ``reliability`` is the share of the true set that a set is to hold; under the rule of ``halves``, which
    earlier versions wrote, the matching rate between halves of the trials.
    """

    reliability: float = Field(gt=0, lt=1)
    max_trials: int = Field(ge=1)
    fraction: float = Field(default=0.1, gt=0, lt=1)
    of: Literal["halves", "true set"] = "halves"


class Tail(Frozen):
    """How reliable one set is, as the rule has it, with its 95 % interval, in [0, 1]."""

    rate: float
    low: float
    high: float


class Check(Frozen):
    """How reliable the first ``trials`` trials are after ``epoch`` epochs.

    ``group_size`` is that of the halves behind it, ``decided`` whether they are large enough to decide
    anything, ``chance`` the rate of two independent sets. ``next`` is the number of trials to look at next,
    by forecast, where these are not enough and more are allowed.
    """

    trials: int
    epoch: int
    group_size: int
    easy: Tail
    hard: Tail
    chance: float
    decided: bool
    next: int | None = None


class Stop(Frozen):
    """Why a run of ``measure --trials auto`` has no more trials: the last of ``checks`` is the decision.

    ``reason`` is ``reliable`` where the rule was met and ``cap`` where the most trials allowed were not
    enough; ``sentence`` says it with the numbers.
    """

    rule: StoppingRule
    checks: tuple[Check, ...]
    reason: Literal["reliable", "cap"]
    sentence: str
