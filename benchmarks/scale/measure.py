"""Costs of a trial beside its training, a million examples at a time: for the plan in docs/scale.md.

Each part works in a process of its own. Seconds are of processor time, which says more on a shared machine;
bytes are as stored or as sent. Numbers that the page on speed has are read from its tables. All of them are
kept in measured.json, with command, machine and date.

    python benchmarks/scale/measure.py [--only PART ...]
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import ROOT, measured
from kit.rounds import timed
from scale.model import MEASURED

# Nothing heavy is imported up here: a process counts what its parent held when it was started.

TABLES = ROOT / "docs" / "benchmarks"
MIB = 2**20
EXAMPLES, EPOCHS = 1_281_167, 20


def seconds(function):
    began = time.process_time()
    result = function()
    return time.process_time() - began, result


def record(folder):
    import duckdb
    import numpy as np
    from ray import cloudpickle

    from easiness.records import TrialRecord
    from easiness.spec import RecordedSpec, content_hash
    from easiness.store import RunWriter
    from speed.records import CLASSES, observe, paths_of, reference

    rng, cells = np.random.default_rng(0), EXAMPLES * EPOCHS
    labels = np.sort(np.arange(EXAMPLES) % CLASSES)
    seen = observe(rng.gamma(2, 1.5, EXAMPLES).astype(np.float32), labels, EPOCHS, rng)
    packing, content = seconds(partial(cloudpickle.dumps, TrialRecord(probes={"train": seen})))
    del seen
    unpacking, trial = seconds(partial(cloudpickle.loads, content))
    sent = len(content)
    del content
    ids, run = paths_of(labels), folder / "run"
    with RunWriter(run) as writer:
        writer.create(RecordedSpec(data=reference(EXAMPLES)), ids, labels)
        identity = {"index": 0, "seed": 0, "identity": content_hash(0)}
        writing, _ = seconds(lambda: writer.add(trial, {"train": ids}, **identity))
    file = next(run.glob("trials/*/train.parquet"))
    by_id = f"SELECT id, avg((prediction = label)::INT) AS p FROM '{file}' GROUP BY id"
    asking, _ = seconds(lambda: duckdb.sql(f"SELECT count(*), avg(p) FROM ({by_id})").fetchall())
    return {
        "record_bytes": (file.stat().st_size / cells, "bytes an observation, stored"),
        "sent_bytes": (sent / cells, "bytes an observation, from the node to the driver"),
        "packing_seconds": (packing / cells, "s an observation to make bytes of, on the node"),
        "unpacking_seconds": (unpacking / cells, "s an observation to make arrays of, in the driver"),
        "writing_seconds": (writing / cells, "s an observation to write, digest included"),
        "asking_seconds": (asking / cells, "s an observation for DuckDB's mean by id"),
    }


def logits(folder):
    import numpy as np

    from easiness.records import KeptLogits
    from easiness.store.trial import write_logits
    from speed.records import paths_of

    num, classes = 20_000, 1000
    values = np.random.default_rng(0).standard_normal((2, num, classes), np.float32)
    path = folder / "logits.parquet"
    write_logits(path, paths_of(np.arange(num) % classes), KeptLogits(np.arange(num), values), (1, 2))
    return {"logit_bytes": (path.stat().st_size / values.size, "bytes a logit, stored")}


def examples_in_memory(_folder):
    import tracemalloc

    import numpy as np

    from speed.records import paths_of

    tracemalloc.start()
    labels = np.sort(np.arange(EXAMPLES) % 1000)
    kept = paths_of(labels), labels.copy()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"held_bytes": (held / len(kept[0]), "bytes an example, path and labels, in memory")}


def photos(folder):
    from easiness import load_dataset
    from easiness.spec import Recipe
    from speed.photos import make_photos

    num = 400
    make_photos(folder / "photos", num)
    data, cache = load_dataset(str(folder / "photos")), folder / "cache"
    took, _ = seconds(lambda: data.packed(Recipe(crop=224), cache))
    kept = sum(file.stat().st_size for file in cache.iterdir()) / num
    return {
        "decoding_seconds": (took / num, "s a photo of 500 x 375 pixels to decode and reduce into the cache"),
        "cached_bytes": (kept, "bytes of such a photo in the cache"),
    }


def checkpoint(folder):
    import torch

    from easiness.store import CheckpointDocument, write_checkpoint

    tensors = {"observed": torch.randn(64_000_000)}
    document = CheckpointDocument(identity="a", easiness="b", torch="c", epoch=1, images=1, seconds=1)
    rate = 256e6 / timed(lambda: write_checkpoint(folder, 0, document, tensors))
    return {"checkpoint_rate": (rate, "bytes a passing second of a checkpoint, fsync and digest included")}


def network(_folder):
    import torchvision

    net = torchvision.models.resnet50(weights=None)
    kept = sum(p.numel() for p in net.parameters()) * 4
    kept += sum(b.numel() * b.element_size() for b in net.buffers())
    return {"resnet50_bytes": (kept, "bytes of weights and buffers of ResNet-50")}


def dispatch(_folder):
    from easiness.executors import Needs, make_executor

    executor, num = make_executor("ray", 2, Needs(1), None), 3000
    list(executor.run(abs, range(200)))  # workers have started
    took, _ = seconds(lambda: [outcome.value for outcome in executor.run(abs, range(num))])
    executor.close()
    return {"dispatch_seconds": (took / num, "s of the driver an item through Ray")}


def store(folder):
    from easiness import measure
    from easiness.records import TrialRecord
    from easiness.spec import content_hash
    from easiness.store import RunWriter

    settings = {"model": "mlp_1_w4", "limit": 20, "trials": 1, "epochs": 1, "precision": "float32"}
    run = measure("digits", **settings, jobs=1, keep_weights=False, progress=False, out=folder / "run")
    again = TrialRecord(probes={"train": run.trials[0].observations(len(run.classes))})
    with RunWriter(folder / "other") as writer:
        writer.create(run.spec, run.ids, run.labels)
        add = partial(writer.add, again, {"train": run.ids}, seed=0)
        took = [timed(partial(add, index=at, identity=content_hash(at))) for at in range(500)]
    fast = statistics.quantiles(took, n=10)[0]
    what = "s that pass as the driver stores a trial of 20 examples, fsync included; the fastest tenth of 500"
    return {"store_seconds": (fast, what)}


PARTS = {
    one.__name__: one
    for one in (record, logits, examples_in_memory, photos, checkpoint, network, dispatch, store)
}


def from_benchmarks():
    """Numbers on scores, comparisons and photos from the page on speed, with where and when."""
    reports = json.loads((ROOT / "benchmarks" / "found.json").read_text())
    of_records, of_photos = reports["records"], reports["photos"]
    found, rows = {}, list(csv.DictReader((TABLES / "records.csv").open()))
    for command, name in (("scores", "scoring"), ("compare (expected, refine)", "comparing")):
        few, many = [row for row in rows if row["command"] == command][-2:]
        less, more = (float(row["examples"]) for row in (few, many))
        base, peak = (float(row["peak MiB"]) * MIB for row in (few, many))
        an_example, word = (peak - base) / (more - less), f"`{command.split(' ')[0]}`"
        base -= less * an_example
        found[f"{name}_bytes"] = entry(an_example, f"{word}: bytes of memory an example", of_records)
        found[f"{name}_base_bytes"] = entry(base, f"{word}: bytes of memory beside these", of_records)
        if name == "scoring":
            each = float(many["CPU s"]) / (more * 10 * 20)
            found["scoring_seconds"] = entry(each, f"{word}: s an example, trial and epoch", of_records)
    crops, centres = (
        float(row["easiness"]) / 2 for row in csv.DictReader((TABLES / "photos-rates.csv").open())
    )
    found["crops_rate"] = entry(crops, "random crops to train on, a second and core", of_photos)
    found["centres_rate"] = entry(centres, "centre crops to evaluate, a second and core", of_photos)
    return found


def entry(value, what, where):
    where = {key: where[key] for key in ("command", "measured")}
    return {"value": float(f"{value:.4g}"), "what": what, **where}


def keep(found):
    known = json.loads(MEASURED.read_text())
    MEASURED.write_text(json.dumps(dict(sorted((known | found).items())), indent=1) + "\n")


def measure_part(name):
    with tempfile.TemporaryDirectory() as folder:
        found = PARTS[name](Path(folder))
    where = {"command": f"python benchmarks/scale/measure.py --only {name}", "measured": measured()}
    keep({key: entry(value, what, where) for key, (value, what) in found.items()})
    for key, (value, what) in found.items():
        print(f"{key}: {value:.4g} {what}", flush=True)


def main():
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    keep(from_benchmarks())
    for name in made.parse_args().only:
        process = multiprocessing.get_context("spawn").Process(target=measure_part, args=(name,))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(f"{name} ended with {process.exitcode}")


if __name__ == "__main__":
    main()
