"""The trained networks of a run, up to their last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.models import module_of, pretrained_file
from easiness.store import Run, StoredTrial

if TYPE_CHECKING:
    import torch

    from easiness.training import FeatureReader, InputReader


def untrusted(run: Run) -> str:
    """Why the networks of a run may not be built, and how to allow it; empty where they may.

    A run that somebody sent could name any module. Whoever measures names the network, and is taken at that.
    """
    module = None if run.trusted else module_of(run.model)
    if module is None:
        return ""
    return (
        f"its network {run.model!r} is code of the module {module}, which runs only for those who say that "
        "they trust the run (--trust, or in Python open_run(..., trust=True))"
    )


def check_trusted(run: Run) -> None:
    """Raise `BadInput` where the networks of the run are `untrusted`."""
    reason = untrusted(run)
    if reason:
        raise BadInput(f"{run.path}: {reason}")


def feature_network(run: Run, data: Dataset, trial: StoredTrial, device: torch.device) -> FeatureReader:
    """What gives the input of the last layer of a trial's network; the run must be a measured one.

    Raises:
        BadInput: the run has no weights, is not trusted, or its network has no linear or convolutional
            classifier.
    """
    from easiness.training import FeatureReader

    check_trusted(run)
    spec = run.spec.measured
    assert spec is not None
    return FeatureReader(
        spec.model,
        data.signature(spec.recipe),
        len(run.classes),
        trial.weights(),
        device,
        None if spec.pretrained is None else pretrained_file(spec.model),
    )


def feature_reader(
    run: Run, data: Dataset, trial: StoredTrial, device: torch.device, split: Dataset | None = None
) -> InputReader:
    """Reads the input of the last layer of a trial's network for ``data``, or a split of them.

    Raises as `feature_network`.
    """
    from easiness.training import InputReader

    network = feature_network(run, data, trial, device)
    spec = run.spec.measured
    assert spec is not None
    return InputReader(data if split is None else split, spec.recipe, device, network)
