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
from easiness.spec import ITEMS, DatasetRef, OutcomeSpec, SplitRef, TrialsAre, content_hash
from easiness.store.outcomes import ROWS, Outcomes
from easiness.store.run import Run
from easiness.store.run_folder import is_run
from easiness.store.writer import RunWriter

_COLUMNS = ROWS.names[:-1]  # all but the batch
_STEM = re.compile(r"[^\w.+=-]+")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)\d)(\..*)?")  # no names of files on Windows
_LONGEST_STEM = 120  # bytes
_PATIENCE = 60  # seconds, for another process that records


def _join(old: Outcomes, items: pd.DataFrame, rows: pd.DataFrame, add: bool, where: Path) -> Outcomes:
    """The outcomes with further ``rows``, at positions of ``items``; ``old`` itself where nothing is new."""
    if (old.items["id"].dtype == np.int64) != (items["id"].dtype == np.int64):
        items = items.assign(id=items["id"].map(str))  # some of the names may be numbers alone
        if not items["id"].isin(old.items["id"]).any():
            raise BadInput(
                f"{where}: its items have ids of another type; give the same, or choose another --out"
            )
    every = pd.concat([old.items, items], ignore_index=True)
    for name in {"text", "key"} & {*every}:
        known = every[["id", name]].dropna().drop_duplicates()
        if not known["id"].is_unique:
            what = f"item {known['id'][known['id'].duplicated()].iloc[0]!r:.80}"
            raise BadInput(f"{where}: {what} is recorded with another {name}; choose another --out")
    every = every.drop_duplicates("id", ignore_index=True)
    rows = rows.assign(item=pd.Index(every["id"]).get_indexer(items["id"])[rows["item"]])
    with_name = (
        pd.concat([old.rows, rows], ignore_index=True).dropna(subset="trial").drop_duplicates(_COLUMNS)
    )
    conflicts = with_name[with_name.duplicated(["item", "trial"])]
    if len(conflicts):
        row = conflicts.iloc[0]
        raise BadInput(
            f"{where}: item {every['id'][row['item']]!r:.80}, trial {row['trial']!r:.80} is recorded with "
            "another outcome; name new trials otherwise, or choose another --out"
        )
    nameless, before = rows[rows["trial"].isna()], old.rows[old.rows["trial"].isna()]
    if len(nameless) and len(before) and not add:
        if not any(_alike(nameless, batch) for _, batch in before.groupby("batch")):
            raise BadInput(
                f"{where}: has outcomes without a trial, and these are others; join them with --add, name "
                "the trials, or choose another --out"
            )
        nameless = nameless[:0]
    new = pd.concat([with_name[with_name.index >= len(old.rows)], nameless])
    if new.empty and len(every) == len(old.items):
        return old
    new = new.assign(batch=old.rows["batch"].max() + 1)
    return Outcomes(every, pd.concat([old.rows, new], ignore_index=True))


def _alike(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Are they the same rows, in any order?"""
    sides = [side[_COLUMNS].fillna("").sort_values(_COLUMNS).to_numpy() for side in (one, other)]
    return np.array_equal(*sides)


def record_outcomes(
    path: Path,
    items: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    model: str,
    trials_are: TrialsAre = "rollouts",
    add: bool = False,
    dry: bool = False,
) -> int | None:
    """Write the run of one ``model`` in the folder ``path``, or join ``rows`` to what it has.

    Rows whose trial is recorded change nothing, nor do rows without a trial that are all recorded; others
    without a trial are refused unless they are to ``add``. With ``dry`` all is checked and nothing written.
    The result is the number of trials that are new, or None where the run itself is.
    """
    positions, own = np.unique(rows["item"], return_inverse=True)  # a model need not have every item
    items = items.iloc[positions].reset_index(drop=True)
    rows = rows.assign(item=own)[_COLUMNS]
    if dry and not is_run(path):
        return None
    num_new = None
    with RunWriter(path, wait=_PATIENCE) as writer:
        outcomes = Outcomes(items, rows.assign(batch=0))
        if is_run(path):
            before = _outcomes_at(path, model, trials_are)
            outcomes = _join(before, items, rows, add, path)
            num_new = int(outcomes.trials.sum() - before.trials.sum())
        if dry or num_new == 0:
            return num_new
        ids = [str(one) for one in outcomes.items["id"]]
        train = SplitRef(fingerprint=content_hash(ids), num_examples=len(ids))
        data = DatasetRef(train=train, classes=(), kind=ITEMS)
        contents = {}
        for name, frame, schema in (("items", outcomes.items, None), ("outcomes", outcomes.rows, ROWS)):
            buffer = io.BytesIO()
            table = pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()
            pq.write_table(table, buffer, compression="zstd")
            digest = hashlib.sha256(buffer.getvalue()).hexdigest()
            contents[f"{name}-{digest[:12]}.parquet"] = buffer.getvalue()  # so that none is written over
        writer.write_files(OutcomeSpec(data=data, network=model, trials_are=trials_are), contents)
    return num_new


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
