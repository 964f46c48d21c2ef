"""``easiness verify``: what other labels are worth."""

from __future__ import annotations

from typing import Annotated

import typer

from easiness import runs, show
from easiness.cli.kit import options, results, said
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Execution, Featuring, Loading, Training
from easiness.studies import verification as study

_LOADING = Fields(
    required=("labels",),
    help={
        "labels": "CSV of the new labels, from `clean`, the page or yourself.",
        "limit": "Use this many examples, as many of each class; as for the run of the labels.",
        "holdout": "Test on this share of each class alone, instead of each example in turn.",
    },
)


Before = Annotated[
    str | None,
    typer.Option(
        "--before",
        help="CSV of the labels before, if that run was measured with --labels; the source's labels "
        "by default.",
    ),
]
Beside = Annotated[
    str,
    typer.Option(
        "--beside",
        metavar="random,rs2",
        help="If the new labels leave examples out, also train on as many random ones, or on other "
        "random ones in every epoch (RS2), with as many steps.",
    ),
]


@spread
def verify(
    source: Annotated[str, typer.Argument(help="The data; as for `measure`.")],
    out: options.StudyFolder,
    loading: Annotated[Loading, _LOADING],
    before: Before = None,
    beside: Beside = "",
    trials: Annotated[
        int,
        typer.Option(
            "--trials", help="Pairs of trainings with the same seeds; in fives where no split is held out."
        ),
    ] = 10,
    training: Annotated[
        Training,
        Fields(
            ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision", "pretrained"),
            help={
                "model": "Network to train; as for `measure`.",
                "seed": "Seed of the runs.",
                "recipe": "How networks are trained: as for `measure`.",
            },
        ),
    ] = Training(),
    featuring: Featuring = Featuring(),
    execution: options.OneFolder = Execution(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it costs and train nothing.")] = False,
    output: options.Output = None,
) -> None:
    """Train on the labels before and after; say what was gained.

    Both are tested on the same held-out examples. Without any, each example is tested in turn by trainings
    that did not see it. The same command again goes on, or only reads; more trials train what is missing.
    """

    def planned() -> study.VerificationPlans:
        asked = source, training, trials, loading, out, before, featuring, execution.device
        return study.plan_verification(*asked).with_arms(beside.split(","))

    if dry_run:
        said.say_text(planned().forecast(out, execution))
        return

    def verified(progress: runs.Progress) -> study.Verification:
        return study.carry_out_verification(planned(), out, execution, progress)

    found = results.carry_out(verified, execution, output)
    said.say_text(f"{show.sections_text(found.sections())}\n\n{found.text}")
    if output is not None:
        results.write_output(output, found)
