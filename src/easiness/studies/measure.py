"""``measure``: plan the trials of a run and carry them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.spec import Recipe
from easiness.store import Run, check_output
from easiness.studies.execute import carry_out
from easiness.studies.plan import make_plan
from easiness.studies.progress import Progress
from easiness.training import Precision


def measure(
    data: Any,
    *,
    model: str = "wrn_16_4",
    trials: int = 10,
    epochs: int = 10,
    out: str | Path,
    seed: int = 0,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    cache: bool = True,
    pretrained: bool = False,
    batch_size: int | None = None,
    train_share: float = 1.0,
    device: str = "auto",
    precision: Precision = "auto",
    executor: str = "serial",
    keep_logits: bool = False,
    keep_weights: bool = True,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train ``model`` ``trials`` times for ``epochs`` epochs and record every example after each.

    The run in the folder ``out`` only grows: what it has is read, what is missing is trained. More
    trials train the new ones alone; more epochs train every trial again at the new length, and each
    old one is kept until its replacement is whole.

    Args:
        data: a `Dataset`, or anything that `load_dataset` takes.
        model: name of a network of ours, of torchvision or (``timm:NAME``) of timm, or
            ``package.module:callable``.
        trials: number of independent trainings, N.
        epochs: epochs of each training, M; scores can be read at any epoch up to it.
        out: folder of the run.
        seed: of the run; the trials draw theirs from it and their index.
        limit: train on this many examples, class-balanced.
        skip_unreadable: leave out images that cannot be read, and count them.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        allow_outside: let a CSV manifest name files outside of its folder.
        holdout: hold out and observe this share of each class, where there is no held-out split.
        cache: keep photos at the working resolution in a file in the folder ``easiness-cache`` beside
            ``out``, for this run and others.
        pretrained: start from the published weights of a torchvision or timm network, where they are on
            disk, instead of from scratch.
        batch_size: examples per step, instead of the recipe's.
        train_share: share of the examples that each trial trains on; all are observed.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``auto`` measures which is faster, once per run.
        executor: where trials run: ``serial``.
        keep_logits: keep all logits.
        keep_weights: keep the weights of each trial.
        recipe: a `Recipe`, changes to the default as a dict, or a TOML file of them.
        retrain_damaged: train trials with a damaged file again, instead of refusing.
        progress: what to call as the run goes on.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: some trials failed or could not be stored; the finished ones are kept.
    """
    out = Path(out)
    check_output(out)
    plan = make_plan(
        data,
        model=model,
        trials=trials,
        epochs=epochs,
        seed=seed,
        limit=limit,
        skip_unreadable=skip_unreadable,
        data_root=data_root,
        download=download,
        allow_outside=allow_outside,
        holdout=holdout,
        pretrained=pretrained,
        batch_size=batch_size,
        train_share=train_share,
        precision=precision,
        keep_logits=keep_logits,
        keep_weights=keep_weights,
        recipe=recipe,
    )
    return carry_out(
        plan,
        out,
        device=device,
        executor=executor,
        cache=cache,
        retrain_damaged=retrain_damaged,
        progress=progress,
    )
