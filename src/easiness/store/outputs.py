"""What a training loop gives for the outputs of its network, as logits."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput

Outputs: TypeAlias = Literal["logits", "probabilities"]
Duplicates: TypeAlias = Literal["refuse", "first"]

_TOLERANCE = 1e-2  # of the sum of a row of probabilities, which may have been in half precision
_ENOUGH = 2  # rows: one row of logits may be like this by chance


def check_known(outputs: str, duplicates: str) -> None:
    """Make sure that both are among what there is.

    Raises:
        BadInput: one is not.
    """
    for name, value, known in (
        ("outputs", outputs, get_args(Outputs)),
        ("duplicates", duplicates, get_args(Duplicates)),
    ):
        if value not in known:
            raise BadInput(f"Recorder: {name} {value!r} is unknown; choose {' or '.join(known)}")


def as_logits(values: npt.NDArray[np.floating[Any]], outputs: Outputs) -> npt.NDArray[np.floating[Any]]:
    """Logits [b, classes] of what was given; bare votes, a 1 among zeros, are taken for logits.

    Raises:
        BadInput: logits were announced and probabilities given, or the other way round.
    """
    like_probabilities = bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= _TOLERANCE).all())
    if outputs == "logits":
        if like_probabilities and len(values) >= _ENOUGH and not np.isin(values, (0, 1)).all():
            raise BadInput(
                "logits: these are probabilities (no row has a negative number, and each sums to 1); give "
                "what is before the softmax, or make the Recorder with outputs='probabilities'"
            )
        return values
    if not like_probabilities:
        raise BadInput(
            "probabilities: a row has a negative number or does not sum to 1; give the outputs of a softmax, "
            "or make the Recorder with outputs='logits'"
        )
    logits: npt.NDArray[np.floating[Any]] = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    return logits
