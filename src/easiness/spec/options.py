"""The options of everything that trains, as frozen values: each is declared here and nowhere else."""

# Annotations are not postponed: the command line reads them as they are, without loading what they name.
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from easiness.errors import BadInput
from easiness.spec.option import (
    Option,
    OptionGroup,
    number_or,
    read_at,
    read_columns,
    read_names,
    read_numbers,
    setting,
)

if TYPE_CHECKING:
    from easiness.spec.recipe import Recipe  # which takes a tenth of a second to load


@dataclass(frozen=True)
class Loading:
    """How the examples are read from their source, and which of them."""

    GROUP: ClassVar[OptionGroup] = "Data"
    OF_DATA: ClassVar[bool] = True
    """In Python `load_dataset` has these options, and studies take what it gives."""

    limit: int | None = setting("--limit", "Use this many examples, as many of each class.", first=True)
    holdout: float | None = setting(
        "--holdout", "Hold out this share of each class, if the data have no held-out split."
    )
    data_root: str | Path | None = setting(
        "--data-root", "Folder of a torchvision data set.", typed=Path | None
    )
    download: bool = setting(
        "--download", "Let torchvision or the hub download what is not on disk.", default=False
    )
    allow_outside: bool = setting(
        "--allow-outside", "Allow a CSV to name files outside of its folder.", default=False
    )
    labels: str | Path | None = setting(
        "--labels",
        "CSV of id,label to train with instead of the source's labels. Examples that it lacks or "
        "drops are left out.",
        metavar="FILE.csv",
        typed=Path | None,
    )
    skip_unreadable: bool = setting(
        "--skip-unreadable", "Leave out files that cannot be read, and name them.", default=False
    )
    columns: Mapping[str, str] | None = setting(
        "--columns",
        "Other names of the columns path, label and split of a CSV.",
        metavar="path=filename,label=breed",
        read=read_columns,
    )
    text: str | None = setting("--text", "Column of a table with the texts.", metavar="COLUMN")
    sound: str | None = setting(
        "--sound", "Column of a table with the recordings, or their paths.", metavar="COLUMN"
    )
    inputs: Sequence[str] | None = setting(
        "--inputs",
        "Columns of a table that are the input: numbers, categories or lists of numbers. "
        "Default: all but the label, in a table without text and path.",
        metavar="A,B,...",
        read=read_names,
    )
    without: Sequence[str] | None = setting(
        "--without", "Columns of a table that are not used.", metavar="A,B,...", read=read_names
    )
    label: str | None = setting(
        "--label", "Column of a table with the labels. Default: label.", metavar="COLUMN", first=True
    )
    tags: bool = setting(
        "--tags",
        "An example may have several tags: --label is a column of such as dog;car, or a column a tag, A,B.",
        default=False,
        first=True,
    )
    id: str | None = setting(
        "--id", "Column of a table with the ids, by which all else then names the examples.", metavar="COLUMN"
    )
    encoding: str | None = setting(
        "--encoding", "Encoding of CSV and .txt files, such as latin-1. Default: UTF-8.", metavar="NAME"
    )
    rate: int | None = None
    """Samples a second of recordings that are arrays."""


ALL, LAST, TRAIN = "all", "last", "train"
_EVERY = "every:"
_WORDS = {
    ALL: "after every epoch, clean",
    LAST: "after the last epoch, clean",
    TRAIN: "augmented: made during training, while the weights moved",
}


def check_observe(text: str) -> str:
    """``text`` in the one way to write it: ``all``, ``every:K``, ``last`` or ``train``.

    ``all`` looks after each epoch, ``every:K`` after the epochs K, 2K, ... and the last, ``last`` after the
    last alone. ``train`` takes what the training steps compute of their augmented images, and looks at a
    held-out split after each epoch.
    """
    if text in (ALL, LAST, TRAIN):
        return text
    every = re.fullmatch(rf"{_EVERY}0*([1-9][0-9]{{0,8}})", text)  # more epochs than anybody trains
    if every is None:
        raise BadInput(f"--observe {text}: unknown; choose all, every:K (K = 2, 3, ...), last or train")
    return ALL if every[1] == "1" else f"{_EVERY}{every[1]}"


def observe_text(observe: str) -> str:
    """In words: ``after epochs 5, 10, ... and the last``."""
    if observe in _WORDS:
        return _WORDS[observe]
    every = int(observe.removeprefix(_EVERY))
    return f"after epochs {every}, {2 * every}, ... and the last, clean"


