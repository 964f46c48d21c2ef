"""A score card applied: the same examples found in another copy of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from easiness import store
from easiness.data import TAG, Dataset, RunTags, load_dataset, unfold_tags, value_digests
from easiness.engine import check_output_folder, output_folder
from easiness.errors import BadInput, shorten
from easiness.gate import check_columns
from easiness.lazy import Integers, pd
from easiness.pages import FOR_FEATURES, about_features, data_name, describe_data
from easiness.regular_file import at_home, in_words, read_regular
from easiness.runs import find_split, has_held_out, positions_in
from easiness.show import count, markdown_text, picture_bytes, write_parquet
from easiness.spec import Split, SplitRef, describe_recipe, settings_of_others
from easiness.studies.audit import read_certificate
from easiness.studies.scores import run_scores
from easiness.studies.versions import renamed_classes

CARD, SCORES, README, FIGURE = "card.json", "scores.parquet", "README.md", "easiness.svg"
CERTIFICATE = "certificate.json"
HELD_OUT = "held_out.parquet"
FILES: dict[Split, str] = {"train": SCORES, "held_out": HELD_OUT}
"""The file of each split; that of the held-out split is there where the trials observed it."""
DIGEST = "digest"
"""Column of both tables: SHA-256 (hex) of the decoded example, see `value_digest`."""
_MOST_BYTES = 2**26  # of card.json
_TEXTS = ("string", "large_string")
_TYPES_OF_IDS = ("int64", *_TEXTS)
_TYPES = (*_TYPES_OF_IDS, "bool", "float", "double", "null")


class CardDocument(BaseModel):
    """The content of card.json: where the scores come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    data: str | None
    num_examples: int
    classes: tuple[str, ...]
    tag_names: tuple[str, ...] = ()
    fingerprint: str
    held_out: SplitRef | None = None
    has_digests: bool
    model: str
    num_trials: int
    epoch: int | None = None
    share: float | None = None
    training: dict[str, Any] | None
    versions: dict[str, str]
    files: dict[store.FileName, store.FileDigest]

    @property
    def nouns(self) -> str:
        """The name of rows: each example asks of each tag."""
        return "questions on tags" if self.tag_names else "examples"


@dataclass(frozen=True)
class Card:
    """A score card in the folder ``path``; ``note`` says what it lacks."""

    path: Path
    document: CardDocument
    note: str | None = None


def write_card(
    run: store.Run,
    path: Path,
    at: float | None = None,
    source: Any = None,
    certificate: Path | None = None,
) -> Card:
    """Write the scores of a run as a folder that can be published and applied to other copies of the data.

    No picture and no path of this machine is in it. It says what a ``certificate`` of its labels claims.
    """
    check_output_folder(path)
    run.check_course("`card`")
    claim, content = ("", b"") if certificate is None else read_certificate(certificate, run)
    scores, note = run_scores(run, at), None
    tables: dict[Split, pd.DataFrame] = {"train": scores.table()}
    if has_held_out(run):
        tables["held_out"] = run.scores(**run.argument(scores.epoch), split="held_out")
    for split, table in tables.items():
        data, why = find_split(run, source, split)
        if data is not None:
            table.insert(1, DIGEST, _digests(data)[positions_in(data, run, split)])
        elif note is None:
            which = "" if split == "train" else f"{HELD_OUT} is "
            note = f"{which}without digests of examples, so that it applies by ids alone: {why}"
    with output_folder(path) as folder:
        for split, table in tables.items():
            write_parquet(table, folder / FILES[split])
        (folder / FIGURE).write_bytes(picture_bytes(scores.figure(), ".svg"))
        names = (*(FILES[split] for split in tables), FIGURE, *[CERTIFICATE][: bool(claim)])
        if claim:
            (folder / CERTIFICATE).write_bytes(content)
        files = {name: store.digest(folder / name) for name in names}
        document = _document(run, scores.epoch, DIGEST in tables["train"], files)
        unsaid = {"epoch" if run.shares else "share", *(() if document.tag_names else ("tag_names",))}
        (folder / CARD).write_text(document.model_dump_json(indent=1, exclude=unsaid) + "\n", "utf-8")
        (folder / README).write_text(_readme(run, scores.epoch, document, claim), "utf-8")
    return Card(path, document, note)


