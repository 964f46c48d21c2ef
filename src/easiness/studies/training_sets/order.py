"""How a score orders the examples that are drawn from: which end comes last, and what the ends are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from easiness.analysis import POLICIES, parse_policy
from easiness.errors import BadInput
from easiness.scores import Score, find_score
from easiness.spec import Keep

_EASE = ("easy", "hard")
_OTHER_END = {"top": "bottom", "bottom": "top"}


@dataclass(frozen=True)
class Order:
    """A score, and the direction in which `draw_by_rank` ranks by it.

    By a score that speaks of ease the ranks run from hard to easy, and ``keep`` is ``None``. By any other
    they run from the end to ``keep`` to the other end, which has the place of the easy examples.
    """

    score: Score
    keep: Keep | None

    @property
    def sign(self) -> float:
        """1 where the largest values come last, -1 where the smallest do."""
        return 1.0 if self.score.high_means == "easy" or self.keep == "bottom" else -1.0

    @property
    def policies(self) -> Mapping[str, tuple[float, float]]:
        """Names of densities over these ranks, that of the end drawn by default first."""
        if self.keep is None:
            return POLICIES
        return {_OTHER_END[self.keep]: POLICIES["easy"], "random": POLICIES["random"]}

    def beta(self, policy: str, others: Iterable[str] = ()) -> tuple[float, float]:
        """The Beta parameters of a policy: one of ``policies``, or ``beta:A,B``.

        ``others`` are policies without any, that a mistyped one may have been meant to be.

        Raises:
            BadInput: there is no such policy in this order.
        """
        if policy in POLICIES.keys() - self.policies.keys():
            raise BadInput(
                f"policy {policy!r}: high {self.score.name} means {self.score.high_means}, so neither end is "
                f"{policy}; give {', '.join(self.policies)} or beta:A,B, or leave the policy out"
            )
        return parse_policy(policy, self.policies, others)

    def name(self, beta: tuple[float, float]) -> str:
        """One name for one density, so that the same runs are not trained under two."""
        for policy, known in self.policies.items():
            if beta == known:
                return policy
        a, b = (repr(parameter).removesuffix(".0") for parameter in beta)
        return f"beta:{a},{b}"

    def text(self, policy: str) -> str:
        """Which examples a policy draws."""
        if policy == "random":
            return "any"
        if policy in self.policies:
            return f"mainly {policy} ones" if self.keep is None else f"mainly those at the {policy}"
        return f"those that {policy} draws"

    @property
    def by(self) -> str:
        """What is ranked by, and how the ranks run where that is not from hard to easy."""
        if self.keep is None:
            return self.score.name
        return f"{self.score.name}, from the {self.keep} (to keep) to the {_OTHER_END[self.keep]}"


def policy_to_keep(score: str, keep: Keep) -> str | None:
    """The policy that mainly drops the other end of a score that speaks of ease; ``None`` for any other.

    Raises:
        BadInput: there is no such score or end.
    """
    meaning = find_score(score).high_means
    _check_end(keep)
    if meaning not in _EASE:
        return None
    return "hard" if (meaning == "easy") == (keep == "top") else "easy"


def _check_end(keep: Keep) -> None:
    if keep not in get_args(Keep):
        raise BadInput(f"keep {keep!r}: unknown; choose {' or '.join(get_args(Keep))}")


def order_of(score: str, keep: Keep | None = None) -> Order:
    """The order by a score; ``keep`` is needed where it is high neither for easy nor for hard examples.

    Raises:
        BadInput: there is no such score, ``keep`` is missing, or the score leaves no choice of it.
    """
    found = find_score(score)
    if keep is not None:
        _check_end(keep)
    meaning = found.high_means
    speaks_of_ease = meaning in _EASE
    if keep is None and not speaks_of_ease:
        raise BadInput(
            f"score {score!r}: high means {meaning}, neither easy nor hard; say which end of it to keep "
            "(--keep top or --keep bottom)"
        )
    if keep is not None and speaks_of_ease:
        raise BadInput(
            f"keep {keep}: high {score} means {meaning}, so the policy says which examples are drawn (easy, "
            "hard); leave --keep out"
        )
    return Order(found, keep)
