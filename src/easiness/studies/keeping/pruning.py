"""Which examples to keep: drawn as the ablation study draws them, ranked exactly, or named."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import check_classes_left, draw_by_rank, foremost
from easiness.data import is_table, open_table, written_in
from easiness.errors import BadInput, shorten
from easiness.regular_file import at_home, text_lines
from easiness.scoring import find_score
from easiness.show import FAINT, TRAIN, Frame, Result, counts, legend_above, names, new_axes, numbers
from easiness.spec import Keep
from easiness.store import Row, Run
from easiness.studies.keeping import ranks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from easiness.studies.keeping.study import Kept

NAMED = "ids"
"""The policy of examples that were dropped by name."""

_BINS = 30
_UNDECODED = "surrogateescape"  # names of files need not be valid text
_MARK = "\ufeff"  # of the byte order, which is taken off a file
_FORM = "give a text file with an id a line, or FILE.csv with a column id"
_REMEDY = "drop a smaller share, or give more examples"


@dataclass(frozen=True, eq=False)
class Pruned(Result):
    """The examples of a run, and which to keep.

    ``ids``, ``labels``, ``values`` and ``kept`` are [K] in the order of the run, ``classes`` the names by
    label. ``values`` are those of ``score`` in a ``row`` (after an epoch, or at a share), as in the table of
    scores: NaN for examples that were never learned, where it has none for them. They are ranked as the
    hardest. ``policy`` names the examples that were dropped, mainly or exactly (``worst``, ``best``, and
    `NAMED`), or the sampler that left them out with its number (``ccs:0.1``, ``dual:4``), and ``keep`` the
    end of the score that was kept, where high means neither easy nor hard. The share to ``drop`` was drawn
    with the ``seed``, of each class where it is ``balanced``.
    """

    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    score: str
    row: Row
    values: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    policy: str
    keep: Keep | None = None
    drop: float | None = None
    seed: int | None = None
    balanced: bool = False
    listing = "examples"

    @property
    def epoch(self) -> int | None:
        """The epoch that the score is of; ``None`` of a run on features."""
        return self.row.number if self.row.share is None else None

    @property
    def num_never_learned(self) -> int:
        """Number of examples without a value, which rank as the hardest."""
        return int(np.isnan(self.values).sum())

    def table(self) -> pd.DataFrame:
        """The kept examples, a row each: ``id``, ``label``, ``class``."""
        import pandas as pd

        labels = self.labels[self.kept]
        names = np.array(self.classes, dtype=object)[labels]
        return pd.DataFrame({"id": self.ids[self.kept], "label": labels, "class": names})

    def by_class(self) -> pd.DataFrame:
        """How many examples of each class are kept and dropped, and the mean score of both.

        The mean is over those that have a score, NaN where none does.
        """
        import pandas as pd

        rows = []
        for label, name in enumerate(self.classes):
            own = self.labels == label
            kept, dropped = self.values[own & self.kept], self.values[own & ~self.kept]
            rows.append(
                {
                    "class": name,
                    "kept": len(kept),
                    "dropped": len(dropped),
                    f"{self.score}_kept": _mean(kept),
                    f"{self.score}_dropped": _mean(dropped),
                }
            )
        return pd.DataFrame(rows)

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
        """How many examples of each class are kept and dropped, with the mean score of both."""
        note = (
            f"By class, with the mean {self.score} {self.row.at} of both parts. "
            f"Dropped are {self._dropped()}."
        )
        if self.num_never_learned > 0 and self.policy != NAMED:
            note += (
                f" {self.num_never_learned} examples that no trial learned have none and rank as the hardest."
            )
        means = (f"{self.score}_{part}" for part in ("kept", "dropped"))
        columns = {"class": names(), "kept": counts(), "dropped": counts()}
        columns |= {name: numbers(2, title=name.replace("_", " ")) for name in means}
        title = f"{self.kept.sum()} of {len(self.kept)} examples kept"
        return [Frame(title, note, self.by_class(), columns)]

    def rendered(self, suffix: str) -> bytes:  # noqa: ARG002 the only one
        """The text of the ids that are kept."""
        return ids_as_text(self.ids[self.kept])

    def _dropped(self) -> str:
        if self.policy == NAMED:
            return "exactly those named"
        order = ranks.order_of(self.score, self.keep)
        if ranks.is_sampled(self.policy):
            return f"{ranks.sampled_text(self.policy)}, by {order.by}"
        which = f"exactly the {self.policy}" if self.policy in ranks.EXACT else order.text(self.policy)
        return f"{which}, by {order.by}"


def _mean(values: npt.NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan


def prune(asked: Kept) -> Pruned:
    """Drop some examples and keep the others: drawn by their rank, exactly, or by name.

    Without a policy the end of the score to ``keep`` says which are dropped. The ``worst`` are then those at
    the other end, and the end to keep has the place of the hard examples in ``beta:A,B``, in strata and in
    Beta sampling. Ties go by difficulty, then by a hash of the id (`foremost`).
    """
    run, policy, keep = asked.run, asked.policy, asked.keep
    score, rate, balanced, seed = asked.score or "difficulty", asked.drop, asked.balanced, asked.seed
    if asked.ids is not None:
        given = {"--drop": rate is not None, "--policy": policy, "--keep": keep, "--balanced": balanced}
        if others := [name for name, value in given.items() if value]:
            raise BadInput(f"--ids: drops exactly the examples that it names; leave {', '.join(others)} out")
        return _without(run, named_positions(asked.ids, run.ids), score, run.resolve_at(asked.at))
    if rate is None:
        raise BadInput("--drop: say which share to drop, such as 0.3; or name the examples (--ids FILE)")
    if not 0 <= rate < 1:
        raise BadInput(f"--drop {rate}: not in [0, 1); give the share of the examples to drop, such as 0.3")
    if policy is None and keep is not None:
        policy = ranks.policy_to_keep(score, keep)
        keep = None if policy is not None else keep
    order = ranks.exact_order(score, keep, policy) if policy in ranks.EXACT else ranks.order_of(score, keep)
    if policy is None and keep is None:
        raise BadInput(
            "--policy: say which examples to drop mainly: easy, hard, random or beta:A,B; or worst or best; "
            "or ccs or dual"
        )
    policy = next(iter(order.policies)) if policy is None else policy
    if ranks.is_sampled(policy):
        ranks.sampled_policy(policy, rate)  # before anything is read
    elif policy not in ranks.EXACT:
        policy, beta = _density(order, policy)
    epoch = run.resolve_at(asked.at)
    table = run.scores(**run.asked(epoch))
    values, ranking = ranks.ranked(run, order, epoch, table)
    labels = run.labels if balanced else None
    if ranks.is_sampled(policy):
        policy, dropped = ranks.sampled_drop(run, policy, ranking, table, rate, balanced=balanced, seed=seed)
    elif policy in ranks.EXACT:
        first, finer = ranks.first_dropped(order, policy, ranking, table["difficulty"].to_numpy())
        dropped = foremost(first, rate, refine_by=finer, ids=run.ids, seed=seed, labels=labels)
    else:
        dropped = draw_by_rank(ranking, rate, beta, seed, labels=labels)
    remedy = _REMEDY if balanced else f"{_REMEDY}, or drop the same share of each class (--balanced)"
    check_classes_left(run.labels, dropped, run.classes, remedy=remedy)
    kept, row = ~np.isin(np.arange(len(values)), dropped), run.row(epoch)
    about = (run.ids, run.labels, run.classes, score, row, values, kept, policy, order.keep)
    return Pruned(*about, drop=rate, seed=seed, balanced=balanced)


def _density(order: ranks.Order, policy: str) -> tuple[str, tuple[float, float]]:
    """The name and the parameters of the density to draw by."""
    try:
        beta = order.beta(policy, others=(*ranks.EXACT, *ranks.SAMPLED))
    except BadInput as error:
        exact, sampled = (" or ".join(names) for names in (ranks.EXACT, ranks.SAMPLED))
        raise BadInput(f"{error}; or {exact}, to drop exactly those; or {sampled}") from None
    return order.name(beta), beta


def _without(run: Run, dropped: npt.NDArray[np.int64], score: str, epoch: int) -> Pruned:
    find_score(score)
    check_classes_left(run.labels, dropped, run.classes, drawn_by="--ids", remedy="name fewer of them")
    values = run.scores(**run.asked(epoch))[score].to_numpy()
    kept = ~np.isin(np.arange(len(values)), dropped)
    return Pruned(run.ids, run.labels, run.classes, score, run.row(epoch), values, kept, policy=NAMED)


def named_positions(given: str | Path | Iterable[Any], ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the examples that a file or a list names, among all ``ids`` [K]."""
    is_file = isinstance(given, str | Path)
    where = f"--ids {given}" if is_file else "ids"
    names = _read(at_home(given), where) if isinstance(given, str | Path) else list(map(_text_of, given))
    positions = {str(one): position for position, one in enumerate(ids)}
    if is_file and "" not in positions:  # an empty cell names nothing
        names = [name for name in names if name]
    if not names:
        raise BadInput(f"{where}: names no example; {_FORM}" if is_file else f"{where}: names no example")
    unknown = [name for name in dict.fromkeys(names) if name not in positions]
    if unknown:
        raise BadInput(f"{where}: the run has no example with id {shorten(unknown)}; give ids of the run")
    return np.unique([positions[name] for name in names])


def _text_of(given: Any) -> str:
    try:
        return str(given)
    except ValueError:  # as of a number of thousands of digits
        raise BadInput("ids: has one that has no text; give ids of the run") from None


def ids_as_text(ids: npt.NDArray[Any]) -> bytes:
    """The text with an id a line that `named_positions` reads again."""
    names = [*map(str, ids.tolist())]
    text = "".join(f"{name}\n" for name in names)
    if _names_in(io.StringIO(text, newline="")) != names or text.startswith(_MARK) or "\0" in text:
        bad = next((name for name in names if _names_in(io.StringIO(name, newline="")) != [name]), names[0])
        raise BadInput(f"the id {bad!r} cannot stand on a line of text; write FILE.csv instead of FILE.txt")
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
