"""Outcomes as they come: each model's run, written whole, and how further rows join it."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easiness.errors import BadInput
from easiness.lazy import pd
from easiness.spec import ITEMS, DatasetRef, OutcomeSpec, SplitRef, TrialsAre
from easiness.store.outcomes import ROWS, Outcomes
from easiness.store.run import Run
from easiness.store.run_folder import is_run
from easiness.store.writer import RunWriter

_BATCH = "batch"
_STEM = re.compile(r"[^\w.+=-]+")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)\d)(\..*)?")  # no names of files on Windows
_LONGEST_STEM = 120  # bytes
_PATIENCE = 60  # seconds, for another process that records


def _conflict(old: pd.DataFrame, new: pd.DataFrame, ids: pd.Series, model: str) -> pd.DataFrame:
    """The rows of ``new`` that are not recorded yet; one that is recorded otherwise is refused."""
    both = new.merge(old, on=["item", "trial"], how="left", suffixes=("", "_old"), indicator=True)
    known = both["_merge"].to_numpy() == "both"
    alike = (both["correct"] == both["correct_old"]) & (both["count"] == both["count_old"])
    alike &= both["answer"].fillna("") == both["answer_old"].fillna("")
    if (bad := known & ~alike.to_numpy()).any():
        row = both[bad].iloc[0]
        raise BadInput(
            f"item {ids.iloc[row['item']]!r:.80}, trial {row['trial']!r:.80} of model {model!r:.80}: is "
            "recorded with another outcome; name new trials otherwise, or choose another --out"
        )
    return pd.DataFrame(new[~known])


def _join(old: Outcomes, items: pd.DataFrame, rows: pd.DataFrame, add: bool, where: Path) -> Outcomes:
    """The outcomes with further ``rows``, at positions of ``items``; ``old`` itself where nothing is new."""
    model = where.name
    if (old.items["id"].dtype == np.int64) != (items["id"].dtype == np.int64):
        items = items.assign(id=items["id"].map(str))  # some of the names may be numbers alone
        if not items["id"].isin(old.items["id"]).any():
            raise BadInput(
                f"{where}: its items have ids of another type; give the same, or choose another --out"
            )
    place = pd.Index(old.items["id"]).get_indexer(items["id"])
    for name in {"text", "key"} & {*old.items} & {*items}:
        ours, theirs = (one.reset_index(drop=True) for one in (items[name], old.items[name].iloc[place]))
        differs = ((place >= 0) & (ours != theirs) & ours.notna() & theirs.notna()).to_numpy()
        if differs.any():
            item = items["id"].iloc[int(differs.argmax())]
            raise BadInput(
                f"{where}: item {item!r:.80} is recorded with another {name}; choose another --out"
            )
    is_new = place < 0
    place = np.where(is_new, len(old.items) + np.cumsum(is_new) - 1, place)
    every = pd.concat([old.items, items[is_new]], ignore_index=True)
    rows = rows.assign(item=place[rows["item"]])
    has_name = rows["trial"].notna()
    new = _conflict(old.rows, rows[has_name], every["id"], model)
    without_name, before = rows[~has_name], old.rows[old.rows["trial"].isna()]
    if len(without_name) and len(before) and not add:
        if not any(_alike(without_name, batch) for _, batch in before.groupby(_BATCH)):
            raise BadInput(
                f"{where}: has outcomes without a trial, and these are others; join them with --add, name "
                "the trials, or choose another --out"
            )
        without_name = without_name[:0]
    new = pd.concat([new, without_name])
    if new.empty and not is_new.any():
        return old
    batch = int(old.rows[_BATCH].max()) + 1
    return Outcomes(every, pd.concat([old.rows, new.assign(batch=batch)], ignore_index=True))


def _alike(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Are they the same rows, in any order?"""
    columns = ["item", "count", "correct", "answer"]
    sides = [side[columns].fillna({"answer": ""}).sort_values(columns) for side in (one, other)]
    return len(one) == len(other) and bool((sides[0].to_numpy() == sides[1].to_numpy()).all())


def _file(frame: pd.DataFrame, name: str, schema: pa.Schema | None = None) -> tuple[str, bytes]:
    """The name and the bytes of a table; the name tells what is in it, so that no file is written over."""
    buffer = io.BytesIO()
    table = pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()
    pq.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue()
    return f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.parquet", content


def record_outcomes(
    path: Path,
    items: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    model: str,
    trials_are: TrialsAre = "rollouts",
    add: bool = False,
    dry: bool = False,
) -> None:
    """Write the run of one ``model`` in the folder ``path``, or join ``rows`` to what it has.

    Rows whose trial is recorded change nothing, nor do rows without a trial that are all recorded; others
    without a trial are refused unless they are to ``add``. With ``dry`` all is checked and nothing written.
    """
    positions, own = np.unique(rows["item"], return_inverse=True)  # a model need not have every item
    items = items.iloc[positions].reset_index(drop=True)
    rows = rows.assign(item=own)[ROWS.names[:-1]]  # all but the batch
    if dry and not is_run(path):
        return
    with RunWriter(path, wait=_PATIENCE) as writer:
        outcomes = Outcomes(items, rows.assign(batch=0))
        if is_run(path):
            before = _outcomes_at(path, model, trials_are)
            outcomes = _join(before, items, rows, add, path)
            if outcomes is before:
                return
        if dry:
            return
        digest = hashlib.sha256("\0".join(map(str, outcomes.items["id"])).encode()).hexdigest()
        data = DatasetRef(
            train=SplitRef(fingerprint=digest, num_examples=len(outcomes.items)), classes=(), kind=ITEMS
        )
        spec = OutcomeSpec(data=data, network=model, trials_are=trials_are)
        contents = dict([_file(outcomes.items, "items"), _file(outcomes.rows, "outcomes", ROWS)])
        writer.write_files(spec, contents)


def _outcomes_at(path: Path, model: str, trials_are: TrialsAre) -> Outcomes:
    run = Run(path)
    if not run.is_outcomes:
        raise BadInput(f"{path}: is a run of another kind; choose another --out")
    if run.model != model:  # another process was first
        raise BadInput(f"{path}: is of the model {run.model!r:.80}, not {model!r:.80}; record them once more")
    if run.trials_are != trials_are:
        raise BadInput(f"{path}: its trials are {run.trials_are}, not {trials_are}; choose another --out")
    return run.outcomes


def model_folders(out: Path, models: Sequence[str]) -> dict[str, Path]:
    """The folder below ``out`` for each model: the one it has, or a new one of a name that can be one."""
    folders = {}
    for child in sorted(out.iterdir()) if out.is_dir() else ():
        if is_run(child) and (run := Run(child)).is_outcomes:
            folders[run.model] = child
    in_use = {one.name.lower() for one in folders.values()}
    for model in models:
        if model in folders:
            continue
        stem = _STEM.sub("_", model).encode()[:_LONGEST_STEM].decode(errors="ignore").strip(".") or "model"
        stem = f"model-{stem}" if _DEVICE.fullmatch(stem) else stem
        names = (stem if at == 1 else f"{stem}-{at}" for at in range(1, len(in_use) + 2))
        name = next(one for one in names if one.lower() not in in_use)
        in_use.add(name.lower())
        folders[model] = out / name
    return {model: folders[model] for model in models}
