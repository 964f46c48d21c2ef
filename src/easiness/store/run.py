"""A run as readers see it: its examples, its finished trials, and what follows from them."""

from __future__ import annotations

import bisect
import copy
import functools
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes, keys_when_asked, num_selected, usual_fraction
from easiness.data import RunTags, refusal_of_tags, unfold_tags
from easiness.errors import BadInput
from easiness.lazy import Floats, Integers, pd
from easiness.named_import import find_offer
from easiness.regular_file import at_home, in_words, last_name
from easiness.spec import OutcomeSpec, Split, TrialsAre, shares_text
from easiness.store import run_folder
from easiness.store.examples import KEPT_FILE, check_kept, damaged_kept
from easiness.store.files import ASIDE, is_intact
from easiness.store.over_trials import mean_probabilities, scores_table, votes_of
from easiness.store.parquet import Ids, read_examples, read_strictly
from easiness.store.run_folder import EXAMPLES, TRIALS, trial_names

if TYPE_CHECKING:
    from easiness.store.outcomes import Outcomes


COURSE = ("forgetting_events", "first_learned_epoch", "iteration_learned", "variability")
"""Scores that need a course of training."""

_MOST_EPOCHS = 2**53


@dataclass(frozen=True)
class Row:
    """A row of observations by its ``number`` from 1: of an epoch, or of heads that saw a ``share``."""

    number: int
    share: float | None = None

    @property
    def name(self) -> Literal["epoch", "share"]:
        """The unit that tells rows apart, as columns and axes are called."""
        return "epoch" if self.share is None else "share"

    @property
    def value(self) -> int | float:
        """The epoch, or the share."""
        return self.number if self.share is None else self.share

    @property
    def text(self) -> str:
        """``epoch 3`` or ``share 0.8``."""
        return f"{self.name} {self.value:g}"

    @property
    def at(self) -> str:
        """``after epoch 3`` or ``at share 0.8``."""
        return f"{'after' if self.share is None else 'at'} {self.text}"

    @property
    def argument(self) -> dict[str, Any]:
        """``{"epoch": 3}`` or ``{"share": 0.8}``."""
        return {self.name: self.value}