def observed_epochs(observe: str, epochs: int) -> tuple[int, ...]:
    """The epochs (from 1, ascending) after which a training of ``epochs`` epochs is observed."""
    if observe in (ALL, TRAIN):
        return tuple(range(1, epochs + 1))
    every = epochs if observe == LAST else int(observe.removeprefix(_EVERY))
    return (*range(every, epochs, every), epochs)


Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]
Jobs: TypeAlias = int | Literal["auto"]
"""Trials at a time, or ``auto``: as many as cores, memory and trials allow."""
CheckpointEvery: TypeAlias = float | Literal["auto", "off"]
"""Minutes between checkpoints of a trial, or ``auto``: two, where writing them takes hardly any time."""
RecipeGiven: TypeAlias = "Recipe | dict[str, Any] | str | Path | None"
Split: TypeAlias = Literal["train", "held_out"]
Keep: TypeAlias = Literal["top", "bottom"]
"""The end of a score whose examples are to be kept, where a high score means neither easy nor hard."""
Steps: TypeAlias = Literal["epochs", "steps"]
"""The size that a smaller training set shares with the full one: the epochs, or the number of steps."""


@dataclass(frozen=True)
class Training:
    """The network to train, how, and for how long."""

    GROUP: ClassVar[OptionGroup] = "Training"

    model: str | None = setting(
        "--model",
        "mlp_3, wrn_16_4, densenet_bc_100_12, resnext_29_4x64d (any such numbers), torchvision's "
        "names (resnet18), timm:NAME, or package.module:callable; with --features ridge (closed "
        "form), boosting (trees), linear or mlp_2. Default: wrn_16_4 for pictures, bag for texts, "
        "wrn_10_1 for sounds, linear for tables; with --features ridge, of tables boosting.",
        first=True,
        python_type=str | Callable[..., Any] | None,
    )
    epochs: int = setting("--epochs", "Epochs of each training.", default=10, first=True)
    seed: int = setting("--seed", "Seed of the run.", default=0)
    recipe: RecipeGiven = setting(
        "--recipe",
        "How networks are trained: like the paper, for short trainings, by a TOML file of "
        "changes, or like another run. Default: short for a new run, else the run's own. "
        "--dry-run shows it in full.",
        metavar="paper|short|FILE|RUN",
        read=str,
    )
    batch_size: int | None = setting(
        "--batch-size", "Examples per step. Default: the recipe's.", python=False
    )
    image_size: int | None = setting(
        "--image-size",
        "Side in pixels of the crops of photos: 64 is ten times as fast as 224. Default: the recipe's.",
        python=False,
    )
    train_share: float = setting(
        "--train-share",
        "Share of the examples that each trial trains on. It observes all of them.",
        default=1.0,
        within="(0, 1]",
    )
    precision: Precision = setting("--precision", "auto: bfloat16 where the device has it.", default="auto")
    pretrained: bool = setting(
        "--pretrained",
        "Start from the published weights of a torchvision or timm network, from disk.",
        default=False,
        python=False,
    )


@dataclass(frozen=True)
class Recording:
    """The records of a trial; ``splits`` are those to observe, as far as the data have them."""

    GROUP: ClassVar[OptionGroup] = "Recording"

    observe: str = setting(
        "--observe",
        "After which epochs to observe the examples. train: as the training steps see them, augmented.",
        default=ALL,
        metavar="all|every:K|last|train",
    )
    keep_logits: bool = setting("--keep-logits", "Keep the logits of all examples.", default=False)
    keep_weights: bool = setting(
        "--keep-weights/--no-weights",
        "Keep the trained weights.",
        default=True,
        also=(" /--no-keep-weights",),
    )
    splits: tuple[Split, ...] = ("train", "held_out")


@dataclass(frozen=True)
class Execution:
    """Where trials run and how many at a time: on a CPU none of it affects what they record."""

    GROUP: ClassVar[OptionGroup] = "Machine"

    device: str = setting(
        "--device",
        "Where to train; cuda spreads --jobs over all GPUs, mps is Apple's.",
        default="auto",
        words={name: name for name in ("auto", "cpu", "cuda", "mps")},
    )
    executor: str = setting(
        "--executor", "How trials run. auto: in processes if there are several jobs.", default="auto"
    )
    ray_address: str | None = setting(
        "--ray-address",
        "For --executor ray: address of the cluster; auto: the one of this machine. Default: "
        "that of the job, else one is started here.",
        metavar="HOST:PORT|auto",
    )
    jobs: Jobs = setting(
        "--jobs",
        "Trials at a time; auto: as many as cores, memory and trials allow.",
        default="auto",
        metavar="J|auto",
        read=number_or(int, "auto"),
    )
    compile: Literal["auto", "on", "off"] = setting(
        "--compile", "torch.compile, which takes a minute to start. auto: off.", default="auto"
    )
    cache: bool = setting(
        "--cache",
        "Keep decoded photos in a file beside the run.",
        default=True,
        words={"on": True, "off": False},
    )
    checkpoint_every: CheckpointEvery = setting(
        "--checkpoint-every",
        "Minutes between checkpoints of a trial. auto: 2, if that costs little.",
        default="auto",
        metavar="MINUTES|auto|off",
        read=number_or(float, "auto", "off"),
    )


