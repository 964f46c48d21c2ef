"""Which examples to keep: drawn as the ablation study draws them, ranked exactly, or named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from easiness import analysis, show
from easiness.data import MARK, TAG, is_table, open_table, unfold_tags, written_in
from easiness.errors import BadInput, shorten
from easiness.lazy import Array, Figure, Floats, Integers, Mask, pd
from easiness.regular_file import at_home, text_lines
from easiness.scoring import find_score
from easiness.spec import Keep
from easiness.store import Row, Run
from easiness.studies.keeping import ranks

if TYPE_CHECKING:
    from easiness.studies.keeping.study import KeepOptions


BY_NAME = "ids"  # the policy of examples that were dropped by name

_EXACT = ("worst", "best")  # policies that draw nothing: exactly the worst or the best are dropped
_NUMBERS = {
    "ccs": "a share of the examples to cut away first, such as ccs:0.1",
    "dual": "a positive exponent, such as dual:4",
}
"""Policies ``ccs`` or ``ccs:CUT``, and ``dual`` or ``dual:C_D``, with their numbers."""
_BINS = 30
_ERRORS = "surrogateescape"  # names of files need not be valid text
_FORM = "give a text file with an id a line, or FILE.csv with a column id"
_REMEDY = "drop a smaller share, or give more examples"


@dataclass(frozen=True, eq=False)
class Pruning(show.Result):
    """The examples of a run, and which are kept (``kept_mask`` [K]).

    ``values`` [K] of the ``score`` in a ``row`` are NaN for examples that were never learned, which rank as
    the hardest. ``policy`` names the examples that were dropped, mainly or exactly (``worst``, ``best``, and
    `BY_NAME`), or the sampler that left them out (``ccs:0.1``, ``dual:4``); ``keep`` is the end of a score
    that was kept, where high means neither easy nor hard. The share to ``drop`` was drawn with the ``seed``,
    of each class if ``balanced``.
    """

    run: Run = field(repr=False)
    score: str
    row: Row
    values: Floats
    kept_mask: Mask
    policy: str
    keep: Keep | None = None
    drop: float | None = None
    seed: int | None = None
    balanced: bool = False
    listing = "examples"

    def table(self) -> pd.DataFrame:
        """The kept examples, a row each: ``id``, ``label``, ``class``."""
        labels = self.run.labels[self.kept_mask]
        classes = np.array(self.run.classes, dtype=object)[labels]
        table = pd.DataFrame({"id": self.run.ids[self.kept_mask], "label": labels, "class": classes})
        return unfold_tags(table, self.run.tags)

    def by_class(self) -> pd.DataFrame:
        """Numbers of kept and dropped examples by class, with their mean scores; NaN where there is none."""
        classes, labels = self.run.stratum_names, self.run.strata()
        parts = {"kept": self.kept_mask, "dropped": ~self.kept_mask}
        num = {name: np.bincount(labels[part], minlength=len(classes)) for name, part in parts.items()}
        means = {
            f"{self.score}_{name}": pd.Series(self.values[part]).groupby(labels[part]).mean()
            for name, part in parts.items()
        }
        return pd.DataFrame({"class": classes, **num, **means}, index=range(len(classes)))

    def figure(self) -> Figure:
        """A histogram of the score, the kept and dropped examples stacked; those without a score left out."""
        figure, axes = show.new_axes(5.2, 2.9)
        has_score = ~np.isnan(self.values)
        parts = [self.values[self.kept_mask & has_score], self.values[~self.kept_mask & has_score]]
        axes.hist(parts, _BINS, stacked=True, color=[show.TRAIN, show.FAINT], label=["kept", "dropped"])
        axes.set(xlabel=f"{self.score} {self.row.at}", ylabel="examples")
        show.legend_above(axes, 2)
        return figure

    def frames(self) -> list[show.Frame]:
        both = f"By class, with the mean {self.score} {self.row.at} of both parts."
        note = f"{both} Dropped are {self._drop_text}."
        if (num := np.isnan(self.values).sum()) and self.policy != BY_NAME:
            note += f" {num} examples that no trial learned have none and rank as the hardest."
        columns = {"class": show.names(), "kept": show.counts(), "dropped": show.counts()}
        for part in ("kept", "dropped"):
            columns[f"{self.score}_{part}"] = show.numbers(2, title=f"{self.score} {part}")
        title = f"{self.kept_mask.sum()} of {len(self.kept_mask)} examples kept"
        return [show.Frame(title, note, self.by_class(), columns)]

    @property
    def _drop_text(self) -> str:
        if self.policy == BY_NAME:
            return "exactly those named"
        order = ranks.order_of(self.score, self.keep)
        which = order.text(self.policy)
        if self.policy in _EXACT:
            which = f"exactly the {self.policy}"
        elif self.policy.partition(":")[0] in _NUMBERS:
            which = f"those that {self.policy} leaves out"
        return f"{which}, by {order.by}"

    def own_file(self, suffix: str) -> bytes:  # noqa: ARG002 the only one
        return ids_as_text(self.run.ids[self.kept_mask])


def prune(options: KeepOptions) -> Pruning:
    """Drop some examples and keep the others: drawn by their rank, exactly, or by name.

    Without a policy the end of the score to ``keep`` says which are dropped; it has the place of the hard
    examples in ``beta:A,B``, strata and Beta sampling. Ties go by difficulty, then by a hash of the id
    (`foremost`).
    """
    run, score, rate = options.run, options.score or "difficulty", options.drop
    if options.ids is not None:
        return _without_named(options, score)
    if rate is None:
        raise BadInput("--drop: say which share to drop, such as 0.3; or name the examples (--ids FILE)")
    order, policy = _order(score, options.policy, options.keep)
    ranking, table, at = ranks.rank_values(run, order, options.at)
    policy, positions = _draw(options, rate, order, policy, ranking, table)
    remedy = _REMEDY if options.balanced else f"{_REMEDY}, or drop the same share of each class (--balanced)"
    analysis.check_classes_left(run.strata(), positions, run.stratum_names, remedy=remedy)
    kept_mask = ~np.isin(np.arange(len(table)), positions)
    draw = rate, options.seed, options.balanced
    return Pruning(run, score, run.row(at), table[score].to_numpy(), kept_mask, policy, order.keep, *draw)


def _without_named(options: KeepOptions, score: str) -> Pruning:
    run, names = options.run, ("drop", "policy", "keep", "balanced")
    flags = {f"--{name}": getattr(options, name) not in (None, False) for name in names}
    if others := [name for name, value in flags.items() if value]:
        raise BadInput(f"--ids: drops exactly the examples that it names; leave {', '.join(others)} out")
    positions, at = named_positions(options.ids, run.ids, run.tags is not None), run.resolve_at(options.at)
    find_score(score)
    remedy = {"drawn_by": "--ids", "remedy": "name fewer of them"}
    analysis.check_classes_left(run.strata(), positions, run.stratum_names, **remedy)
    values = run.scores(**run.argument(at))[score].to_numpy()
    kept_mask = ~np.isin(np.arange(len(values)), positions)
    return Pruning(run, score, run.row(at), values, kept_mask, BY_NAME)


def _order(score: str, policy: str | None, keep: Keep | None) -> tuple[ranks.Ranking, str]:
    """The order of the ranks, and the policy that drops by it; the worst labels are the least sound ones."""
    meaning = find_score(score).high_means
    if policy is None and keep in ("top", "bottom") and meaning in ("easy", "hard"):
        policy, keep = "hard" if (meaning == "easy") == (keep == "top") else "easy", None
    end = keep
    if policy in _EXACT and keep is None and meaning in ("sound label", "suspect label"):
        end = "top" if (meaning == "sound label") == (policy == "worst") else "bottom"
    if policy == "best" and keep is not None:
        raise BadInput(
            f"policy 'best': --keep {keep} keeps that end of {score}; give worst, or keep the other"
        )
    order = ranks.order_of(score, end)
    if policy is None and keep is None:
        raise BadInput(
            "--policy: say which examples to drop mainly: easy, hard, random or beta:A,B; or worst or best; "
            "or ccs or dual"
        )
    return order, next(iter(order.policies)) if policy is None else policy


def _draw(
    options: KeepOptions, rate: float, order: ranks.Ranking, policy: str, ranking: Floats, table: pd.DataFrame
) -> tuple[str, Integers]:
    """The full name of the policy, and the positions that it drops; ``ranking`` [K] is high for the easy."""
    run, difficulty = options.run, table["difficulty"].to_numpy()
    of_all: dict[str, Any] = {"seed": options.seed, "labels": run.strata() if options.balanced else None}
    name, _, number = policy.partition(":")
    if name == "ccs":
        cut = _number(policy, number, lambda one: 0 <= one < 1) if number else analysis.default_cut(rate)
        if cut > rate:
            raise BadInput(
                f"policy {policy!r}: cuts more away than is to be dropped ({rate:g}); give at most that"
            )
        of_all |= {"refine_by": difficulty, "cut": cut}
        return f"ccs:{cut:g}", analysis.draw_for_coverage(ranking, rate, ids=run.ids, **of_all)
    if name == "dual":
        exponent = _number(policy, number, lambda one: 0 < one < np.inf) if number else analysis.EXPONENT
        confidence = table["confidence"].to_numpy()
        if np.isnan(confidence).any():
            raise BadInput(
                f"{run.path}: policy 'dual' needs the confidence over all epochs; measure with --observe "
                "all, or give another policy"
            )
        of_all |= {"ids": run.ids, "exponent": exponent}
        return f"dual:{exponent:g}", analysis.draw_by_beta(-ranking, confidence, rate, **of_all)
    if policy in _EXACT:
        worst = policy == "worst"
        first = -ranking if worst and order.keep is None else ranking
        finer = difficulty if worst else -difficulty
        return policy, analysis.foremost(first, rate, refine_by=finer, ids=run.ids, **of_all)
    try:
        beta = order.beta(policy, others=(*_EXACT, *_NUMBERS))
    except BadInput as error:
        exact, samplers = (" or ".join(names) for names in (_EXACT, _NUMBERS))
        raise BadInput(f"{error}; or {exact}, to drop exactly those; or {samplers}") from None
    return order.name(beta), analysis.draw_by_rank(ranking, rate, beta, **of_all)


def _number(policy: str, text: str, within: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not within(number):
        raise BadInput(f"policy {policy!r}: give {_NUMBERS[policy.partition(':')[0]]}")
    return number


def named_positions(source: str | Path | Iterable[Any], ids: Array, tags: bool = False) -> Integers:
    """Positions, ascending, of the examples that a file or a list names, among all ``ids`` [K]."""
    is_file = isinstance(source, str | Path)
    where = f"--ids {source}" if is_file else "ids"
    names = _read(at_home(source), where, tags) if isinstance(source, str | Path) else list(map(str, source))
    positions = {str(one): position for position, one in enumerate(ids)}
    names = [name for name in names if name or not is_file or "" in positions]  # an empty cell names nothing
    if not names:
        raise BadInput(f"{where}: names no example; {_FORM}" if is_file else f"{where}: names no example")
    unknown = [name for name in dict.fromkeys(names) if name not in positions]
    if unknown:
        raise BadInput(f"{where}: the run has no example with id {shorten(unknown)}; give ids of the run")
    return np.unique([positions[name] for name in names])


def ids_as_text(ids: Array) -> bytes:
    """The text with an id a line that `named_positions` reads again."""
    names = [*map(str, ids.tolist())]
    if bad := [name for name in names if not name or re.search("[\r\n\0]|^\ufeff", name)]:
        raise BadInput(f"id {bad[0]!r}: cannot stand on a line of text; write FILE.csv instead of FILE.txt")
    return "".join(f"{name}\n" for name in names).encode()


def _read(path: Path, where: str, tags: bool) -> list[str]:
    if is_table(path):
        table = open_table(path)
        table.check_column("id", f"; {_FORM}")
        names = written_in(table, "id")
        if tags and TAG in table.names:
            names = [*map(MARK.join, zip(names, written_in(table, TAG), strict=True))]
        return names
    try:
        lines = list(text_lines(path, _ERRORS))
    except OSError as error:
        raise BadInput(f"{where}: cannot be read ({error.strerror}); {_FORM}") from None
    if any("\0" in line for line in lines):
        raise BadInput(f"{where}: is not text; {_FORM}")
    return [name for line in lines if (name := line.rstrip("\r\n"))]