def _digests(data: Dataset) -> npt.NDArray[np.object_]:
    return np.array([one.tobytes().hex() for one in value_digests(data)], object)


def open_card(path: str | Path) -> Card:
    """Read a card and check its files; `BadInput` where it is none, of a newer format, or damaged."""
    folder, content = at_home(path), b""
    try:
        content = read_regular(folder / CARD, _MOST_BYTES)
        document = CardDocument.model_validate_json(content)
    except FileNotFoundError:
        raise BadInput(f"{folder}: is no score card (no {CARD} in it); `easiness card` makes one") from None
    except (OSError, ValidationError):
        raise (store.later(folder / CARD, content) if content else None) or damaged_card(
            folder / CARD
        ) from None
    for name, expected in document.files.items():
        if not store.is_intact(folder / name, expected):
            raise damaged_card(folder / name)
    return Card(folder, document)


def read_scores(path: Path, num_examples: int | None) -> pd.DataFrame:
    """Columns ``id``, ``label``, ``class``, mostly ``digest``, then the scores, a row an example."""
    import pyarrow.parquet as pq

    with store.read_strictly(path, damaged_card), pq.ParquetFile(path) as file:
        kinds = {field.name: str(field.type) for field in file.schema_arrow}
        texts = [name for name in (DIGEST, TAG, "class") if name == "class" or name in kinds]
        types_of = {"id": _TYPES_OF_IDS} | dict.fromkeys(texts, _TEXTS)
        own = {"split", "card_id", "card_split"}  # it gets them when applied
        if (
            num_examples not in (None, file.metadata.num_rows)
            or len(kinds) < len(file.schema_arrow)
            or not own.isdisjoint(kinds)
            or any(kind not in types_of.get(name, _TYPES) for name, kind in kinds.items())
        ):
            raise ValueError
        check_columns(path, file, [*kinds], names=["id", *texts])
        table = file.read()
        table.validate(full=True)
        if any(table.column(name).null_count for name in {"id", "label", *texts}):
            raise ValueError
        # not as what the file says of pandas: that is somebody else's word
        frame: pd.DataFrame = table.replace_schema_metadata().to_pandas()
        return frame


def damaged_card(file: Path) -> BadInput:
    return BadInput(f"{file}: is damaged or missing; get the card again")


def _document(
    run: store.Run, epoch: int, has_digests: bool, files: dict[str, store.FileDigest]
) -> CardDocument:
    training_spec = run.spec.measured
    ran = [trial.document.ran for trial in run.trials]
    training: dict[str, Any] | None = None
    if training_spec is not None and training_spec.heads is not None:
        training = {"heads": training_spec.heads.model_dump(mode="json"), "seed": training_spec.seed}
        for one in training["heads"]["features"]:
            one["name"] = in_words(one["name"])
    elif training_spec is not None:
        training = {
            "recipe": training_spec.recipe.model_dump(exclude=settings_of_others(run.spec.data.kind)),
            "epochs": run.epochs,
            "seed": training_spec.seed,
            "train_share": training_spec.train_share,
            "precision": training_spec.resolved.precision,
            "pretrained": training_spec.pretrained,
        }
    torch = sorted({one["torch"] for one in ran if "torch" in one})
    return CardDocument(
        data=data_name(run),
        num_examples=len(run.ids),
        classes=run.classes,
        tag_names=run.spec.data.tag_names,
        fingerprint=run.spec.data.train.fingerprint,
        held_out=run.spec.data.held_out if HELD_OUT in files else None,
        has_digests=has_digests,
        model=run.model,
        num_trials=len(run.trials),
        **run.row(epoch).argument,
        training=training,
        versions={"easiness": store.own_version(), "torch": ", ".join(torch), "numpy": np.__version__},
        files=files,
    )


