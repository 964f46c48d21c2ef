"""The parts of `measure.py`, each in a process of its own: names with a number and what it is.

Each is told how many examples and epochs there are, and given a folder. Nothing heavy is imported up here.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path


def seconds(function):
    """Processor seconds of a call, and what it gives."""
    began = time.process_time()
    result = function()
    return time.process_time() - began, result


def record_of(examples, epochs):
    import numpy as np

    from speed.records import CLASSES, observe

    rng = np.random.default_rng(0)
    labels = np.sort(np.arange(examples) % CLASSES)
    difficulty = rng.gamma(2, 1.5, examples).astype(np.float32)
    return labels, observe(difficulty, labels, epochs, rng)


def paths_of(labels):
    import numpy as np

    texts = [f"train/n{1440764 + k:08d}/n{1440764 + k:08d}_{i}.JPEG" for i, k in enumerate(labels)]
    return np.array(texts, dtype=object)


def record(examples, epochs, folder):
    """Bytes and seconds of one trial: made into bytes, read from bytes, written, read, asked by DuckDB."""
    import duckdb
    from ray import cloudpickle

    from easiness.records import TrialRecord
    from easiness.spec import DatasetRef, RecordedSpec, SplitRef, content_hash
    from easiness.store import RunWriter, open_run

    labels, seen = record_of(examples, epochs)
    ids, cells = paths_of(labels), examples * epochs
    packing, content = seconds(partial(cloudpickle.dumps, TrialRecord(probes={"train": seen})))
    del seen
    unpacking, trial = seconds(partial(cloudpickle.loads, content))
    sent = len(content)
    del content
    data = DatasetRef(
        train=SplitRef(fingerprint=content_hash(examples), num_examples=examples),
        classes=tuple(f"n{1440764 + k:08d}" for k in range(1000)),
    )
    run = Path(folder) / "run"
    with RunWriter(run) as writer:
        writer.create(RecordedSpec(data=data), ids, labels)
        identity = {"index": 0, "seed": 0, "identity": content_hash(0)}
        writing, _ = seconds(lambda: writer.add(trial, {"train": ids}, **identity))
    file = next(run.glob("trials/*/train.parquet"))
    (stored,) = open_run(run).trials
    checking, _ = seconds(stored.check)
    reading, _ = seconds(lambda: [None for _ in stored.blocks(1000, epochs, "train")])
    by_id = f"SELECT id, avg((prediction = label)::INT) AS p FROM '{file}' GROUP BY id"
    query = f"SELECT count(*), avg(p) FROM ({by_id})"
    asking, _ = seconds(lambda: duckdb.sql(query).fetchall())
    return {
        "record_bytes": (file.stat().st_size / cells, "bytes an observation, stored"),
        "sent_bytes": (sent / cells, "bytes an observation, from the node to the driver"),
        "packing_seconds": (packing / cells, "s an observation to make bytes of, on the node"),
        "unpacking_seconds": (unpacking / cells, "s an observation to make arrays of, in the driver"),
        "writing_seconds": (writing / cells, "s an observation to write, digest included"),
        "checking_seconds": (checking / cells, "s an observation to compare with its digest"),
        "reading_seconds": (reading / cells, "s an observation to read, all columns"),
        "asking_seconds": (asking / cells, "s an observation for DuckDB's mean by id"),
    }


def logits(_examples, _epochs, folder):
    """Bytes and seconds of logits of 1,000 classes, of fewer examples."""
    import numpy as np

    from easiness.records import KeptLogits
    from easiness.store.trial import write_logits

    num, classes = 20_000, 1000
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, num, classes), np.float32)
    kept = KeptLogits(np.arange(num), values)
    path = Path(folder) / "logits.parquet"
    took, _ = seconds(lambda: write_logits(path, paths_of(np.arange(num) % classes), kept, (1, 2)))
    return {
        "logit_bytes": (path.stat().st_size / values.size, "bytes a logit, stored"),
        "logit_seconds": (took / values.size, "s a logit to write"),
    }


def examples_in_memory(examples, _epochs, _folder):
    """What the driver holds of every example, and sends to each node, beside images."""
    import tracemalloc

    import numpy as np
    from ray import cloudpickle

    tracemalloc.start()
    labels = np.sort(np.arange(examples) % 1000)
    ids, true_labels = paths_of(labels), labels.copy()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    sent = len(cloudpickle.dumps((ids, labels, true_labels)))
    return {
        "held_bytes": (held / examples, "bytes an example, path and labels, in memory"),
        "sent_example_bytes": (sent / examples, "bytes an example, path and labels, sent"),
    }


def photos(_examples, _epochs, folder):
    """Seconds of a core to decode a photo of 500 x 375 pixels into the cache, and its bytes there."""
    import numpy as np
    from PIL import Image

    from easiness import load_dataset
    from easiness.spec import Recipe

    rng = np.random.default_rng(0)
    num = 400
    for at in range(num):
        # noise of few pixels made large has the detail of a photo, about
        small = Image.fromarray(rng.integers(0, 256, (94, 125, 3), dtype=np.uint8))
        place = Path(folder) / "photos" / f"class{at % 2}" / f"{at}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        small.resize((500, 375), Image.Resampling.BICUBIC).save(place, quality=90)
    size = sum(file.stat().st_size for file in Path(folder).rglob("*.jpg")) / num
    data = load_dataset(str(Path(folder) / "photos"))
    cache = Path(folder) / "cache"
    took, _ = seconds(lambda: data.packed(Recipe(crop=224), cache))
    kept = sum(file.stat().st_size for file in cache.iterdir()) / num
    return {
        "photo_bytes": (size, "bytes a photo of 500 x 375 pixels, made up, quality 90"),
        "decoding_seconds": (took / num, "s a photo of 500 x 375 pixels to decode and reduce into the cache"),
        "cached_bytes": (kept, "bytes of such a photo in the cache"),
    }


def checkpoint(_examples, _epochs, folder):
    """Seconds to write a checkpoint of 256 MB, as they pass: a disk takes part."""
    import torch

    from easiness.store import CheckpointDocument, write_checkpoint

    tensors = {"observed": torch.randn(64_000_000)}
    document = CheckpointDocument(identity="a", easiness="b", torch="c", epoch=1, images=1, seconds=1)
    began = time.perf_counter()
    write_checkpoint(Path(folder), 0, document, tensors)
    rate = 256e6 / (time.perf_counter() - began)
    return {"checkpoint_rate": (rate, "bytes a passing second of a checkpoint, fsync and digest included")}


def network(_examples, _epochs, _folder):
    """Numbers of ResNet-50."""
    import torchvision

    net = torchvision.models.resnet50(weights=None)
    weights = sum(p.numel() for p in net.parameters()) * 4
    buffers = sum(b.numel() * b.element_size() for b in net.buffers())
    return {"resnet50_bytes": (weights + buffers, "bytes of weights and buffers of ResNet-50")}


def dispatch(_examples, _epochs, _folder):
    """The driver's time for an item that does nothing, through Ray."""
    from easiness.executors import Needs, make_executor

    executor = make_executor("ray", 2, Needs(1), None)
    for _ in executor.run(abs, range(200)):  # workers have started
        pass
    num = 3000
    took, _ = seconds(lambda: [outcome.value for outcome in executor.run(abs, range(num))])
    executor.close()
    return {"dispatch_seconds": (took / num, "s of the driver an item through Ray")}


