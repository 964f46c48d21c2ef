"""The rows of observations that a run has: epochs of trainings, or shares that heads have seen."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from easiness.errors import BadInput
from easiness.regular_file import last_name
from easiness.spec import RecordedSpec, RunSpec, shares_text
from easiness.store.trial import StoredTrial


@dataclass(frozen=True)
class Row:
    """A row of observations by its ``number`` from 1: of an epoch, or of heads that saw a ``share``."""

    number: int
    share: float | None = None

    @property
    def name(self) -> Literal["epoch", "share"]:
        """What tells rows apart, as columns and axes are called."""
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
    def asked(self) -> dict[str, Any]:
        """``{"epoch": 3}`` or ``{"share": 0.8}``."""
        return {self.name: self.value}


class Rows:
    """What a `Run` says of its rows. They count from 1, as epochs do; of heads row m is of the m-th share."""

    path: Path
    spec: RunSpec | RecordedSpec
    trials: Sequence[StoredTrial]

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
        measured = self.spec.measured
        if epoch >= longest or measured is None or self.shares or not measured.recipe.anneals(longest):
            return None
        which = "" if self.epochs == longest else " in some trials"
        return (
            f"epoch {epoch} of {longest} is of an unfinished training{which}, whose step size was still "
            f"coming down: a training that ends there gives other scores"
        )

    @property
    def shares(self) -> tuple[float, ...]:
        """Of a run on features the shares of the examples that heads have seen, row by row; else none."""
        return () if self.spec.heads is None else self.spec.heads.shares

    @property
    def network(self) -> str:
        """The model, with the features that its heads are on where it has some: ``ridge on auto``."""
        if self.spec.heads is None:
            return self.spec.model
        return f"{self.spec.model} on {' and '.join(last_name(one.name) for one in self.spec.heads.features)}"

    @property
    def made(self) -> str:
        """What its trials are: ``trainings``, or ``trials of heads``."""
        many = "" if len(self.trials) == 1 else "s"
        return f"trial{many} of heads" if self.shares else f"training{many}"

    @property
    def row_name(self) -> str:
        """What tells rows apart: ``epoch`` or ``share``."""
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
        """What the row is of."""
        return Row(epoch, self.shares[epoch - 1] if self.shares else None)

    def row_text(self, epoch: int) -> str:
        """``epoch 3``, or of a run on features ``share 0.8``."""
        return self.row(epoch).text

    def at(self, epoch: int) -> str:
        """``after epoch 3``, or of a run on features ``at share 0.8``."""
        return self.row(epoch).at

    def asked(self, epoch: int) -> dict[str, Any]:
        """The argument by which functions are asked for this row, ``at=3`` or ``at=0.8``."""
        return {"at": self.row(epoch).value}

    def row_of(self, share: float) -> int:
        """The row of observations of heads that have seen this share, counted from 1 as epochs are."""
        if not self.shares:
            raise BadInput(f"{self.path}: at {share:g}: has epochs, not shares; give the number of one")
        near = [row for row, one in enumerate(self.shares, 1) if abs(one - share) < 1e-6]
        if not near:
            choices = shares_text(self.shares)
            raise BadInput(f"{self.path}: at {share:g}: no heads have seen this share; choose {choices}")
        return near[0]

    def resolve_at(self, at: float | None) -> int:
        """The row of observations ``at`` an epoch from 1 or, of a run on features, at a share below 1.

        ``None`` is the last epoch after which every trial was observed, or the largest share.
        """
        if at is None:
            return self.resolve_row(None)
        if 0 < at < 1:
            return self.row_of(at)
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
