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
    OF_DATA: ClassVar[bool] = True
    """In Python `load_dataset` has these options, and studies take what it gives."""

    limit: Annotated[
        int | None, Option("--limit", "Use this many examples, as many of each class.", first=True)
    ] = None
    holdout: Annotated[
        float | None,
        Option("--holdout", "Hold out this share of each class, if the data have no held-out split."),
    ] = None
    data_root: Annotated[
        str | Path | None,
        Option("--data-root", "Folder of a torchvision data set.", typed=Path | None),
    ] = None
    download: Annotated[
        bool, Option("--download", "Let torchvision or the hub download what is not on disk.")
    ] = False
    allow_outside: Annotated[
        bool, Option("--allow-outside", "Allow a CSV to name files outside of its folder.")
    ] = False
    labels: Annotated[
        str | Path | None,
        Option(
            "--labels",
            "CSV of id,label to train with instead of the source's labels. Examples that it lacks or "
            "drops are left out.",
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
            "Other names of the columns path, label and split of a CSV.",
            metavar="path=filename,label=breed",
            read=read_columns,
        ),
    ] = None
    text: Annotated[
        str | None,
        Option("--text", "Column of a table with the texts.", metavar="COLUMN"),
    ] = None
    sound: Annotated[
        str | None,
        Option(
            "--sound",
            "Column of a table with the recordings, or their paths.",
            metavar="COLUMN",
        ),
    ] = None
    inputs: Annotated[
        Sequence[str] | None,
        Option(
            "--inputs",
            "Columns of a table that are the input: numbers, categories or lists of numbers. "
            "Default: all but the label, in a table without text and path.",
            metavar="A,B,...",
            read=read_names,
        ),
    ] = None
    without: Annotated[
        Sequence[str] | None,
        Option("--without", "Columns of a table that are not used.", metavar="A,B,...", read=read_names),
    ] = None
    label: Annotated[
        str | None,
        Option("--label", "Column of a table with the labels. Default: label.", metavar="COLUMN", first=True),
    ] = None
    id: Annotated[
        str | None,
        Option(
            "--id",
            "Column of a table with the ids, by which all else then names the examples.",
            metavar="COLUMN",
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Option(
            "--encoding",
            "Encoding of CSV and .txt files, such as latin-1. Default: UTF-8.",
            metavar="NAME",
        ),
    ] = None
    rate: int | None = None
    """Samples a second of recordings that are arrays."""