@dataclass(frozen=True)
class Trials:
    """How many trials: a number, or ``auto``, until the easy and the hard set are as reliable as asked."""

    GROUP: ClassVar[OptionGroup] = "Training"

    trials: int | Literal["auto"] = setting(
        "--trials",
        "Number of independent trainings. auto: as many as --reliability takes.",
        default=10,
        metavar="N|auto",
        read=number_or(int, "auto"),
        first=True,
        python_type=int | Literal["auto"] | Mapping[str, float],
    )
    reliability: float | None = setting(
        "--reliability",
        "For --trials auto: how much of the true easy and hard sets the run's sets must hold, "
        "with their intervals; 0.8 by default.",
        python=False,
    )
    max_trials: int | None = setting(
        "--max-trials", "For --trials auto: at most this many; 100 by default.", python=False
    )


def _policies(text: str) -> tuple[str, ...]:
    """The names in ``easy,beta:1,3,random``; the comma in ``beta:A,B`` belongs to it."""
    return tuple(name.strip() for name in re.findall(r"\s*beta:[^,]*,[^,]*|[^,]+", text))


@dataclass(frozen=True)
class Drawing:
    """Which examples are dropped or relabelled, by which ranking, how often."""

    GROUP: ClassVar[OptionGroup] = "Drawing"

    rates: Iterable[float] = setting(
        "--rates",
        "Shares of the examples, such as 0,0.3,0.6,0.9.",
        default=(),
        read=partial(read_numbers, "--rates", example="0,0.3"),
    )
    policies: Iterable[str] | None = setting(
        "--policies",
        "Which examples are mainly drawn: one or more of easy, hard, random, beta:A,B. Default: "
        "the first three; with --keep the other end and random.",
        read=_policies,
    )
    repetitions: int = setting("--repetitions", "Trainings of each policy and rate.", default=5)
    score: str = setting("--score", "Score to rank by.", default="easiness")
    keep: Keep | None = setting(
        "--keep", "The end of the score to keep, if a high score means neither easy nor hard."
    )
    at: float | None = setting(
        "--at",
        "Read the score after this epoch (3), or of a run on features at this share (0.8); the last, "
        "the largest by default.",
        metavar="EPOCH|SHARE",
        read=read_at,
    )
    balanced: bool = setting("--balanced", "Draw the same share of each class.", default=False)
    steps: Steps = setting(
        "--steps",
        "Whether smaller training sets get as many epochs or as many steps as the full one.",
        default="epochs",
    )
    other_label: bool = setting("--never-own", "Never draw an example's own label.", default=False)

    def __post_init__(self) -> None:
        # what can be gone through only once would be gone at the second look
        object.__setattr__(self, "rates", tuple(self.rates))
        if self.policies is not None:
            object.__setattr__(self, "policies", tuple(self.policies))


@dataclass(frozen=True)
class Featuring:
    """Features of a frozen network, and how much of the data its heads see; ``features`` may be arrays."""

    GROUP: ClassVar[OptionGroup] = "Training"

    features: Any = setting(
        "--features",
        "Fit heads on features, and train no network: auto, timm:NAME, torchvision:NAME, "
        "hf:NAME, hashed, logmel, run:RUN, column:NAME, inputs, a file of vectors or "
        "package.module:callable; may be given several times.",
        metavar="NAME",
        typed=list[str] | None,
        several=True,
        first=True,
    )
    shares: Sequence[float] | None = setting(
        "--shares",
        "With --features: shares of the examples that heads are fitted on, ascending; "
        "0.05,0.2,0.8 by default.",
        metavar="S,S,...",
        read=partial(read_numbers, "--shares", example="0.05,0.2,0.8"),
    )
    group: Any = setting(
        "--group",
        "With --features: a column, such as the patient or the film. No head is fitted on some "
        "examples of a value and judges others.",
        metavar="COLUMN",
        typed=str | None,
        python=False,
    )


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
    retrain_damaged: bool = setting(
        "--retrain-damaged", "Train trials again whose files are damaged.", default=False, group="Recording"
    )
    track: Any = setting(
        "--track",
        "Also log to an experiment tracker; may be given several times. In Python also a "
        "`easiness.tracking.Tracker`.",
        metavar="tensorboard:FOLDER|mlflow[:URI]|wandb[:PROJECT]",
        typed=list[str] | None,
        several=True,
        group="Recording",
    )
    dry_run: bool = setting("--dry-run", "Show the plan and train nothing.", default=False, python=False)
