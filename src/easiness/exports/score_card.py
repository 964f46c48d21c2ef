"""Score cards: the scores of a data set as a folder to publish, with what identifies each example."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from easiness.data import picture_digests
from easiness.errors import BadInput, RunFailed
from easiness.exports.as_markdown import as_markdown
from easiness.exports.examples import Examples, examples_of
from easiness.report import data_name, describe_data, run_scores
from easiness.show import count, picture_bytes
from easiness.spec import describe_recipe
from easiness.store import FileDigest, FileName, Run, digest, folder_written_whole

CARD, SCORES, README, FIGURE = "card.json", "scores.parquet", "README.md", "easiness.svg"
DIGEST = "digest"
"""Column of `SCORES`: SHA-256 (hex) of the decoded picture, see `picture_digest`."""


class CardDocument(BaseModel):
    """The content of card.json: where the scores come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    data: str | None
    num_examples: int
    classes: tuple[str, ...]
    fingerprint: str
    has_digests: bool
    model: str
    num_trials: int
    epoch: int
    training: dict[str, Any] | None
    versions: dict[str, str]
    files: dict[FileName, FileDigest]


@dataclass(frozen=True)
class Card:
    """A score card in the folder ``path``; ``note`` says what it lacks."""

    path: Path
    document: CardDocument
    note: str | None = None


def card(run: Run, out: str | Path, *, epoch: int | None = None, source: Any = None) -> Card:
    """Write the scores of a run as a folder that can be published and applied to other copies of the data.

    It has ``scores.parquet`` (ids, every score with its standard error, memberships, and the digest of each
    picture's pixels), ``card.json`` (recipe, versions, digests of the files), a figure, and a README that
    says what it is and how to cite it. No picture and no path of this machine is in it.

    Args:
        run: whose scores to publish.
        out: a new folder.
        epoch: scores of after this many epochs; the last by default.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where they were.

    Raises:
        BadInput: ``out`` exists or its folder does not, the epoch is not recorded, or the data given are
        others.
        RunFailed: it cannot be written; nothing is left of it.
    """
    path = Path(out)
    if path.exists():
        raise BadInput(f"{path}: exists already; give the card a new folder")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path}: the folder {path.parent} does not exist; make it first")
    examples = examples_of(run, epoch, source)
    found, note = run_scores(run, examples.epoch), None
    table = found.table()
    if examples.data is None:
        note = f"without digests of pictures, so that it applies by ids alone: {examples.notes[0]}"
    else:
        digests = picture_digests(examples.data)[examples.rows]
        table.insert(1, DIGEST, [one.tobytes().hex() for one in digests])
    try:
        with folder_written_whole(path) as folder:
            table.to_parquet(folder / SCORES, index=False)
            (folder / FIGURE).write_bytes(picture_bytes(found.figure(), ".svg"))
            document = _document(examples, {name: digest(folder / name) for name in (SCORES, FIGURE)})
            (folder / CARD).write_text(document.model_dump_json(indent=1) + "\n")
            (folder / README).write_text(_readme(run, document))
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None
    return Card(path, document, note)


def open_card(path: str | Path) -> Card:
    """Read a card and check its files.

    Raises:
        BadInput: it is no card, of a newer format, or damaged.
    """
    folder = Path(path)
    try:
        document = CardDocument.model_validate_json((folder / CARD).read_bytes())
    except OSError:
        raise BadInput(f"{folder}: is no score card (no {CARD} in it); `easiness card` makes one") from None
    except ValidationError as error:
        what = error.errors()[0]
        where = ".".join(map(str, what["loc"]))
        raise BadInput(
            f"{folder / CARD}: cannot be read ({where}: {what['msg']}); get the card again"
        ) from None
    for name, expected in document.files.items():
        file = folder / name
        try:
            intact = digest(file) == expected
        except OSError:
            intact = False
        if not intact:
            raise BadInput(f"{file}: is damaged or missing; get the card again")
    return Card(folder, document)


def _document(examples: Examples, files: dict[str, FileDigest]) -> CardDocument:
    run = examples.run
    measured = run.spec.measured
    ran = [trial.document.ran for trial in run.trials]
    training = None
    if measured is not None:
        training = {
            "recipe": measured.recipe.model_dump(),
            "epochs": run.epochs,
            "seed": measured.seed,
            "train_share": measured.train_share,
            "precision": measured.resolved.precision,
            "pretrained": measured.pretrained,
        }
    torch = sorted({one["torch"] for one in ran if "torch" in one})
    return CardDocument(
        data=data_name(run),
        num_examples=len(run.ids),
        classes=run.classes,
        fingerprint=run.spec.data.train.fingerprint,
        has_digests=examples.data is not None,
        model=run.model,
        num_trials=len(run.trials),
        epoch=examples.epoch,
        training=training,
        versions={"easiness": version("easiness"), "torch": ", ".join(torch), "numpy": np.__version__},
        files=files,
    )


def _readme(run: Run, document: CardDocument) -> str:
    name = document.data or "a data set"
    measured = run.spec.measured
    recipe = "a training loop of its own" if measured is None else describe_recipe(measured.recipe)
    means = (
        "Each example is found again by the SHA-256 of its decoded pixels (`digest`), in whatever order and "
        "format another copy has:\n\n```sh\neasiness card --apply CARD SOURCE -o scores.csv\n```"
        if document.has_digests
        else f"No digests of pictures were to be had: join `{SCORES}` to your examples by `id`."
    )
    return f"""---
configs:
- config_name: default
  data_files: {SCORES}
---

# Scores of {as_markdown(name)}

Which of {as_markdown(describe_data(run))} a network finds easy and which
hard: {count(document.num_trials)} trainings of {as_markdown(document.model)}, scores
after epoch {document.epoch}; {recipe}.

![How many examples are right in how many trials]({FIGURE})

`{SCORES}` has a row for each example: its id, every score with its standard error (`_se`), and the
probability to be among the truly easiest and hardest tenth (`p_easy`, `p_hard`). `{CARD}` has the recipe,
versions, and digests of the files.

{means}

## Cite

The scores were made by easiness {document.versions["easiness"]}, which implements: Ikki Kishida and Hideki
Nakayama, "Empirical Study of Easy and Hard Examples in CNN Training", ICONIP 2019, arXiv 1911.10739. Cite
the data set as its authors ask.
"""
