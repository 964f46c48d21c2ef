"""What heads in closed form need of memory, known once the features are there."""

from __future__ import annotations

from collections.abc import Sequence

from easiness.errors import BadInput
from easiness.gate import fits
from easiness.heads import bytes_of_moments
from easiness.show import size_text
from easiness.spec import Heads


def check_memory(heads: Heads, num: int, classes: int, widths: Sequence[int]) -> None:
    """Make sure that the sums fit into memory that heads in closed form are made of.

    Args:
        heads: features and shares.
        num: of examples.
        classes: number of classes.
        widths: the length of the vectors of each of the features.
    """
    seen, blocks = round(heads.shares[-1] * num), heads.folds * len(heads.shares)
    total = sum(bytes_of_moments(seen, width, classes, blocks) for width in widths)
    if not fits(total):
        longest = max(widths)
        raise BadInput(
            f"features {heads.features[widths.index(longest)].name!r}: vectors of {longest:,} values, whose "
            f"sums need about {size_text(total)} of memory; give shorter ones, or use --model linear"
        )