def one_trial(path):
    """A run of one tiny trial."""
    from easiness import measure

    settings = {"model": "mlp_1_w4", "limit": 20, "trials": 1, "epochs": 1, "precision": "float32"}
    return measure("digits", **settings, jobs=1, keep_weights=False, progress=False, out=path)


def store(_examples, _epochs, folder):
    """The driver's time to store a tiny trial, as it passes, since a disk takes part."""
    from easiness.records import TrialRecord
    from easiness.spec import content_hash
    from easiness.store import RunWriter

    run = one_trial(Path(folder) / "run")
    (first,) = run.trials
    again, took = TrialRecord(probes={"train": first.observations(len(run.classes))}), []
    with RunWriter(Path(folder) / "other") as writer:
        writer.create(run.spec, run.ids, run.labels)
        for at in range(500):
            began = time.perf_counter()
            writer.add(again, {"train": run.ids}, index=at, seed=0, identity=content_hash(at))
            took.append(time.perf_counter() - began)
    fast = statistics.quantiles(took, n=10)[0]
    what = "s that pass as the driver stores a trial of 20 examples, fsync included; the fastest tenth of 500"
    return {"store_seconds": (fast, what)}


def trials(_examples, _epochs, folder):
    """What a trial costs `status` where there are very many."""
    from easiness import open_run
    from speed import load

    sizes, found = (2_000, 20_000), {}
    for size in sizes:
        at = Path(folder) / f"{size}"
        one_trial(at)
        load.multiply(at, size)
        open_run(at)
        found[size] = peak_and_seconds(["-m", "easiness", "status", str(at)])
    (few, few_seconds), (many, many_seconds) = found.values()
    more = sizes[1] - sizes[0]
    return {
        "trial_bytes": ((many - few) / more, "bytes of memory of `status` a trial"),
        "trial_seconds": ((many_seconds - few_seconds) / more, "s of `status` a trial, without an index"),
    }


def peak_and_seconds(arguments):
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


PARTS = {
    one.__name__: one
    for one in (record, logits, examples_in_memory, photos, checkpoint, network, dispatch, store, trials)
}
