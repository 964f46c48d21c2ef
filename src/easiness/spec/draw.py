"""Training sets with a part of the examples dropped, or given other labels, as a frozen value."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Effect = Literal["drop", "relabel"]


class Draw(BaseModel):
    """Examples drawn by their rank in a ranking, and what is done to them (section 7 of the paper).

    Each trial draws anew, from its own seed. ``rate`` of the examples are drawn with density
    Beta(a, b) over the rank, ``beta`` = (a, b): (3, 1) mainly easy, (1, 3) mainly hard, (1, 1) at random. By
    a score that is high neither for easy nor for hard ones, (3, 1) draws mainly from the end not to be kept.
    ``ranking`` is the SHA-256 (hex) of the values ranked by. ``balanced`` draws the same share of each
    class. A drawn label may be the example's own, unless ``other_label``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    effect: Effect
    rate: float = Field(ge=0, lt=1)
    beta: tuple[float, float]
    ranking: str
    balanced: bool = False
    other_label: bool = False
