"""From data to a list of suspect labels: easiness beside cleanlab, dataset cartography and AUM.

A tenth of the labels is made wrong: `uniform` gives an example any other class, `confusable` draws it from
what another classifier, which learned from other pictures, makes of the picture, as people confuse them.
Every tool works as its users write it (benchmarks/baselines/list_makers.py), in a process of its own that
begins with nothing and ends with the list, in turn with the others. All features are those of the same
network.

Cells are kept in `--runs`: the command goes on where it was stopped. `--draws 0` measures nothing and writes
the page of what there is. PHOTOS has class folders in `train` and in `val`. `--kinds features` leaves out
networks from nothing, which take longest: without them a draw takes half an hour on two quiet cores.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import count, product, takewhile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from baselines.list_makers import features
from kit.results import measured
from kit.science import options as asked, publish
from science.feature_labels import images_of, judged, made_wrong, told_by_another

RATE = 0.1
IMAGES, EPOCHS, MODEL = 5_000, 10, "wrn_16_1"  # of CIFAR-10; of networks from nothing
LABELS = ("uniform", "confusable")
TOOLS = {
    "easiness": "easiness",
    "cleanlab": "cleanlab, 5 folds",
    "cartography": "cartography, confidence",
    "aum": "AUM",
}
SETTINGS = (("photos", "features"), ("cifar10", "features"), ("cifar10", "network"))
SCRIPT = Path(__file__).parents[1] / "baselines" / "list_makers.py"


def planted_photos(source, labels, draw, runs):
    """A folder of class folders in which some photos lie in another's, and by id whether that is so."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    kept = runs / "photos.npz"
    if not kept.exists():
        (x, ids, y), (other, _, told) = features(source / "train"), features(source / "val")
        scale = StandardScaler().fit(other)
        teacher = LogisticRegression(C=1e-3, max_iter=300).fit(scale.transform(other), told)
        np.savez(kept, ids=ids, y=y, log_p=teacher.predict_log_proba(scale.transform(x)))
    found = np.load(kept)
    given = made_wrong(found["y"], labels, RATE, found["log_p"], draw)
    classes = sorted(one.name for one in (source / "train").iterdir())
    folder = runs / f"photos-{labels}-{draw}"
    for one, label in zip(found["ids"], given, strict=True):
        file = folder / classes[label] / one.replace("/", "_")
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / "train" / one, file)
    names = [f"{classes[g]}/{one.replace('/', '_')}" for one, g in zip(found["ids"], given, strict=True)]
    return folder, dict(zip(names, (given != found["y"]).tolist(), strict=True))


def planted_images(source, labels, draw, runs):
    """A file of images and labels, some of them wrong, and by row whether that is so."""
    images, truth = images_of(source, 0)
    images, truth = images[:IMAGES], truth[:IMAGES]
    log_p = told_by_another(source, runs) if labels == "confusable" else None
    given = made_wrong(truth, labels, RATE, log_p if log_p is None else log_p[:IMAGES], draw)
    file = runs / f"cifar10-{labels}-{draw}.npz"
    if not file.exists():
        np.savez(file, x=images, y=given)
    return file, dict(enumerate((given != truth).tolist()))


def ours(kind, source, out):
    program = [sys.executable, "-m", "easiness"]
    how = ["--features", "auto"]
    if kind == "network":
        how = ["--model", MODEL, "--epochs", str(EPOCHS), "--trials", "5"]
    return [[*program, "measure", str(source), "--out", str(out), *how], [*program, "suspects", str(out)]]


def listed(tool, out):
    """By id the score, whether the tool calls it an issue, and the probability that it is wrong."""
    if tool != "easiness":
        found = dict(np.load(out))
        ids = found.pop("ids").tolist()
        return {name: dict(zip(ids, values.tolist(), strict=True)) for name, values in found.items()}
    ranked = ez.suspects(ez.open_run(out), pictures=False, progress=False).ranked
    ids = ranked["id"].tolist()
    return {
        "score": dict(zip(ids, range(len(ids), 0, -1), strict=True)),
        "p": dict(zip(ids, ranked["p_wrong"].tolist(), strict=True)),
    }


