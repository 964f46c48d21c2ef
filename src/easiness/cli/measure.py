"""``easiness measure``: train, observe, record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from easiness.cli.execution import ExecutorName, NumJobs

if TYPE_CHECKING:
    from easiness.store import Run


def _number_or_auto(value: str) -> str:
    try:
        return value if value == "auto" else str(int(value))
    except ValueError:
        raise typer.BadParameter(f"{value!r} is neither a whole number nor auto") from None


def measure(
    source: Annotated[
        str,
        typer.Argument(
            help="digits, a folder of class folders (with or without train/val/test above them), "
            "a CSV of path,label[,split], a Parquet file or a folder of train*/test* Parquet files, an .npz "
            "with x and y, hf:NAME, mini-imagenet:PATH, or a torchvision name with --data-root."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the run; an existing run goes on, on a CPU bit for bit.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="mlp_3, wrn_16_4, densenet_bc_100_12, resnext_29_4x64d (any such numbers), torchvision's "
            "names (resnet18), timm:NAME, or package.module:callable.",
        ),
    ] = "wrn_16_4",
    trials: Annotated[
        str,
        typer.Option(
            "--trials",
            metavar="N|auto",
            callback=_number_or_auto,
            help="Number of independent trainings; auto: until the easy and the hard set hold as much of the "
            "true ones as asked.",
        ),
    ] = "10",
    reliability: Annotated[
        float | None,
        typer.Option(
            "--reliability",
            help="For --trials auto: share of the true easy and hard set that both sets are to hold, with "
            "their intervals; 0.8 unless given.",
        ),
    ] = None,
    max_trials: Annotated[
        int | None, typer.Option("--max-trials", help="For --trials auto: at most so many; 100 unless given.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", help="Epochs of each training.")] = 10,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Train on this many examples, class-balanced.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Examples per step, instead of the recipe's.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the run.")] = 0,
    train_share: Annotated[
        float,
        typer.Option(
            "--train-share", help="Share of the examples that each trial trains on; all are observed."
        ),
    ] = 1.0,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option("--device", help="Where to train; cuda spreads --jobs over all GPUs."),
    ] = "auto",
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option("--precision", help="auto measures which is faster, once per run."),
    ] = "auto",
    executor: ExecutorName = "auto",
    jobs: NumJobs = "auto",
    compiling: Annotated[
        Literal["auto", "on", "off"],
        typer.Option("--compile", help="torch.compile, which takes a minute; auto does without."),
    ] = "auto",
    choose_again: Annotated[
        bool,
        typer.Option(
            "--choose-again",
            help="For a new run: measure anew what auto chooses by, instead of what earlier runs have found.",
        ),
    ] = False,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained", help="Start from a torchvision or timm network's published weights, from disk."
        ),
    ] = False,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", help="Folder of a torchvision data set.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Let torchvision or the hub download what is not on disk.")
    ] = False,
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="Let a CSV name files outside of its folder.")
    ] = False,
    holdout: Annotated[
        float | None,
        typer.Option("--holdout", help="Hold out this share of each class, where no split is held out."),
    ] = None,
    cache: Annotated[
        Literal["on", "off"],
        typer.Option("--cache", help="Keep photos at the working resolution in a file beside the run."),
    ] = "on",
    observe: Annotated[
        str,
        typer.Option(
            "--observe",
            metavar="all|every:K|last|train",
            help="After which epochs to look at the examples; train takes what training computes of its "
            "augmented images.",
        ),
    ] = "all",
    keep_logits: Annotated[bool, typer.Option("--keep-logits", help="Keep all logits.")] = False,
    no_weights: Annotated[
        bool, typer.Option("--no-weights", help="Do not keep the trained weights.")
    ] = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="paper|short|FILE",
            help="How networks are trained: the paper's recipe, the one for short trainings, or a TOML file "
            "of changes; short for a new run, a run's own where it exists. --dry-run shows it in full.",
        ),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read, and count them.")
    ] = False,
    retrain_damaged: Annotated[
        bool, typer.Option("--retrain-damaged", help="Train trials with a damaged file again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and train nothing.")] = False,
) -> None:
    """Train a network several times and record as it learns which examples it gets right.

    Running the same command again only reads; more trials or epochs train what is missing.
    """
    from easiness.cli.plan_text import describe
    from easiness.cli.progress import ShownProgress
    from easiness.cli.reading import reading_shown
    from easiness.executors import check_executor, read_jobs
    from easiness.runs.carry_out import carry_out
    from easiness.runs.plan import make_plan
    from easiness.runs.recipe_choice import recipe_or_default
    from easiness.runs.until_reliable import trials_asked
    from easiness.runs.workers import allowed_jobs
    from easiness.store import check_output
    from easiness.training import resolve_device

    check_output(out)
    progress = ShownProgress()
    num_trials, until = trials_asked(trials, reliability, max_trials, epochs, progress.note)
    num_jobs = read_jobs(jobs)
    check_executor(executor, num_jobs)
    target = resolve_device(device)
    with reading_shown():
        plan = make_plan(
            source,
            model=model,
            trials=num_trials,
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
            observe=observe,
            keep_logits=keep_logits,
            keep_weights=not no_weights,
            recipe=recipe_or_default(recipe, out),
        )
    if plan.ref.num_unreadable:
        typer.echo(f"images left out, since they cannot be read: {plan.ref.num_unreadable}", err=True)
    for note in plan.data.notes:
        typer.echo(f"note: {note}", err=True)
    if dry_run:
        rule = None if until is None else until.rule
        cached = cache == "on"
        num_jobs = allowed_jobs(executor, num_jobs, photos_in_memory=plan.recipe.crop > 0 and not cached)
        typer.echo(
            describe(
                plan,
                out,
                target,
                cached,
                rule,
                executor=executor,
                jobs=num_jobs,
                compiling=compiling,
                choose_again=choose_again,
            )
        )
        return
    with progress:
        run = carry_out(
            plan,
            out,
            device=device,
            executor=executor,
            jobs=num_jobs,
            compiling=compiling,
            choose_again=choose_again,
            cache=cache == "on",
            retrain_damaged=retrain_damaged,
            progress=progress,
            more=until,
        )
    if until is not None:
        run = until.conclude(run)
    typer.echo(summarize(run))


def summarize(run: Run) -> str:
    """A few lines about a finished run: accuracy, and how far easiness is resolved at the last epoch.

    Both are left out where its trials were observed after no common epoch: it is being made longer.
    """
    import numpy as np

    from easiness.spec import observe_text
    from easiness.studies.matching.outlook import outlook_lines

    num = len(run.trials)
    head = f"{run.path}: {run.model}, {num} trials of {run.epochs} epochs over {len(run.ids)} examples"
    if not run.observed:
        longest = max(trial.epochs for trial in run.trials)
        return (
            f"{head}\neasiness: unknown, since trials have up to {longest} epochs and were observed after no "
            f"common one; --epochs {longest} makes them equal"
        )
    epoch = run.resolve_epoch(None)
    right = run.votes(epoch).correct.sum(axis=0)
    accuracy = []
    for name in run.trials[0].document.accuracy:
        values = np.array([trial.accuracy(epoch)[name] for trial in run.trials])
        spread = f" ± {values.std(ddof=1):.3f}" if num > 1 else ""
        accuracy.append(f"{name.replace('_', '-')} {values.mean():.3f}{spread}")
    stopped = run.document.stopped
    enough = "" if stopped is None else f"\nreliability: {stopped.sentence}"
    ahead = "".join(f"\n{line}" for line in outlook_lines(run))
    augmented = f"\nobservations: {observe_text(run.spec.observe)}" if run.augmented else ""
    return f"""\
{head}
accuracy after epoch {epoch} (mean ± standard deviation over trials): {", ".join(accuracy)}; \
chance {1 / len(run.classes):.3f}
easiness after epoch {epoch}: {(right == num).mean():.1%} of the examples right in every trial, \
{(right == 0).mean():.1%} in none{augmented}{enough}{ahead}"""
