"""Are slices that are harder found, others left alone, and do intervals hold? On worlds whose truth is known.

Worlds are simulated: a slice of 5 % is .15 harder, 40 columns explain nothing, one is the label. Beside are a
plain regression and SliceLine (Sagadeeva and Boehm 2021), where its package is: --field is its folder of
packages. With --data columns of real data are explained, and made-up columns tested beside how hard real
examples are. Whatever is finished is kept in --runs.
"""

from __future__ import annotations

import inspect
import sys
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, t

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import make_slices, slice_effects
from kit.pages import table as shown
from kit.science import ALONE, kept, options, publish
from science.slices_worlds import SMALL, WORLDS, World, null_columns, simulated, yes

PERMUTATIONS = 400
KINDS = ("others", "harder", "of 20", "slope", "pair")  # of slices, whose intervals are counted apart
WEIGHT, BESIDE = 0.99, 12  # SliceLine's alpha, as below 0.96 no slice of 5 % can score; and its draws
REAL_DRAWS = 100


def by_regression(values, slices, strata):
    """p-values of ordinary least squares on class and all single slices, as packages print them."""
    y = pd.DataFrame(values).mean().to_numpy()
    x = np.hstack([np.stack([one.weights for one in slices], 1), pd.get_dummies(strata).to_numpy(float)])
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    inverse = np.linalg.pinv(x.T @ x, hermitian=True)
    effect, freedom = inverse @ (x.T @ y), len(y) - np.linalg.matrix_rank(x.T @ x, hermitian=True)
    error = np.sqrt(np.maximum(np.diag(inverse), 1e-12) * ((y - x @ effect) ** 2).sum() / freedom)
    return 2 * t.sf(np.abs(effect / error), freedom)[: len(slices)]


def by_sliceline(values, columns):
    """The column of the best of SliceLine's slices of one value; empty where no score is above 0."""
    from sliceline.slicefinder import Slicefinder

    error = pd.DataFrame(values).mean()
    bins = {name: one if one.dtype == object else pd.qcut(one, 4) for name, one in columns.items()}
    table = pd.DataFrame({name: pd.factorize(one)[0] + 1 for name, one in bins.items() if name != "label"})
    finder = Slicefinder(alpha=WEIGHT, k=1, max_l=1, min_sup=SMALL, verbose=False)
    finder.fit(table[error.notna()].to_numpy(), error.dropna().to_numpy())
    best = [
        name for row in finder.top_slices_ for name, one in zip(table, row, strict=True) if one is not None
    ]
    return best[0] if best else ""


def held(told, slices, true):
    """How many intervals hold the truth, and how many there are, by kind of slice."""
    kind = np.array(
        ["slope" if one.value == "slope" else "pair" if one.within else "others" for one in slices]
    )
    kind[(kind == "others") & (true > 0)] = "harder"
    kind[(told.examples < 2 * SMALL) & np.isin(kind, ["others", "harder"])] = "of 20"
    holds, is_there = (told.low <= true) & (true <= told.high), np.isfinite(told.effect)
    return {one: [int(holds[at].sum()), int(at.sum())] for one in KINDS for at in [is_there & (kind == one)]}


def in_one(world, seed, has_sliceline):
    """What is said of one draw of a world: of its planted slice, of others, and of intervals."""
    values, columns, strata, group, truth = simulated(world, np.random.default_rng(seed))
    slices = make_slices(columns, pairs=world.planted == "pair")
    told = slice_effects(values, slices, strata, groups=group, seed=seed, permutations=PERMUTATIONS)
    keys = [(one.column, one.value) for one in slices]
    true = np.array([truth.get(key, 0.0) for key in keys])
    is_label = np.array([column == "label" for column, _ in keys])
    is_other = np.array([column not in {one for one, _ in truth} for column, _ in keys])
    found = {
        "quiet": not told.is_named[is_other & (true == 0)].any(),
        "label quiet": not np.isfinite(told.effect[is_label]).any() and not told.is_named[is_label].any(),
    }
    target = keys.index(next(iter(truth))) if truth else -1
    if truth:
        strength = np.nan_to_num(np.abs(told.effect) / (told.high - told.low))
        first = np.lexsort([-strength, np.where(told.is_named, 0, told.p_adjusted)])[0]
        found |= {"found": told.is_named[target], "first": told.is_named[target] and first == target}
    if world.planted != "pair" and world.values[0] < SMALL:
        some = np.flatnonzero(~is_label)
        p, is_null = by_regression(values, [slices[at] for at in some], strata), true[some] == 0
        found |= {"regression first": some[p.argmin()] == target} if truth else {}
        found |= {"Holm quiet": p[is_null].min() * len(p) > 0.05}
        found |= {"BH quiet": false_discovery_control(p)[is_null].min() > 0.05}
        if has_sliceline:
            best = by_sliceline(values, columns)
            found |= {"SliceLine first": best == keys[target][0]} if truth else {"SliceLine quiet": not best}
    return {"held": held(told, slices, true), **{key: bool(one) for key, one in found.items()}}


