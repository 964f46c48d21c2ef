"""Vectors that the trained networks of a run make, before they classify."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.run_networks import feature_network
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import VECTOR
from easiness.store import WEIGHTS, Run, open_run

if TYPE_CHECKING:
    import torch

    from easiness.spec import Recipe
    from easiness.training import FeatureReader

PREFIX = "run:"
MOST_COLUMNS = 1024
"""Trials are put side by side up to so many; the first is always taken."""

_AT_ONCE = 256


def of_run(request: Request) -> FeatureSource:
    """What the networks of a run give their last layers: of as many trials as are narrow enough.

    Raises:
        BadInput: it is no run, or one without networks, for other examples, or that is not trusted.
    """
    run = open_run(request.after(PREFIX))
    data, spec = request.data, run.spec.measured
    if spec is None or not run.trials:
        why = "has no finished trial" if spec else "was recorded in your own code, which we cannot call"
        raise BadInput(f"{request.what}: the run {why}; give a run that measure made")
    if spec.heads is not None:
        raise BadInput(
            f"{request.what}: the run is on features itself; give what it is on "
            f"({' and '.join(one.name for one in spec.heads.features)}), or a run of networks"
        )
    if run.spec.data.kind != data.kind.name:
        raise BadInput(
            f"{request.what}: its networks are for another kind of examples ({run.spec.data.kind}) than "
            f"{data.name} ({data.kind.name}); give a run of such data"
        )
    device = request.target
    first = feature_network(run, data, run.trials[0], device)
    width = _features([first], data, np.arange(1), spec.recipe, device).shape[1]
    trials = run.trials[: max(1, MOST_COLUMNS // width)]
    identity = identity_of(
        form="run",
        weights=[trial.document.files[WEIGHTS].sha256 for trial in trials],
        model=spec.model,
        recipe=spec.recipe.model_dump(mode="json"),
        standard=data.contents if data.kind.name == VECTOR.name else None,  # by which they are standardized
    )
    networks = [first]

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        networks.extend(feature_network(run, data, one, device) for one in trials[len(networks) :])
        for start in range(0, len(positions), _AT_ONCE):
            yield _features(networks, split, positions[start : start + _AT_ONCE], spec.recipe, device)

    about = _about(run, data, len(trials))
    return FeatureSource(request.text, identity, about, read, trained_on=run)


def _features(
    networks: Sequence[FeatureReader],
    split: Dataset,
    positions: Positions,
    recipe: Recipe,
    device: torch.device,
) -> Vectors:
    from easiness.training import InputReader

    read = partial(InputReader, split, recipe, device)
    return np.concatenate([read(network).features(positions) for network in networks], axis=1)


def _about(run: Run, data: Dataset, num: int) -> str:
    ref = run.spec.data.train
    text = f"{run.model} of {num} trial{'s' * (num > 1)}, trained on {ref.num_examples} examples"
    if ref.fingerprint == data.fingerprint:
        return f"{text}: these very ones, by their labels, so that nothing here is held out from it."
    return f"{text}, some of which may be these."


RUN = FeatureKind(
    form=f"{PREFIX}RUN", reads=lambda text: text.startswith(PREFIX), find=of_run, names=(PREFIX,)
)