def _readme(run: store.Run, epoch: int, document: CardDocument, claim: str) -> str:
    name, spec, recipe = document.data or "a data set", run.spec.measured, "a training loop of its own"
    if spec is not None and spec.heads is not None:
        about = " ".join(about_features(spec.heads))
        recipe = f"only heads count that did not see the example.\n{FOR_FEATURES} {markdown_text(about)}"
    elif spec is not None:
        recipe = f"recipe: {describe_recipe(spec.recipe)}"
    tags = " --tags" * bool(document.tag_names)
    means = (
        "Each example is found again by the SHA-256 of its decoded values (`digest`), in whatever order and "
        f"format another copy has:\n\n```sh\neasiness card --apply CARD SOURCE{tags} -o scores.csv\n```"
        if document.has_digests
        else f"No digests of examples were to be had: join `{SCORES}` to your examples by `id`."
    )
    files, held_out = SCORES, ""
    if document.held_out is not None:
        files = f"\n  - split: train\n    path: {SCORES}\n  - split: test\n    path: {HELD_OUT}"
        held_out = (
            f"\n\n`{HELD_OUT}` has the same of {count(document.held_out.num_recorded)} {document.nouns} that "
            "no training saw. This alone makes\ntheir scores others, so compare them among each other; "
            "`p_easy` and `p_hard` do too."
        )
    trainings = f"{count(document.num_trials)} {run.noun}"
    each = "example and tag: their names" if document.tag_names else "example: its id"
    labels = f"\n## Labels\n\n{markdown_text(claim)} `{CERTIFICATE}` says how.\n" if claim else ""
    return f"""---
configs:
- config_name: default
  data_files: {files}
---

# Scores of {markdown_text(name)}

How easy or hard a network finds each of {markdown_text(describe_data(run))}.
The scores are of {trainings} of {markdown_text(run.network)}, {run.at(epoch)}; {recipe.rstrip(".")}.

![How many examples are right in how many trials]({FIGURE})

`{SCORES}` has a row for each {each}, every score with its standard error (`_se`) and 95 % interval
(`_low`, `_high`), the probability to be among the truly easiest and hardest tenth (`p_easy`, `p_hard`).
`{CARD}` has the recipe, versions, and digests of the files.{held_out}

{means}
{labels}
## Cite

The scores were made by easiness {document.versions["easiness"]}, which implements: Ikki Kishida and Hideki
Nakayama, "Empirical Study of Easy and Hard Examples in CNN Training", ICONIP 2019, arXiv 1911.10739. Cite
the data set as its authors ask.
"""


_OF_THE_COPY = ("id", TAG, "label", "class", "split")


@dataclass(frozen=True, eq=False)
class CopyScores:
    """Scores for the examples of another copy of the data that the card knows.

    ``table`` has a row for each of these, in the order of the copy: its own id, label, class and ``split``,
    then ``card_id`` and ``card_split``, where it was found, and the scores of the card. ``unknown`` are ids
    of the copy that the card lacks, ``num_missing`` examples of the card are not in the copy. ``new_names``
    are names of classes in the copy by those in the card, where classes of other names have the same
    examples; beside these ``num_relabelled`` examples have another class.
    """

    table: pd.DataFrame = field(repr=False)
    unknown: tuple[Any, ...] = field(repr=False)
    num_missing: int
    num_relabelled: int
    new_names: Mapping[str, str]

    @property
    def text(self) -> str:
        """``9,990 of 10,000 examples found by their values; 10 are not in the card``."""
        num = len(self.table) + len(self.unknown)
        there, nouns = self.table["card_split"], "questions" if TAG in self.table else "examples"
        new_names = shorten([f"{was} is {name}" for was, name in self.new_names.items()])
        parts = [
            (len(self.table), f"of {num:,} {nouns} found by their values"),
            ((there == "held_out").sum(), "of them are in the held-out split of the card"),
            ((there != self.table["split"]).sum(), "of them are in the other split here"),
            (len(self.unknown), f"are not in the card (such as {next(iter(self.unknown), '')})"),
            (self.num_missing, "of the card are not here"),
            (self.num_relabelled, "have another class here"),
        ]
        sentences = [f"{number:,} {what}" for number, what in parts if number]
        return "; ".join(
            [*sentences, *([f"classes with other names here: {new_names}"] if self.new_names else [])]
        )


