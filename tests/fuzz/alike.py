"""Runs altered alike in every file that says the same, with all digests: nothing contradicts anything."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from json_mutations import VALUES, places
from refitted import EXAMPLES, RUN, TRIAL, refit, sealed_run, sealed_trial

from easiness.spec import TrialSpec

NAMES = (
    *("", " ", "a\nb", "a\r", "\x1b[2J", "=1+1", " =1", "\u202eabc", "x" * 3000, "$\\frac{$"),
    *("界", "<b>", "NaN", "../..", "٣"),
)
"""What a person may call an example, a class or a tensor."""
_Ids = Callable[[list[Any]], list[Any]]
_TEXTS: tuple[_Ids, ...] = (
    *((lambda ids, name=name: [f"{name}{at}" for at, _ in enumerate(ids)]) for name in NAMES),
    lambda ids: [NAMES[at] if at < len(NAMES) else f"n{one}" for at, one in enumerate(ids)],
)
_WHOLE: tuple[_Ids, ...] = (
    lambda ids: [ids[0]] * len(ids),
    lambda ids: [2**63 - 1, *ids[1:]],
    lambda ids: [-(2**63), *ids[1:]],
    lambda ids: [-1 - at for at, _ in enumerate(ids)],
    lambda ids: [10**6, *ids[1:]],
    lambda ids: [*range(len(ids))],
    lambda ids: ids[::-1],
)


def _tables(run: Path) -> Iterator[Path]:
    yield run / EXAMPLES
    yield from sorted(run.glob("trials/*/*.parquet"))


def _ids(rng: np.random.Generator, run: Path) -> str:
    """Other ids in the list of examples and in every trial."""
    kinds = (*_WHOLE, *_TEXTS)
    at = int(rng.integers(len(kinds)))
    split = "held_out" if rng.random() < 0.2 else "train"
    for file in _tables(run):
        if file.name == EXAMPLES or file.name.startswith(split):
            with pq.ParquetFile(file) as content:
                groups = [content.read_row_group(one) for one in range(content.num_row_groups)]
            if (split == "held_out" and file.name == EXAMPLES) or "id" not in groups[0].schema.names:
                continue
            made = []
            for group in groups:
                place = group.schema.names.index("id")
                values = pa.array(kinds[at](group.column("id").to_pylist()))
                made.append(group.set_column(place, "id", values))
            written = io.BytesIO()
            with pq.ParquetWriter(written, made[0].schema) as writer:
                for group in made:
                    writer.write_table(group, row_group_size=max(len(group), 1))
            file.write_bytes(written.getvalue())
            refit(file)
    return f"ids of {split} by {at}"


def _tensors(rng: np.random.Generator, run: Path) -> str:
    """A tensor called otherwise in the weights of every trial, or of another type."""
    which, name = rng.random(), str(rng.choice([*NAMES[:10], "0.weight", "features_0.scale", "a.b.c"]))
    for file in sorted(run.glob("trials/*/weights.safetensors")):
        content = file.read_bytes()
        (num,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + num])
        keys = [key for key in header if key != "__metadata__"]
        key = keys[int(which * len(keys))]
        header[name] = header.pop(key)
        text = json.dumps(header).encode()
        file.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + num :])
        refit(file)
    return f"tensor {which:.2f} is {name[:20]!r}"


def _spec(rng: np.random.Generator, run: Path) -> str:
    """Another value in what the run was to be, in its description and in every trial."""
    document = json.loads((run / RUN).read_bytes())
    found = [*places(document["spec"])]
    place = found[int(rng.integers(len(found)))]
    names = place[:2] == ("data", "classes") or place[-1] in ("source", "name", "model", "network")
    value = str(rng.choice(NAMES)) if names and rng.random() < 0.8 else VALUES[int(rng.integers(len(VALUES)))]
    _put(document["spec"], place, value)
    (run / RUN).write_bytes(json.dumps(sealed_run(document)).encode(errors="surrogatepass"))
    for file in sorted(run.glob(f"trials/*/{TRIAL}")):
        trial = json.loads(file.read_bytes())["trial"]
        if isinstance(trial.get("spec"), dict) and _put(trial["spec"], place, value):
            try:
                trial["hash"] = TrialSpec.model_validate(trial["spec"]).hash
            except (ValueError, TypeError, UnicodeError):
                continue
        if place == ("epochs",):
            trial["epochs"] = value
        file.write_bytes(json.dumps(sealed_trial(trial)).encode(errors="surrogatepass"))
        file.parent.rename(file.parent.with_name(f"{trial['index']:04d}-{trial['hash'][:12]}"))
    return f"{'/'.join(map(str, place))} is {str(value)[:30]!r} everywhere"


def _put(holder: Any, place: tuple[Any, ...], value: Any) -> bool:
    for key in place[:-1]:
        try:
            holder = holder[key]
        except (KeyError, IndexError, TypeError):
            return False
    try:
        holder[place[-1]] = value
    except (IndexError, TypeError):
        return False
    return True


def altered_alike(rng: np.random.Generator, run: Path) -> str:
    """Alter a run in one of these ways; says how."""
    return (_ids, _tensors, _spec, _spec)[int(rng.integers(4))](rng, run)