class Run:
    """A run folder, read. Trials that are being written or were interrupted do not exist here.

    Its rows of observations count from 1, as epochs do; of heads row m is of the m-th share.
    """

    def __init__(self, path: str | Path, *, is_trusted: bool = False, but: Collection[str] = ()) -> None:
        """Raises `BadInput` if ``path`` is no run; folders of trials named in ``but`` are left out."""
        self.path, self.is_trusted = at_home(path), is_trusted
        self.document = run_folder.read_document(self.path)
        self.spec = self.document.spec
        self.trials = run_folder.finished_trials(self.path, self.spec.data, but)

    def __repr__(self) -> str:
        size = f"trials={len(self.trials)}, epochs={self.epochs}"
        if self.is_outcomes:
            size = f"items={self.spec.data.train.num_examples}, trials_are={self.trials_are!r}"
        return f"Run({in_words(self.path)!r}, model={self.model!r}, {size})"

    @property
    def model(self) -> str:
        """Name of the network, or ``recorded`` where the training loop was somebody's own."""
        return self.spec.model

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by label."""
        return self.spec.data.classes

    @property
    def augmented(self) -> bool:
        """Do the observations come from training steps on augmented images, and not from clean passes?"""
        return self.spec.augmented

    @property
    def epochs(self) -> int:
        """Number of epochs that every finished trial has; 0 without one."""
        return min((trial.epochs for trial in self.trials), default=0)

    @property
    def observed(self) -> tuple[int, ...]:
        """The epochs after which every finished trial was observed: ascending, from 1."""
        if not self.trials:
            return ()
        return tuple(sorted(set.intersection(*map(set, {trial.observed for trial in self.trials}))))

    def unfinished(self, epoch: int) -> str | None:
        """The reason why observations after ``epoch`` are not those of a training that ends there, if any.

        There is one where the step size comes down to nothing by the end, and some trial is longer.
        """
        longest = max((trial.epochs for trial in self.trials), default=0)
        spec = self.spec.measured
        if epoch >= longest or spec is None or self.shares or not spec.recipe.anneals(longest):
            return None
        which = "" if self.epochs == longest else " in some trials"
        return (
            f"epoch {epoch} of {longest} is of an unfinished training{which}, whose step size was still "
            f"coming down: a training that ends there gives other scores"
        )

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of the examples that heads of a run on features have seen, row by row; else none."""
        return () if self.spec.heads is None else self.spec.heads.shares

    @functools.cached_property
    def of_folds(self) -> bool:
        """Has no trial trained on any of the examples, nor a course? Those of models in folds have not."""
        if self.is_outcomes or self.shares or len(self.observed) != 1:
            return False
        masks = (trial.columns(self.observed[0], ["trained_on"])["trained_on"] for trial in self.trials)
        return not any(mask.any() for mask in masks)

    @property
    def network(self) -> str:
        """The model, with the features that its heads are on where it has some: ``ridge on auto``."""
        if self.spec.heads is None:
            return self.spec.model
        return f"{self.spec.model} on {' and '.join(last_name(one.name) for one in self.spec.heads.features)}"

    @property
    def noun(self) -> str:
        """The name of its trials: ``trainings``, or ``trials of heads``."""
        many = "" if len(self.trials) == 1 else "s"
        return f"trial{many} of heads" if self.shares else f"training{many}"

    @property
    def row_name(self) -> str:
        """The unit that tells rows apart: ``epoch`` or ``share``."""
        return "share" if self.shares else "epoch"

    @property
    def length(self) -> str:
        """How long each trial is: ``3 epochs``, or ``shares 0.05, 0.2, 0.8``."""
        return (
            f"shares {shares_text(self.shares)}"
            if self.shares
            else f"{self.epochs} epoch{'s' * (self.epochs != 1)}"
        )

    def row(self, epoch: int) -> Row:
        """The epoch or the share of the row."""
        return Row(epoch, self.shares[epoch - 1] if self.shares else None)

    def at(self, epoch: int) -> str:
        """``after epoch 3``, or of a run on features ``at share 0.8``."""
        return self.row(epoch).at

    def argument(self, epoch: int) -> dict[str, Any]:
        """The argument by which functions are asked for this row, ``at=3`` or ``at=0.8``."""
        return {"at": self.row(epoch).value}

    def resolve_at(self, at: float | None) -> int:
        """The row of observations ``at`` an epoch from 1 or, of a run on features, at a share below 1.

        ``None`` is the last epoch after which every trial was observed, or the largest share.
        """
        if at is None:
            return self.resolve_row(None)
        if isinstance(at, bool) or not isinstance(at, int | float | np.number):
            raise BadInput(f"at {at!r}: is no number; give an epoch, such as 3, or a share, such as 0.8")
        at = math.inf if abs(at) > _MOST_EPOCHS else at
        if 0 < at < 1:
            if not self.shares:
                raise BadInput(f"{self.path}: at {at:g}: has epochs, not shares; give the number of one")
            near = [row for row, one in enumerate(self.shares, 1) if abs(one - at) < 1e-6]
            if not near:
                choices = shares_text(self.shares)
                raise BadInput(f"{self.path}: at {at:g}: no heads have seen this share; choose {choices}")
            return near[0]
        if not float(at).is_integer():  # nor is what is not finite
            raise BadInput(
                f"at {at:g}: is neither an epoch, such as 3, nor a share, such as 0.8; give one of them"
            )
        if self.shares:
            choices = shares_text(self.shares)
            raise BadInput(f"{self.path}: at {at:g}: has shares, not epochs; choose {choices}")
        return self.resolve_row(int(at))

    def resolve_row(self, epoch: int | None) -> int:
        """`resolve_at` of a row by its number, whatever the run has."""
        self.check_course("what is asked")
        if not self.trials:
            how = "go on with your loop" if self.spec.measured is None else "run `easiness measure` to go on"
            raise BadInput(f"{self.path}: no trial is finished yet; {how}")
        observed = self.observed
        if not observed:
            raise BadInput(
                f"{self.path}: its trials have different epochs and were observed after no common one; run "
                f"`easiness measure` with --epochs {max(trial.epochs for trial in self.trials)} to go on"
            )
        if epoch is None:
            return observed[-1]
        if epoch in observed:
            return epoch
        if observed == tuple(range(1, self.epochs + 1)):
            raise BadInput(f"{self.path}: epoch {epoch} is not recorded; choose 1 to {self.epochs}")
        around = bisect.bisect(observed, epoch)
        nearest = " or ".join(map(str, observed[max(around - 1, 0) : around + 1]))
        raise BadInput(f"{self.path}: epoch {epoch} was not observed; choose {nearest}")

    def first(self, num: int) -> Run:
        """The run with only those of its finished trials whose index is below ``num``."""
        part = copy.copy(self)
        part.trials = [trial for trial in self.trials if trial.index < num]
        return part

    def failures(self) -> dict[int, str]:
        """The reasons why trials that are still missing failed when they were last tried, by index."""
        return run_folder.notes_of_failures(self.path)

    @property
    def is_outcomes(self) -> bool:
        """Does it have outcomes that somebody else measured, without classes and a course of training?"""
        return isinstance(self.spec, OutcomeSpec)

    @property
    def trials_are(self) -> TrialsAre:
        """The meaning of its trials, if it has outcomes: rollouts of one model, or models."""
        return self.spec.trials_are if isinstance(self.spec, OutcomeSpec) else "rollouts"

    @functools.cached_property
    def outcomes(self) -> Outcomes:
        """The outcomes of a run that has some."""
        from easiness.store.outcomes import read_outcomes

        return read_outcomes(self.path, self.document)

    @property
    def num_outcome_trials(self) -> int:
        """The number of rollouts in all, or that of models."""
        rows = self.outcomes.rows
        return int(rows["trial"].nunique() if self.trials_are == "models" else rows["count"].sum())

    def check_course(self, what: str, *, of_classes: bool = False) -> None:
        """Refuse ``what`` needs a course of training where there is none, or classes where there are tags."""
        if of_classes and self.tags is not None:
            raise refusal_of_tags(self.path, what)
        if self.is_outcomes:
            raise BadInput(
                f"{self.path}: has outcomes, without classes, probabilities and a course of training, and "
                f"{what} needs them; give a run of `measure`"
            )

    @functools.cached_property
    def _examples(self) -> tuple[Ids, Integers]:
        if self.is_outcomes:
            ids = self.outcomes.items["id"].to_numpy()
            return ids, np.zeros(len(ids), np.int64)
        return read_examples(self._intact_examples(), self.spec.data, _damaged_examples)

    @functools.cached_property
    def tags(self) -> RunTags | None:
        """The tags behind its questions, where each row asks whether a tag is there; else None."""
        return self._read_tags("train")

    def tags_of(self, split: Split) -> RunTags | None:
        """`tags` of the questions of a split."""
        return self.tags if split == "train" else self._read_tags(split)

    def _read_tags(self, split: Split) -> RunTags | None:
        names = self.spec.data.tag_names
        if not names:
            return None
        with read_strictly(self.path / EXAMPLES, _damaged_examples):
            return RunTags.read(self.examples(split)[0], names)

    def strata(self, split: Split = "train") -> Integers:
        """The part of the examples that each is compared with [K]: those of its class.

        A question of tag t is compared with those on t of its label, in stratum 2 t + label.
        """
        labels, tags = self.examples(split)[1], self.tags_of(split)
        return labels if tags is None else 2 * tags.of + labels

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """The names of `strata`: classes, or such as ``dog: absent`` and ``dog: present``."""
        return self.classes if self.tags is None else self.tags.stratum_names

    @property
    def chance(self) -> float:
        """The accuracy of a guess: of any of the classes, or of what most examples have of each tag."""
        if self.tags is None:
            return 1 / len(self.classes)
        counts = np.bincount(self.strata(), minlength=2 * len(self.tags.names)).reshape(-1, 2)
        return float(counts.max(axis=1).sum() / len(self.ids))

    def _intact_examples(self) -> Path:
        path = self.path / EXAMPLES
        if not is_intact(path, self.document.files[EXAMPLES]):
            raise _damaged_examples(path)
        return path

    def kept_examples(self) -> Path | None:
        """The table of the examples themselves, where the run was recorded with them; checked."""
        path, digest = self.path / KEPT_FILE, self.document.files.get(KEPT_FILE)
        if digest is None:
            return None
        if not path.exists():
            raise BadInput(
                f"{path}: the examples that the run kept are gone; restore the file or give --data"
            )
        if not is_intact(path, digest):
            raise damaged_kept(path)
        check_kept(path, self.spec.data.kind, self.ids, self.labels)
        return path

    def leftovers(self) -> list[Path]:
        """Folders that killed writers left among the trials, which are no part of the run."""
        folder, current = self.path / TRIALS, {trial.path.name for trial in self.trials}
        old = [folder / name for name in trial_names(self.path) if name not in current]
        return [*folder.glob(f"{ASIDE}*"), *old]

    def check(self) -> None:
        for trial in self.trials:
            trial.check()
        self._examples  # noqa: B018 - reading it checks it

    @property
    def ids(self) -> Ids:
        """Ids of the examples [K]: int64, or strings as objects."""
        return self._examples[0]

    @property
    def labels(self) -> Integers:
        """Labels [K] as trained with."""
        self.check_course("`labels`")
        return self._examples[1]

    @functools.cached_property
    def id_keys(self) -> Callable[[], npt.NDArray[np.uint64]]:
        """Keys [K] of the ids, by which matching runs draw alike, when they are asked for."""
        return keys_when_asked(self.ids)  # hashing every path takes longer than counting a trial's votes

    def examples(self, split: Split = "train") -> tuple[Ids, Integers]:
        """Ids [K] and labels [K] of the examples of a split: `ids` and `labels`, or those ``held_out``."""
        if split not in get_args(Split):
            raise BadInput(f"split {split!r}: unknown; choose {' or '.join(get_args(Split))}")
        if split == "held_out" and self.spec.data.held_out is None:
            self.check_course("--split held_out")
            remedy = "record its examples as a run of their own"
            how = remedy if self.spec.measured is None else "measure with one (--holdout 0.2)"
            raise BadInput(f"{self.path}: has no held-out split to show (--split held_out); {how}")
        if not all(trial.has(split) for trial in self.trials):
            other = "train" if split == "held_out" else "held_out"
            raise BadInput(f"{self.path}: its trials did not observe --split {split}; give --split {other}")
        if split == "train":
            return self.ids, self.labels
        columns = self.trials[0].columns(self.trials[0].observed[0], ["id", "label"], split)
        return columns["id"], columns["label"].astype(np.int64)

    def shares_ids(self, other: Run) -> bool:
        """Has another run the same ids in the same order? From then on both hold the same array."""
        same_file = self.document.files.get(EXAMPLES) == other.document.files.get(EXAMPLES, "")
        if same_file and "_examples" not in self.__dict__:
            self._intact_examples()
            self._examples, self.id_keys = other._examples, other.id_keys  # the file need not be read twice
        if self.ids is not other.ids:
            if not np.array_equal(self.ids, other.ids):
                return False
            self._examples, self.id_keys = (other.ids, self.labels), other.id_keys
        return True

    def votes(
        self,
        epoch: int | None = None,
        at_most: int | None = None,
        spare: Votes | None = None,
        *,
        split: Split = "train",
    ) -> Votes:
        """The votes of all finished trials after ``epoch`` epochs on every example, or on ``at_most`` drawn.

        In a run on features ``epoch`` is the number of a row, and the votes are of heads that have seen its
        share of the examples, on examples that they were not shown.

        ``spare`` are votes of this run that nobody needs any more: their memory is taken where it fits.
        """
        return votes_of(self, self.resolve_row(epoch), at_most, spare, split)

    def scores(
        self,
        at: float | None = None,
        *,
        fraction: float | None = None,
        split: Split = "train",
        between: tuple[float, float] | None = None,
    ) -> pd.DataFrame:
        """Every score of every example ``at`` an epoch from 1 (the last by default), a row an example.

        A run on features is read at a share of the examples (the largest by default), and its scores are of
        the heads that were not shown the example; those that need a course over epochs are undefined.

        Examples are those measured, or with ``split="held_out"`` those held out, which no trial trains on:
        `memorization` is undefined there, and `consistency` and `self_confidence` are over all trials.

        Columns: ``id`` (with several tags an example also ``tag``), ``label``, ``class``, then each score
        with its standard error and interval (see `score_columns`), then the masks, then ``predicted`` (int64:
        the class index that most trials predict, the lowest of the most frequent) and ``predicted_share``
        (the share of the trials that do), then ``p_easy``, ``p_hard`` (the probability to
        be among the truly easiest and hardest ``fraction``, a tenth unless given) and ``easiness_expected``
        (the posterior mean of the probability to be right), see `membership`. Where the training was
        unfinished then, see `warning`, the table's ``attrs["unfinished"]`` says so.

        Outcomes have ``id``, ``trials`` (how many the item has), ``rate`` (the share of them that is right)
        with ``rate_se``, ``rate_low`` and ``rate_high`` (of its Jeffreys posterior), ``easiness`` (the rate
        in parts of the largest), ``p_easy``, ``p_hard``, and ``p_between``: the probability that the true
        rate is ``between`` two numbers in [0, 1].

        Raises:
            BadInput: the epoch is not recorded, no example was right in any trial, the fraction is not in
                (0, 1] or selects no example, or there is no held-out split.
        """
        if self.is_outcomes:
            if at is not None or split != "train":
                self.check_course("at" if at is not None else f"split {split!r}")
            num = len(self.ids)
            num_selected(num, usual_fraction(num) if fraction is None else fraction)
            return self.outcomes.scores(usual_fraction(num) if fraction is None else fraction, between)
        if between is not None:
            raise BadInput(f"{self.path}: between: is of outcomes (`easiness record`); leave it out")
        epoch = self.resolve_at(at)
        table = unfold_tags(scores_table(self, epoch, fraction, split), self.tags_of(split))
        if self.of_folds:
            of_course = [f"{name}{end}" for name in COURSE for end in ("", "_se", "_low", "_high")]
            table[of_course] = np.nan
        note = self.unfinished(epoch)
        if note is not None:
            table.attrs["unfinished"] = note
        return table

    def probabilities(
        self,
        at: float | None = None,
        *,
        split: Split = "train",
        left_out: bool = False,
    ) -> Floats:
        """The mean over trials of the probability of each class, [examples, classes], each row of sum 1.

        The examples are in the order of `examples`, the classes in that of `classes`; ``at`` an epoch or a
        share, the last by default. With ``left_out`` only the trials count that did not train on the example,
        as confident learning wants it: the row is NaN where every trial did.

        Raises:
            BadInput: the logits were not kept (``keep_logits=True``), the epoch is not recorded, there is no
                such split, or no trial left an example out.
        """
        self.examples(split)  # refuses a split that is not there
        return mean_probabilities(self, self.resolve_at(at), split, left_out=left_out)

    def report(self, output: str | Path, **options: Any) -> None:
        """Write the page about this run to the file ``output``, as `easiness.report` with these arguments."""
        find_offer("report")(self, output, **options)

    def _repr_html_(self) -> str:
        """A table of facts and a figure, for notebooks."""
        return str(find_offer("run_html")(self))


def _damaged_examples(path: Path) -> BadInput:
    return BadInput(f"{path}: the list of examples is damaged or missing; measure into another folder")


def open_run(path: str | Path, *, trust: bool = False) -> Run:
    """Open the run in a folder to read it, or the only one in a folder of runs.

    With ``trust``, a module that it names may run as its network.

    Raises:
        BadInput: ``path`` is no run, or a file of it is damaged (names it).
    """
    return Run(run_folder.runs_in(at_home(path), several=False)[0], is_trusted=trust)
