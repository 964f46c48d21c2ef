"""The options of everything that reads examples, as a frozen value."""

# Annotations are not postponed: the command line reads them as they are, without loading what they name.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from easiness.spec.option import Option, OptionGroup, read_columns, read_names


@dataclass(frozen=True)
class Loading:
    """How the examples are read from their source, and which of them."""

    GROUP: ClassVar[OptionGroup] = "Data"

    limit: Annotated[int | None, Option("--limit", "Train on this many examples, class-balanced.")] = None
    holdout: Annotated[
        float | None,
        Option("--holdout", "Hold out this share of each class, where no split is held out."),
    ] = None
    data_root: Annotated[
        str | Path | None,
        Option("--data-root", "Folder of a torchvision data set.", typed=Path | None),
    ] = None
    download: Annotated[
        bool, Option("--download", "Let torchvision or the hub download what is not on disk.")
    ] = False
    allow_outside: Annotated[
        bool, Option("--allow-outside", "Let a CSV name files outside of its folder.")
    ] = False
    labels: Annotated[
        str | Path | None,
        Option(
            "--labels",
            "CSV of id,label to train with instead of the source's labels; examples that it lacks, or says "
            "to drop, are left out.",
            metavar="FILE.csv",
            typed=Path | None,
        ),
    ] = None
    skip_unreadable: Annotated[
        bool, Option("--skip-unreadable", "Leave out files that cannot be read, and name them.")
    ] = False
    columns: Annotated[
        Mapping[str, str] | None,
        Option(
            "--columns",
            "Names that a CSV has for path, label and split, where they are others.",
            metavar="path=filename,label=breed",
            read=read_columns,
        ),
    ] = None
    text: Annotated[
        str | None,
        Option("--text", "Column of a table that holds texts, which are the examples.", metavar="COLUMN"),
    ] = None
    sound: Annotated[
        str | None,
        Option(
            "--sound",
            "Column of a table that holds recordings, or paths of them, which are the examples.",
            metavar="COLUMN",
        ),
    ] = None
    inputs: Annotated[
        Sequence[str] | None,
        Option(
            "--inputs",
            "Columns of a table that are the input: numbers and categories, or lists of numbers. By default "
            "all but the label, where there is no text and no path.",
            metavar="A,B,...",
            read=read_names,
        ),
    ] = None
    label: Annotated[
        str | None,
        Option(
            "--label", "Column of a table that holds the labels, where it is not label.", metavar="COLUMN"
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Option(
            "--encoding",
            "Of a CSV and of .txt files, where they are not UTF-8, such as latin-1.",
            metavar="NAME",
        ),
    ] = None
    rate: int | None = None
    """Samples a second of recordings that are arrays."""