def in_world(world, draws, has_sliceline):
    return [in_one(world, seed, has_sliceline and seed < BESIDE) for seed in range(draws)]


def summary(draws):
    """Shares of the draws of a world, and of the intervals."""
    row = pd.DataFrame(draws).drop(columns="held").astype(float).mean().to_dict()
    for kind in KINDS:
        holds, num = np.sum([one["held"][kind] for one in draws], axis=0)
        row[f"{kind} held"] = holds / num if num else np.nan
    return row


def real_runs(folder, runs):
    """Name, run and columns by id: of heads on features, and of models that answered CRUXEval."""
    heads = {"model": "ridge", "trials": 10, **ALONE}
    sounds, texts = (ez.load_dataset(folder / name) for name in ("fsdd", "trec"))
    speakers = [str(one).split("/")[-1].split("_")[0] for one in sounds.ids]
    run = ez.measure(sounds, features=["logmel"], out=runs / "fsdd", **heads)
    yield "FSDD", run, pd.DataFrame({"id": sounds.ids, "speaker": speakers})
    whole = ez.load_dataset(min((folder / "cifar10").glob("train*.parquet")))
    is_dark = np.random.default_rng(0).random(5000) < 0.1
    pixels = np.where(is_dark[:, None, None, None], whole.array[:5000] // 4, whole.array[:5000])
    pictures = ez.load_dataset((pixels, whole.labels[:5000]), classes=whole.classes)
    run = ez.measure(pictures, features=["auto"], out=runs / "cifar10", **heads)
    yield "CIFAR-10, a tenth dark", run, pd.DataFrame({"id": pictures.ids, "dark": yes(is_dark)})
    run = ez.measure(texts, features=["hashed"], out=runs / "trec", **heads)
    words = pd.read_csv(folder / "trec" / "train.csv")["text"].str.split().str.len()
    yield "TREC", run, pd.DataFrame({"id": texts.ids, "words": words})
    table = folder / "outcomes" / "cruxeval-output.csv.gz"
    answers = pd.read_csv(table, keep_default_na=False).query("right == 1").groupby("item")["answer"].first()
    run = ez.record(table, trials_are="models", progress=False)
    yield "CRUXEval", run, pd.DataFrame({"id": answers.index, "length": answers.str.len().to_numpy()})


def hardness(run):
    """How hard examples were in the trials that judge them [N, K], and their classes [K]."""
    if run.is_outcomes:
        rows = run.outcomes.rows.assign(wrong=lambda rows: 1 - rows["correct"] / rows["count"])
        values = rows.pivot_table("wrong", "trial", "item").to_numpy()
        return values, np.zeros(values.shape[1], np.int64)
    pieces = [one.columns(run.resolve_at(None), ["prediction", "trained_on"]) for one in run.trials]
    wrong = np.stack([one["prediction"] != run.labels for one in pieces]).astype(float)
    return np.where(np.stack([one["trained_on"] for one in pieces]), np.nan, wrong), run.labels


def made_up(run):
    """How often none of 40 made-up columns is named beside real hardness, and intervals hold 0."""
    values, strata = hardness(run)
    world = World(num=values.shape[1], classes=int(strata.max()) + 1, follows=0.3)
    quiet, holds = [], []
    for seed in range(REAL_DRAWS):
        slices = make_slices(null_columns(world, strata, None, np.random.default_rng(seed)), pairs=False)
        told = slice_effects(values, slices, strata, seed=seed, permutations=PERMUTATIONS)
        quiet.append(not told.is_named.any())
        holds.append(((told.low <= 0) & (told.high >= 0))[np.isfinite(told.effect)].mean())
    return {"quiet": float(np.mean(quiet)), "held": float(np.mean(holds))}


def explained(run, metadata, file):
    """The first row of what `explain` says, and the number of rows."""
    metadata.to_csv(file, index=False)
    table = ez.explain(run, metadata=file, progress=False).table()
    return {"rows": len(table), "named rows": int(table["named"].sum()), **table.loc[0].to_dict()}


def goals(worlds, real):
    """Rows: what, the goal, the worst and the verdict."""
    of_kinds = worlds[[f"{kind} held" for kind in KINDS]].stack()
    of_kinds.index = [f"{world}, {kind.removesuffix(' held')}" for world, kind in of_kinds.index]
    held = (
        ("the planted slice is found", 0.9, worlds["found"]),
        ("it has the first place", 0.9, worlds["first"]),
        ("nothing else is named", 0.95, pd.concat([worlds["quiet"], real["quiet"]])),
        ("a column that is the label explains nothing", 1, worlds["label quiet"]),
        ("intervals hold", 0.93, pd.concat([of_kinds, real["held"]])),
    )
    found = []
    for what, goal, values in held:
        few = values.dropna().astype(float)
        missed = int((few < goal).sum())
        verdict = f"**missed** by {missed} of {len(few)}" if missed else "met"
        found.append((what, f"at least {goal}", f"{few.min():.3f} ({few.idxmin()})", verdict))
    return ("what", "goal", "worst", "verdict"), found


def write(docs, worlds, real):
    held = [f"{kind} held" for kind in KINDS]
    cells = {"world": "{name}", **{name: f"{{{name}:.2f}}" for name in ("found", "quiet")}}
    cells["intervals"] = "{least:.3f}"
    cells |= {name: f"{{{name}:.2f}}" for name in ("Holm quiet", "SliceLine first")}
    rows = worlds.assign(name=worlds.index, least=worlds[held].min(axis=1)).to_dict("records")
    of_real = {"data": "{name}", "first": "{column} {value}"}
    of_real |= {name: f"{{{name}:.2f}}" for name in ("effect", "low", "high")}
    of_real |= {"named": "{named rows} of {rows}", "made up, quiet": "{quiet:.2f}"}
    whole = {name: "{" + name + ":.4f}" for name in worlds}
    publish(
        docs,
        "slices",
        {"worlds": shown({"world": "{name}", **whole}, rows)},
        goals(worlds, real),
        shown(cells, rows),
        shown(of_real, real.assign(name=real.index).to_dict("records")),
    )


def main():
    asked = options(__doc__, runs="slices", more={"--data": None, "--field": None, "--draws": 25})
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    has_sliceline = find_spec("sliceline") is not None
    if not has_sliceline:
        print("SliceLine is left out: its package is not here; give its folder with --field", flush=True)
    estimator = f"{crc32(Path(inspect.getfile(inspect.unwrap(slice_effects))).read_bytes()):x}"
    worlds, real = {}, {}
    for name, world in WORLDS.items():
        file = asked.runs / f"{name}, {asked.draws}, {estimator}.json"
        worlds[name] = summary(kept(file, in_world, world, asked.draws, has_sliceline))
        print(name, {key: round(one, 3) for key, one in worlds[name].items()}, flush=True)
    for name, run, metadata in real_runs(asked.data, asked.runs) if asked.data else ():
        row = kept(asked.runs / f"{name}, {estimator}.json", made_up, run)
        real[name] = row | explained(run, metadata, asked.runs / f"{name}.csv")
        print(name, real[name], flush=True)
    empty = None if real else ["quiet", "held"]
    write(asked.docs, pd.DataFrame(worlds).T, pd.DataFrame(real, index=empty).T)


if __name__ == "__main__":
    main()