def apply_card(card: str | Path, source: Any) -> CopyScores:
    """The scores of a card for the examples of another copy of the data, found by their decoded values.

    Order, ids, file formats and folders may differ; pixels may not: an example whose picture was made
    smaller, cropped or compressed with loss is another one and gets no scores. Copies of one picture are
    told apart by their class and split, then by their class, then taken in order.
    """
    folder = open_card(card)
    if not folder.document.has_digests:
        raise BadInput(f"{folder.path}: has no digests to find examples by; join {SCORES} by id")
    scores = _scores(folder)
    data = source if isinstance(source, Dataset) else load_dataset(source)
    parts = []
    for split, part in data.splits.items():
        questions, at = part.questions, part.questions.examples
        columns = {
            "id": questions.ids,
            "label": questions.labels,
            "class": np.array(part.classes, object)[questions.labels],
        }
        table = pd.DataFrame(columns).assign(split=split, **{DIGEST: _digests(part)[at]})
        tags = None if part.tags is None else RunTags.read(questions.ids, part.tags.names)
        parts.append(unfold_tags(table, tags))
    own = pd.concat(parts, ignore_index=True)
    if (TAG in scores) != (TAG in own):
        has = "tags" if TAG in own else "classes"
        remedy = "give data as the card's were, with --tags or without"
        raise BadInput(f"{data.name}: has {has}, unlike the card {in_words(folder.path)}; {remedy}")
    places = _rows_of_copy(scores, own)
    matches = np.flatnonzero(places >= 0)
    if not len(matches):
        shape, kind = data.traits.shape, data.kind
        looks = "" if shape is None else f" (here {kind.looks(shape).removeprefix(', ')})"
        raise BadInput(
            f"{data.name}: none of its {len(own):,} {kind.nouns} is in the card {in_words(folder.path)} of "
            f"{folder.document.data or 'arrays'}; {kind.values} have to be the same{looks}: give the data "
            "that it was made from"
        )
    rows = scores.iloc[places[matches]].reset_index(drop=True)
    own_rows = own.drop(columns=DIGEST).iloc[matches].reset_index(drop=True)
    there, here = (table["class"].to_numpy(object) for table in (rows, own_rows))
    new_names = renamed_classes(there, here, sorted(set(scores["class"])), data.classes)
    num_relabelled = int((np.array([new_names.get(name, name) for name in there], object) != here).sum())
    own_rows["card_id"], own_rows["card_split"] = rows["id"], rows["split"]
    table = pd.concat([own_rows, rows.drop(columns=[*_OF_THE_COPY, DIGEST], errors="ignore")], axis=1)
    missing = len(scores) - len(np.unique(places[matches]))
    return CopyScores(table, tuple(own["id"][places < 0].tolist()), missing, num_relabelled, new_names)


def _scores(card: Card) -> pd.DataFrame:
    document = card.document
    held_out = None if document.held_out is None else document.held_out.num_recorded
    nums: dict[Split, int | None] = {"train": document.num_examples, "held_out": held_out}
    there = [(split, name) for split, name in FILES.items() if name in document.files]
    parts = [read_scores(card.path / name, nums[split]).assign(split=split) for split, name in there]
    parts = [part for part in parts if DIGEST in part]
    if not parts:
        raise damaged_card(card.path / SCORES)
    return pd.concat(parts, ignore_index=True)


def _rows_of_copy(scores: pd.DataFrame, own: pd.DataFrame) -> Integers:
    """Rows of the card for each example of the copy, in order, -1 where it has none; each is given once."""
    rows = np.full(len(own), -1, np.int64)
    same = [DIGEST, TAG] if TAG in own else [DIGEST]
    for keys in ([*same, "class", "split"], [*same, "class"], same):
        left = own.loc[rows < 0, keys].rename_axis("at")
        free = scores.loc[~scores.index.isin(rows), keys].rename_axis("row")
        left, free = (one.assign(nth=one.groupby(keys).cumcount()).reset_index() for one in (left, free))
        pairs = left.merge(free, on=[*keys, "nth"])
        rows[pairs["at"]] = pairs["row"]
    return rows
