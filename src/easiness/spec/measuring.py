"""The options of a run, as a frozen value."""

# Annotations are not postponed: the command line reads them as they are, without loading what they name.

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from easiness.spec.featuring import Featuring
from easiness.spec.loading import Loading
from easiness.spec.option import Option
from easiness.spec.options import Execution, Recording, Training, Trials


@dataclass(frozen=True)
class Measuring:
    """Options of `measure`."""

    data: Annotated[
        Any,
        Option(
            "",
            "A folder with a folder of pictures, recordings or .txt files for each class (train/val/test may "
            "be above them); a CSV of path,label[,split]; a CSV or Parquet file of texts or numbers, or a "
            "folder of train*/test* ones; a Parquet file of pictures; an .npz with x and y; hf:NAME; digits; "
            "mini-imagenet:PATH; or a torchvision name with --data-root. In Python also what `load_dataset` "
            "gives, or takes with its defaults.",
            metavar="SOURCE",
            typed=str,
            argument=True,
        ),
    ]
    out: Annotated[Path, Option("--out", "Folder of the run. A run that is there goes on.")]
    training: Training = field(default_factory=Training)
    featuring: Featuring = field(default_factory=Featuring)
    trials: Trials = field(default_factory=Trials)
    loading: Loading = field(default_factory=Loading)
    recording: Recording = field(default_factory=Recording)
    execution: Execution = field(default_factory=Execution)
    retrain_damaged: Annotated[
        bool,
        Option("--retrain-damaged", "Train trials again whose files are damaged.", group="Recording"),
    ] = False
    track: Annotated[
        Any,
        Option(
            "--track",
            "Also log to an experiment tracker; may be given several times. In Python also a "
            "`easiness.tracking.Tracker`.",
            metavar="tensorboard:FOLDER|mlflow[:URI]|wandb[:PROJECT]",
            typed=list[str] | None,
            several=True,
            group="Recording",
        ),
    ] = None
    dry_run: Annotated[bool, Option("--dry-run", "Show the plan and train nothing.", python=False)] = False