def cell(tool, kind, source, wrong):
    # nothing is known of the pictures beforehand: caches lie in its own folder, or beside what it writes
    with tempfile.TemporaryDirectory() as fresh:
        out = Path(fresh) / "out" / ("run" if tool == "easiness" else "list.npz")
        out.parent.mkdir()
        commands = ours(kind, source, out)
        if tool != "easiness":
            commands = [[sys.executable, str(SCRIPT), tool, kind, str(source), str(out)]]
        environment = os.environ | {"EASINESS_CACHE": f"{fresh}/cache"}
        processor, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, env=environment)
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = listed(tool, out)
    truth = np.array([wrong[one] for one in found["score"]])
    p = np.array([found["p"][one] for one in found["score"]]) if "p" in found else np.zeros(len(truth))
    quality = judged(truth, np.array(list(found["score"].values())), p)
    said = sum(found["issue"].values()) if "issue" in found else p.sum()
    return {
        "seconds": seconds,
        "processor": after.ru_utime + after.ru_stime - processor.ru_utime - processor.ru_stime,
        "ap": quality["ap"],
        "said": float(said / truth.sum()) if "p" in found else None,
        "error": quality["error"] if "p" in found else None,
        "measured": measured(),
    }


def file_of(runs, data, kind, labels, draw, tool):
    return runs / f"{data}-{kind}-{labels}-{draw}-{tool}.json"


def carry_out(options):
    sources = {"photos": options.photos, "cifar10": options.cifar10}
    for draw, (data, kind), labels in product(range(options.draws), SETTINGS, LABELS):
        files = {tool: file_of(options.runs, data, kind, labels, draw, tool) for tool in TOOLS}
        given = sources[data] is not None and kind in options.kinds
        if not given or all(file.exists() for file in files.values()):
            continue
        if data == "photos":
            source, wrong = planted_photos(options.photos, labels, draw, options.runs)
        else:
            source, wrong = planted_images(options.cifar10, labels, draw, options.runs)
        for tool, file in files.items():
            if not file.exists():
                found = cell(tool, kind, source, wrong)
                file.write_text(json.dumps(found) + "\n")
                print(data, kind, labels, draw, tool, found, flush=True)


def whole(runs, data, kind):
    """The draws that every tool was given, with labels of both kinds."""
    every = [file_of(runs, data, kind, labels, "{}", tool).name for labels in LABELS for tool in TOOLS]
    return list(takewhile(lambda at: all((runs / name.format(at)).exists() for name in every), count()))


def known(runs, data, kind, labels, tool):
    files = (file_of(runs, data, kind, labels, draw, tool) for draw in whole(runs, data, kind))
    return [json.loads(file.read_text()) for file in files]


def spread(values, form):
    if not values or values[0] is None:
        return ""
    return f"{statistics.mean(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def rows_of(runs, data, kind):
    for tool, name in TOOLS.items():
        found = {labels: known(runs, data, kind, labels, tool) for labels in LABELS}
        if not all(found.values()):
            return
        every = [one for ones in found.values() for one in ones]
        yield [
            name,
            f"{statistics.median(one['seconds'] for one in every):.0f}",
            *(spread([one["ap"] for one in found[labels]], ".3f") for labels in LABELS),
            *(spread([one["said"] for one in found[labels]], ".2f") for labels in LABELS),
            spread([one["error"] for one in every], ".3f"),
        ]


def best(runs):
    won, columns = dict.fromkeys(TOOLS, 0), 0
    for (data, kind), labels in product(SETTINGS, LABELS):
        found = {tool: known(runs, data, kind, labels, tool) for tool in TOOLS}
        if all(found.values()):
            means = {tool: statistics.mean(one["ap"] for one in ones) for tool, ones in found.items()}
            columns += 1
            for tool, mean in means.items():
                won[tool] += mean > max(means.values()) - 5e-4  # as much as is shown
    return won, columns


def page(options):
    every = [json.loads(file.read_text()) for file in sorted(options.runs.glob("*-*-*-*-*.json"))]
    won, columns = best(options.runs)
    print(f"the best order, or an equal one, of {columns} columns: {won}")
    heads = ["tool", "seconds", *(f"AP, {labels}" for labels in LABELS)]
    heads += [*(f"own account, {labels}" for labels in LABELS), "calibration error"]
    shown = [(heads, rows) for one in SETTINGS if (rows := list(rows_of(options.runs, *one)))]
    publish(options.docs, "front-page", {}, *shown, made=max(one["measured"] for one in every))


def main():
    more = {
        "--photos": None,
        "--cifar10": None,  # as Parquet
        "--draws": 3,
        "--kinds": tuple(sorted({kind for _, kind in SETTINGS})),  # of list, to measure
    }
    options = asked(__doc__, runs="front-page", more=more)
    carry_out(options)
    page(options)


if __name__ == "__main__":
    main()
