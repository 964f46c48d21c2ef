"""Which examples to keep: drawn as the ablation study draws them, ranked exactly, or named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import (
    EXPONENT,
    check_classes_left,
    default_cut,
    draw_by_beta,
    draw_by_rank,
    draw_for_coverage,
    foremost,
)
from easiness.data import is_table, open_table, written_in
from easiness.errors import BadInput, shorten
from easiness.lazy import Figure, Floats, Integers, Mask, pd
from easiness.regular_file import at_home, text_lines
from easiness.scoring import find_score
from easiness.show import FAINT, TRAIN, Frame, Result, counts, legend_above, names, new_axes, numbers
from easiness.spec import Keep
from easiness.store import Row, Run
from easiness.studies.keeping import ranks

if TYPE_CHECKING:
    from easiness.studies.keeping.study import Kept


NAMED = "ids"
"""The policy of examples that were dropped by name."""

_EXACT = ("worst", "best")  # policies that draw nothing: exactly the worst or the best are dropped
_NUMBERS = {
    "ccs": "a share of the examples to cut away first, such as ccs:0.1",
    "dual": "a positive exponent, such as dual:4",
}
"""Policies ``ccs`` or ``ccs:CUT``, and ``dual`` or ``dual:C_D``, with their numbers."""
_BINS = 30
_UNDECODED = "surrogateescape"  # names of files need not be valid text
_MARK = "\ufeff"  # of the byte order, which is taken off a file
_FORM = "give a text file with an id a line, or FILE.csv with a column id"
_REMEDY = "drop a smaller share, or give more examples"


@dataclass(frozen=True, eq=False)
class Pruned(Result):
    """The examples of a run, and which are ``kept`` [K].

    ``values`` [K] are those of ``score`` in a ``row`` (after an epoch, or at a share), as in the table of
    scores: NaN for examples that were never learned, where it has none for them. They are ranked as the
    hardest. ``policy`` names the examples that were dropped, mainly or exactly (``worst``, ``best``, and
    `NAMED`), or the sampler that left them out with its number (``ccs:0.1``, ``dual:4``), and ``keep`` the
    end of the score that was kept, where high means neither easy nor hard. The share to ``drop`` was drawn
    with the ``seed``, of each class where it is ``balanced``.
    """

    run: Run = field(repr=False)
    score: str
    row: Row
    values: Floats
    kept: Mask
    policy: str
    keep: Keep | None = None
    drop: float | None = None
    seed: int | None = None
    balanced: bool = False
    listing = "examples"

    @property
    def num_never_learned(self) -> int:
        """Number of examples without a value, which rank as the hardest."""
        return int(np.isnan(self.values).sum())

    def table(self) -> pd.DataFrame:
        """The kept examples, a row each: ``id``, ``label``, ``class``."""
        labels = self.run.labels[self.kept]
        classes = np.array(self.run.classes, dtype=object)[labels]
        return pd.DataFrame({"id": self.run.ids[self.kept], "label": labels, "class": classes})

    def by_class(self) -> pd.DataFrame:
        """How many examples of each class are kept and dropped, and the mean score of both.

        The mean is over those that have a score, NaN where none does.
        """
        classes, labels = self.run.classes, self.run.labels
        parts = {"kept": self.kept, "dropped": ~self.kept}
        num = {name: np.bincount(labels[part], minlength=len(classes)) for name, part in parts.items()}
        means = {
            f"{self.score}_{name}": pd.Series(self.values[part]).groupby(labels[part]).mean()
            for name, part in parts.items()
        }
        return pd.DataFrame({"class": classes, **num, **means}, index=range(len(classes)))

    def figure(self) -> Figure:
        """A histogram of the score, the kept and dropped examples stacked; those without a score left out."""
        figure, axes = new_axes(5.2, 2.9)
        defined = ~np.isnan(self.values)
        parts = [self.values[self.kept & defined], self.values[~self.kept & defined]]
        axes.hist(parts, _BINS, stacked=True, color=[TRAIN, FAINT], label=["kept", "dropped"])
        axes.set(xlabel=f"{self.score} {self.row.at}", ylabel="examples")
        legend_above(axes, 2)
        return figure

    def frames(self) -> list[Frame]:
        note = (
            f"By class, with the mean {self.score} {self.row.at} of both parts. Dropped are {self._dropped}."
        )
        if self.num_never_learned and self.policy != NAMED:
            note += (
                f" {self.num_never_learned} examples that no trial learned have none and rank as the hardest."
            )
        columns = {"class": names(), "kept": counts(), "dropped": counts()}
        for part in ("kept", "dropped"):
            columns[f"{self.score}_{part}"] = numbers(2, title=f"{self.score} {part}")
        title = f"{self.kept.sum()} of {len(self.kept)} examples kept"
        return [Frame(title, note, self.by_class(), columns)]

    @property
    def _dropped(self) -> str:
        if self.policy == NAMED:
            return "exactly those named"
        order = ranks.order_of(self.score, self.keep)
        name, _, number = self.policy.partition(":")
        if name == "ccs":
            first = f"{float(number):.0%} as the hardest, then " if float(number) else ""
            which = f"those that CCS leaves out ({first}all but the same number of each stratum)"
        elif name == "dual":
            which = f"those that Beta sampling as in DUAL leaves out (c_D = {number})"
        else:
            which = f"exactly the {name}" if name in _EXACT else order.text(self.policy)
        return f"{which}, by {order.by}"

    def rendered(self, suffix: str) -> bytes:  # noqa: ARG002 the only one
        return ids_as_text(self.run.ids[self.kept])


def prune(asked: Kept) -> Pruned:
    """Drop some examples and keep the others: drawn by their rank, exactly, or by name.

    Without a policy the end of the score to ``keep`` says which are dropped. The ``worst`` are then those at
    the other end, and the end to keep has the place of the hard examples in ``beta:A,B``, in strata and in
    Beta sampling. Ties go by difficulty, then by a hash of the id (`foremost`).
    """
    run, score, rate = asked.run, asked.score or "difficulty", asked.drop
    if asked.ids is not None:
        return _without_named(asked, score)
    if rate is None:
        raise BadInput("--drop: say which share to drop, such as 0.3; or name the examples (--ids FILE)")
    if not 0 <= rate < 1:
        raise BadInput(f"--drop {rate}: not in [0, 1); give the share of the examples to drop, such as 0.3")
    order, policy = _order(score, asked.policy, asked.keep)
    at = run.resolve_at(asked.at)
    table = run.scores(**run.argument(at))
    ranking = ranks.ranked(run, order, at, table)
    policy, dropped = _drawn(asked, rate, order, policy, ranking, table)
    remedy = _REMEDY if asked.balanced else f"{_REMEDY}, or drop the same share of each class (--balanced)"
    check_classes_left(run.labels, dropped, run.classes, remedy=remedy)
    kept = ~np.isin(np.arange(len(table)), dropped)
    found = Pruned(run, score, run.row(at), table[score].to_numpy(), kept, policy, order.keep)
    return replace(found, drop=rate, seed=asked.seed, balanced=asked.balanced)


def _without_named(asked: Kept, score: str) -> Pruned:
    run, given = asked.run, {"--policy": asked.policy, "--keep": asked.keep, "--balanced": asked.balanced}
    given = {"--drop": asked.drop is not None, **given}
    if others := [name for name, value in given.items() if value]:
        raise BadInput(f"--ids: drops exactly the examples that it names; leave {', '.join(others)} out")
    dropped, at = named_positions(asked.ids, run.ids), run.resolve_at(asked.at)
    find_score(score)
    check_classes_left(run.labels, dropped, run.classes, drawn_by="--ids", remedy="name fewer of them")
    values = run.scores(**run.argument(at))[score].to_numpy()
    return Pruned(run, score, run.row(at), values, ~np.isin(np.arange(len(values)), dropped), NAMED)


def _order(score: str, policy: str | None, keep: Keep | None) -> tuple[ranks.Ranking, str]:
    """The order of the ranks, and the policy that drops by it.

    By a score that speaks of labels the worst are those whose label is least sound.
    """
    ranks.check_end(keep)
    meaning = find_score(score).high_means
    if policy is None and keep is not None and meaning in ("easy", "hard"):
        policy, keep = "hard" if (meaning == "easy") == (keep == "top") else "easy", None
    end = keep
    if policy in _EXACT and keep is None and meaning in ("sound label", "suspect label"):
        end = "top" if (meaning == "sound label") == (policy == "worst") else "bottom"
    order = ranks.order_of(score, end)
    if policy == "best" and keep is not None:
        raise BadInput(
            f"policy 'best': --keep {keep} keeps that end of {score}; give worst, or keep the other"
        )
    if policy is None and keep is None:
        raise BadInput(
            "--policy: say which examples to drop mainly: easy, hard, random or beta:A,B; or worst or best; "
            "or ccs or dual"
        )
    return order, next(iter(order.policies)) if policy is None else policy


def _drawn(
    asked: Kept, rate: float, order: ranks.Ranking, policy: str, ranking: Floats, table: pd.DataFrame
) -> tuple[str, Integers]:
    """The full name of the policy, and the positions that it drops.

    ``ranking`` [K] is high for what is easy or not to be kept; ``table`` has all scores.
    """
    run, difficulty = asked.run, table["difficulty"].to_numpy()
    of_all: dict[str, Any] = {"seed": asked.seed, "labels": run.labels if asked.balanced else None}
    name, _, number = policy.partition(":")
    if name == "ccs":
        cut = _number(policy, number, lambda one: 0 <= one < 1) if number else default_cut(rate)
        if cut > rate:
            raise BadInput(
                f"policy {policy!r}: cuts more away than is to be dropped ({rate:g}); give at most that"
            )
        return f"ccs:{cut:g}", draw_for_coverage(
            ranking, rate, refine_by=difficulty, ids=run.ids, cut=cut, **of_all
        )
    if name == "dual":
        exponent = _number(policy, number, lambda one: 0 < one < np.inf) if number else EXPONENT
        confidence = table["confidence"].to_numpy()
        if np.isnan(confidence).any():
            raise BadInput(
                f"{run.path}: policy 'dual' needs the confidence over all epochs; measure with --observe "
                "all, or give another policy"
            )
        return f"dual:{exponent:g}", draw_by_beta(
            -ranking, confidence, rate, ids=run.ids, exponent=exponent, **of_all
        )
    if policy in _EXACT:
        worst = policy == "worst"
        first = -ranking if worst and order.keep is None else ranking
        finer = difficulty if worst else -difficulty
        return policy, foremost(first, rate, refine_by=finer, ids=run.ids, **of_all)
    try:
        beta = order.beta(policy, others=(*_EXACT, *_NUMBERS))
    except BadInput as error:
        exact, sampled = (" or ".join(names) for names in (_EXACT, _NUMBERS))
        raise BadInput(f"{error}; or {exact}, to drop exactly those; or {sampled}") from None
    return order.name(beta), draw_by_rank(ranking, rate, beta, **of_all)


def _number(policy: str, text: str, within: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not within(number):
        raise BadInput(f"policy {policy!r}: give {_NUMBERS[policy.partition(':')[0]]}")
    return number


def named_positions(given: str | Path | Iterable[Any], ids: npt.NDArray[Any]) -> Integers:
    """Positions, ascending, of the examples that a file or a list names, among all ``ids`` [K]."""
    is_file = isinstance(given, str | Path)
    where = f"--ids {given}" if is_file else "ids"
    names = _read(at_home(given), where) if isinstance(given, str | Path) else list(map(str, given))
    positions = {str(one): position for position, one in enumerate(ids)}
    if is_file and "" not in positions:  # an empty cell names nothing
        names = [name for name in names if name]
    if not names:
        raise BadInput(f"{where}: names no example; {_FORM}" if is_file else f"{where}: names no example")
    unknown = [name for name in dict.fromkeys(names) if name not in positions]
    if unknown:
        raise BadInput(f"{where}: the run has no example with id {shorten(unknown)}; give ids of the run")
    return np.unique([positions[name] for name in names])


def ids_as_text(ids: npt.NDArray[Any]) -> bytes:
    """The text with an id a line that `named_positions` reads again."""
    names = [*map(str, ids.tolist())]
    text = "".join(f"{name}\n" for name in names)
    if _names_in(io.StringIO(text, newline="")) != names or text.startswith(_MARK) or "\0" in text:
        bad = next((name for name in names if _names_in(io.StringIO(name, newline="")) != [name]), names[0])
        raise BadInput(f"id {bad!r}: cannot stand on a line of text; write FILE.csv instead of FILE.txt")
    return text.encode()


def _names_in(lines: Iterable[str]) -> list[str]:
    return [name for line in lines if (name := line.rstrip("\r\n"))]


def _read(path: Path, where: str) -> list[str]:
    if is_table(path):
        table = open_table(path)
        table.check_column("id", f"; {_FORM}")
        return written_in(table, "id")
    try:
        lines = list(text_lines(path, _UNDECODED))
    except OSError as error:
        raise BadInput(f"{where}: cannot be read ({error.strerror}); {_FORM}") from None
    if any("\0" in line for line in lines):
        raise BadInput(f"{where}: is not text; {_FORM}")
    return _names_in(lines)
