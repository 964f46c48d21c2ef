"""The features of the examples of a run: those that its networks make, or that its heads have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import feature_reader, untrusted
from easiness.inputs import tell
from easiness.models import missing_code
from easiness.named_import import no_torch
from easiness.runs import features_of, find_data, find_split, positions_in
from easiness.spec import Split, content_hash
from easiness.store import WEIGHTS, Run

MOST_TRIALS = 5
"""Networks that are asked: one more hardly changes a mean over five."""
_AT_ONCE = 2_000
_ASKING = "asking the networks"

Vectors: TypeAlias = npt.NDArray[np.floating]
Wanted: TypeAlias = Mapping[Split, npt.NDArray[np.int64]]
"""Positions in the run of the examples that are asked about, by split."""


class CannotAsk(Exception):
    """The features of a run cannot be had, and why."""


def identity_of(run: Run, **settings: int) -> str:
    """A hash of what follows from the features of a run and these settings."""
    spec = run.spec.measured
    if spec is None:
        raise CannotAsk("the run was recorded from a training loop of its own, so it has no networks to ask")
    asked = run.trials[:MOST_TRIALS]
    if not asked:
        raise CannotAsk("the run has no finished trial")
    made: list[str] = []
    if spec.heads is not None:
        made = [one.identity for one in spec.heads.features]
    elif all(WEIGHTS in trial.document.files for trial in asked):
        made = [trial.document.files[WEIGHTS].sha256 for trial in asked]
    else:
        raise CannotAsk("the run was made without weights")
    data = run.spec.data.model_dump(mode="json", include={"train", "held_out"})
    recipe = spec.recipe.model_dump(mode="json")
    asked_of = {"made": made, "model": spec.model, "recipe": recipe, "data": data}
    return content_hash({"format": 1, **asked_of, **settings})


def features(
    run: Run, wanted: Wanted, source: Any = None, device: str = "auto"
) -> Iterator[dict[Split, Vectors]]:
    """The features [n, d] of the examples ``wanted``, by split, from a trial after another.

    The first `MOST_TRIALS` trained networks of a run that has an `identity_of` its features are asked. Of a
    run on features these are looked at, one after another. Raises `CannotAsk` where they cannot be had, and
    `BadInput` where the ``source`` given has other data than the run, or a file is damaged.
    """
    why = "" if run.shares else untrusted(run) or no_torch() or missing_code(run.model)
    data: Dataset | None = None
    if not why:
        data, why = find_data(run, source)
    if data is None:
        raise CannotAsk(why)
    try:
        parts = {split: find_split(run, data, split)[0] for split in wanted}
    except BadInput as error:
        if source is not None:
            raise
        raise CannotAsk(str(error)) from None
    rows = {
        split: positions_in(part, run, split)[wanted[split]]
        for split, part in parts.items()
        if part is not None
    }
    if not run.shares:
        return _of_networks(run, data, rows, device)
    kept, why = features_of(run, data)
    if kept is None:
        raise CannotAsk(why)
    return ({split: np.asarray(one[split], np.float32)[at] for split, at in rows.items()} for one in kept)


def _of_networks(run: Run, data: Dataset, rows: Wanted, device: str) -> Iterator[dict[Split, Vectors]]:
    from easiness.training import resolve_device

    target, asked = resolve_device(device), run.trials[:MOST_TRIALS]
    done, total = 0, len(asked) * sum(map(len, rows.values()))
    for trial in asked:
        found: dict[Split, Vectors] = {}
        for split, at in rows.items():
            reader = feature_reader(run, data, trial, target, data.splits[split])
            order, blocks = np.argsort(at), []
            for start in range(0, len(order), _AT_ONCE):
                blocks.append(reader.features(at[order[start : start + _AT_ONCE]]))
                done += len(blocks[-1])
                tell(_ASKING, done, total)
            ascending = np.concatenate(blocks)
            found[split] = np.empty_like(ascending)
            found[split][order] = ascending
        yield found
