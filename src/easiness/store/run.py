"""A run as readers see it: its examples, its finished trials, and what follows from them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes, drawn_examples, keys_when_asked
from easiness.errors import BadInput
from easiness.named_import import offered
from easiness.regular_file import at_home, in_words
from easiness.spec import Split
from easiness.store import run_folder
from easiness.store.files import ASIDE, is_intact
from easiness.store.kept import KEPT, check_kept, damaged_kept
from easiness.store.over_trials import Examples, mean_probabilities, scores_table, votes_of
from easiness.store.parquet import Ids, read_examples
from easiness.store.rows import Rows
from easiness.store.run_folder import EXAMPLES, TRIALS, trial_names
from easiness.store.trial import StoredTrial

if TYPE_CHECKING:
    import pandas as pd


_AT_A_PROMPT = (
    *("classes", "epochs", "examples", "failures", "first", "ids", "labels", "model", "network", "observed"),
    *("path", "probabilities", "report", "scores", "shares", "spec", "trials"),
)


class Run(Rows):
    """A run folder, read. Trials that are being written or were interrupted do not exist here."""

    def __init__(self, path: str | Path, before: Iterable[StoredTrial] = (), trusted: bool = False) -> None:
        """Raises `BadInput` if ``path`` is no run; trials of ``before`` that stayed are not read again."""
        self.path, self.trusted = at_home(path), trusted
        self.document = run_folder.read_document(self.path)
        self.spec = self.document.spec
        self.trials = run_folder.finished_trials(self.path, self.spec.data, before)

    def __repr__(self) -> str:
        size = f"trials={len(self.trials)}, epochs={self.epochs}"
        return f"Run({in_words(self.path)!r}, model={self.model!r}, {size})"

    def __dir__(self) -> list[str]:
        """Names of use at a prompt; the rest is for the commands."""
        return list(_AT_A_PROMPT)

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

    def first(self, num: int) -> Run:
        """The run with only those of its finished trials whose index is below ``num``."""
        part = copy.copy(self)
        part.trials = [trial for trial in self.trials if trial.index < num]
        return part

    def failures(self) -> dict[int, str]:
        """The reasons why trials that are still missing failed when they were last tried, by index."""
        return run_folder.notes_of_failures(self.path)

    @functools.cached_property
    def _examples(self) -> tuple[Ids, npt.NDArray[np.int64]]:
        return read_examples(self._intact_examples(), self.spec.data, _damaged_examples)

    def _intact_examples(self) -> Path:
        path = self.path / EXAMPLES
        if not is_intact(path, self.document.files[EXAMPLES]):
            raise _damaged_examples(path)
        return path

    def kept_examples(self) -> Path | None:
        """The table of the examples themselves, where the run was recorded with them; checked.

        Raises:
            BadInput: it was removed, or is damaged.
        """
        path, written = self.path / KEPT, self.document.files.get(KEPT)
        if written is None:
            return None
        if not path.exists():
            raise BadInput(
                f"{path}: the examples that the run kept are gone; restore the file or give --data"
            )
        if not is_intact(path, written):
            raise damaged_kept(path)
        check_kept(path, self.spec.data.kind, self.ids, self.labels)
        return path

    def leftovers(self) -> list[Path]:
        """Folders that killed writers left among the trials, which are no part of the run."""
        folder, current = self.path / TRIALS, {trial.path.name for trial in self.trials}
        old = [folder / name for name in trial_names(self.path) if name not in current]
        return [*folder.glob(f"{ASIDE}*"), *old]

    def check(self) -> None:
        """Check every file of the run and of its finished trials.

        Raises:
            BadInput: one is missing or damaged.
        """
        for trial in self.trials:
            trial.check()
        self._examples  # noqa: B018 - reading it checks it

    @property
    def ids(self) -> Ids:
        """Ids of the examples [K]: int64, or strings as objects."""
        return self._examples[0]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels [K] as trained with."""
        return self._examples[1]

    @functools.cached_property
    def _keys(self) -> Callable[[], npt.NDArray[np.uint64]]:
        return keys_when_asked(self.ids)  # hashing every path takes longer than counting a trial's votes

    def examples(self, split: Split = "train") -> tuple[Ids, npt.NDArray[np.int64]]:
        """Ids [K] and labels [K] of the examples of a split: `ids` and `labels`, or those ``held_out``.

        Raises:
            BadInput: there is no such split, or the trials did not observe it.
        """
        if split not in get_args(Split):
            raise BadInput(f"split {split!r}: unknown; choose {' or '.join(get_args(Split))}")
        if split == "held_out" and self.spec.data.held_out is None:
            recorded = "record its examples as a run of their own"
            how = recorded if self.spec.measured is None else "measure with one (--holdout 0.2)"
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
        same_file = self.document.files[EXAMPLES] == other.document.files[EXAMPLES]
        if same_file and "_examples" not in self.__dict__:
            self._intact_examples()
            self._examples, self._keys = other._examples, other._keys  # the file need not be read twice
        if self.ids is not other.ids:
            if not np.array_equal(self.ids, other.ids):
                return False
            self._examples, self._keys = (other.ids, self.labels), other._keys
        return True

    def votes(
        self,
        epoch: int | None = None,
        at_most: int | None = None,
        spare: Votes | None = None,
        *,
        split: Split = "train",
    ) -> Votes:
        """What all finished trials said after ``epoch`` epochs of every example, or of ``at_most`` drawn.

        Of a run on features ``epoch`` is the number of a row, and the votes are those of heads that have seen
        its share of the examples, on examples that they were not shown.

        ``spare`` are votes of this run that nobody needs any more: their memory is taken where it fits.
        """
        epoch = self.resolve_row(epoch)
        ids, labels = self.examples(split)
        drawn = None if at_most is None else drawn_examples(len(ids), at_most)
        keys = self._keys if ids is self.ids else None
        return votes_of(self.trials, Examples(ids, labels, self.classes, split), epoch, drawn, spare, keys)

    def scores(
        self,
        at: float | None = None,
        *,
        fraction: float | None = None,
        split: Split = "train",
    ) -> pd.DataFrame:
        """Every score of every example ``at`` an epoch from 1 (the last by default), a row an example.

        A run on features is read at a share of the examples (the largest by default), and its scores are of
        the heads that were not shown the example; those that need a course over epochs are undefined.

        Examples are those measured, or with ``split="held_out"`` those held out, which no trial trains on:
        `memorization` is undefined there, and `consistency` and `self_confidence` are over all trials.

        Columns: ``id``, ``label``, ``class``, then each score with its standard error and interval (see
        `score_columns`), then the masks, then
        ``predicted`` (int64: the class index that most trials predict, the lowest of the most frequent) and
        ``predicted_share`` (the share of the trials that do), then ``p_easy``, ``p_hard`` (the probability to
        be among the truly easiest and hardest ``fraction``, a tenth unless given) and ``easiness_expected``
        (the posterior mean of the probability to be right), see `membership`. Where the training was
        unfinished then, see `unfinished`, the table's ``attrs["unfinished"]`` says so.

        Raises:
            BadInput: the epoch is not recorded, no example was right in any trial, the fraction is not in
                (0, 1] or selects no example, or there is no held-out split.
        """
        epoch = self.resolve_at(at)
        ids, labels = self.examples(split)
        table = scores_table(self.trials, Examples(ids, labels, self.classes, split), epoch, fraction)
        unfinished = self.unfinished(epoch)
        if unfinished is not None:
            table.attrs["unfinished"] = unfinished
        return table

    def probabilities(
        self,
        at: float | None = None,
        *,
        split: Split = "train",
        left_out: bool = False,
    ) -> npt.NDArray[np.float64]:
        """The mean over trials of the probability of each class, [examples, classes], each row of sum 1.

        The examples are in the order of `examples`, the classes in that of `classes`; ``at`` an epoch or a
        share, the last by default. With ``left_out`` only the trials count that did not train on the example,
        as confident learning wants it: the row is NaN where every trial did.

        Raises:
            BadInput: the logits were not kept (``keep_logits=True``), the epoch is not recorded, there is no
                such split, or no trial left an example out.
        """
        self.examples(split)  # refuses a split that is not there
        epoch = self.resolve_at(at)
        return mean_probabilities(self.path, self.trials, epoch, split, left_out=left_out)

    def report(self, output: str | Path, **asked: Any) -> None:
        """Write the page about this run to the file ``output``, as `easiness.report` with these arguments."""
        offered("report")(self, output, **asked)

    def _repr_html_(self) -> str:
        """A table of facts and a figure, for notebooks."""
        return str(offered("run_html")(self))


def _damaged_examples(path: Path) -> BadInput:
    return BadInput(f"{path}: the list of examples is damaged or missing; measure into another folder")


def open_run(path: str | Path, *, trust: bool = False) -> Run:
    """Open the run in a folder to read it; with ``trust``, a module that it names may run as its network.

    Raises:
        BadInput: ``path`` is no run, or a file of it is damaged (names it).
    """
    return Run(path, trusted=trust)
