"""Vectors of the trained networks of a run, up to their last layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from easiness import training
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import VECTOR
from easiness.lazy_torch import torch
from easiness.models import module_of, pretrained_file
from easiness.store import WEIGHTS, Run, StoredTrial, open_run

_MOST_COLUMNS = 1024  # up to which trials are put side by side; the first is always taken
_AT_ONCE = 256


def distrust_reason(run: Run) -> str:
    """The reason not to build networks of a run that somebody sent, and the remedy; else empty."""
    module = None if run.is_trusted else module_of(run.model)
    if module is None:
        return ""
    return (
        f"its network {run.model!r} is code of the module {module}, which runs only for those who say that "
        "they trust the run (--trust, or in Python open_run(..., trust=True))"
    )


def check_trusted(run: Run) -> None:
    reason = distrust_reason(run)
    if reason:
        raise BadInput(f"{run.path}: {reason}")


def feature_reader(
    run: Run, data: Dataset, trial: StoredTrial, device: torch.device, split: Dataset | None = None
) -> training.InputReader:
    """A reader of the input of the last layer of a trial's network, for ``data`` or a ``split`` of them."""
    check_trusted(run)
    spec = run.spec.measured
    assert spec is not None
    network = training.FeatureReader(
        spec.model,
        data.signature(spec.recipe),
        run.spec.data.num_outputs,
        trial.weights(),
        device,
        None if spec.pretrained is None else pretrained_file(spec.model),
    )
    return training.InputReader(data if split is None else split, spec.recipe, device, network)


def _of_run(request: Request) -> FeatureSource:
    run = open_run(request.name)
    run.check_course(request.what)
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
    width = feature_reader(run, data, run.trials[0], device).features(np.arange(1)).shape[1]
    trials = run.trials[: max(1, _MOST_COLUMNS // width)]
    identity = identity_of(
        form="run",
        weights=[trial.document.files[WEIGHTS].sha256 for trial in trials],
        model=spec.model,
        recipe=spec.recipe.model_dump(mode="json"),
        standard=data.contents if data.kind.name == VECTOR.name else None,  # the standard of vectors
    )

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        readers = [feature_reader(run, data, trial, device, split) for trial in trials]
        for start in range(0, len(positions), _AT_ONCE):
            some = positions[start : start + _AT_ONCE]
            yield np.concatenate([reader.features(some) for reader in readers], axis=1)

    return FeatureSource(request.text, identity, _about(run, data, len(trials)), read, trained_on=run)


def _about(run: Run, data: Dataset, num: int) -> str:
    ref = run.spec.data.train
    text = f"{run.model} of {num} trial{'s' * (num > 1)}, trained on {ref.num_examples} examples"
    if ref.fingerprint == data.fingerprint:
        return f"{text}: these very ones, by their labels, so that nothing here is held out from it."
    return f"{text}, some of which may be these."


RUN = FeatureKind("run:RUN", _of_run)
