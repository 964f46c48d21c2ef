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
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import false_discovery_control, t

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import make_slices, slice_effects
from kit.science import ALONE, kept, options

EFFECT, SHARE, SMALL, PERMUTATIONS = 0.15, 0.05, 20, 400
ROOM = 0.85  # of difficulties before a slice is harder, so that none is above 1
KINDS = ("others", "harder", "of 20", "slope", "pair")  # of slices, whose intervals are counted apart
WEIGHT, BESIDE = 0.99, 50  # SliceLine's alpha, as below 0.96 no slice of 5 % can score; and its draws
REAL_DRAWS = 100


class World(NamedTuple):
    """Examples, their difficulty, and how trials come to know it."""

    num: int = 4000
    trials: int = 5
    ease: str = "skewed"
    planted: str = "slice"
    is_probability: bool = False
    classes: int = 1
    follows: float = 0.0  # how far columns go along with the class, or with the group
    groups: int = 0
    luck: float = 0.0  # standard deviation of what a trial adds to a value, in a quarter of the columns
    judges: float = 1.0  # share of the examples that a trial judges
    values: tuple[int, int] = (2, 8)  # of a column, at least and below
    columns: int = 40


WORLDS = {
    "skewed": World(),
    "two groups": World(ease="two groups"),
    "luck, 5 trials": World(luck=0.05),
    "nothing harder, two groups": World(ease="two groups", planted="nothing"),
    "nothing harder, one trial": World(ease="logit", trials=1, planted="nothing"),
    "nothing harder, luck": World(trials=4, luck=0.05, planted="nothing"),
    "nothing harder, groups": World(groups=200, follows=1.0, planted="nothing"),
    "10,000 examples": World(num=10_000),
    "one trial": World(trials=1, ease="logit"),
    "heavy tails, 3 trials": World(trials=3, ease="heavy", is_probability=True),
    "20 unequal classes": World(classes=20, follows=0.5),
    "groups": World(groups=400),
    "groups that columns follow": World(groups=400, follows=1.0),
    "slices of 20": World(num=1000, values=(40, 50)),
    "slices of 20, heavy": World(num=1000, trials=1, ease="heavy", values=(40, 50)),
    "luck, 3 trials": World(trials=3, luck=0.05),
    "10 trials of 40 %": World(trials=10, judges=0.4, luck=0.02, ease="two groups"),
    "pairs of 10 columns": World(planted="pair", columns=8),
    "slopes": World(planted="slope", ease="logit"),
}
"""Constants were set on the first three, and on others like them; the rest were looked at afterwards."""


def difficulty(kind, num, draw):
    """Chances to be wrong [num]."""
    if kind == "two groups":
        return np.where(draw.random(num) < 0.2, 0.9, 0.03)
    if kind == "heavy":
        return np.minimum(0.02 * (1 + draw.pareto(1.2, num)), 1)
    return expit(draw.normal(-1, 1.5, num)) if kind == "logit" else draw.beta(0.4, 1.6, num)


def null_columns(world, strata, group, draw):
    """Columns that explain nothing at equal class: three in four categories, the rest numbers."""
    found = {}
    for at in range(world.columns):
        place = draw.random(world.num)
        if at % 2 and group is not None and world.follows:
            place = draw.random(world.groups)[group]
        elif at % 2:
            place = (1 - world.follows) * place + world.follows * strata / max(world.classes - 1, 1)
        num = int(draw.integers(*world.values))
        cuts = np.sort(draw.random(num - 1)) if num < SMALL else np.arange(1, num) / num
        names = np.array([f"v{one}" for one in range(num)], object)
        found[f"c{at}"] = np.exp(place) if at % 4 == 3 else names[np.searchsorted(cuts, place)]
    return found


def yes(where):
    return np.where(where, "yes", "no").astype(object)


def simulated(world, draw):
    """Values, columns, strata, groups, and true effects by (column, value), of the planted slice first."""
    strata, group = draw.integers(0, world.classes, world.num), None
    hard = difficulty(world.ease, world.num, draw) * np.linspace(1, 0.1, world.classes)[strata]
    if world.groups:
        group = draw.choice(world.groups, world.num, p=draw.dirichlet(np.full(world.groups, 2.0)))
        hard = 0.7 * hard + 0.3 * draw.beta(0.5, 1.5, world.groups)[group]
    columns, truth, hard = null_columns(world, strata, group, draw), {}, ROOM * hard
    rank = draw.permutation(world.num)
    if world.planted == "pair":
        one, other = draw.random((2, world.num)) < SHARE**0.5
        columns |= {"a": yes(one), "b": yes(other)}
        truth = {("a x b", "yes x yes"): EFFECT, **{(name, "yes"): EFFECT * SHARE**0.5 for name in "ab"}}
        hard = hard + EFFECT * (one & other)
    elif world.planted == "slope":
        columns["planted"], truth = np.exp(rank / world.num), {("planted", "slope"): EFFECT}
        hard = hard + EFFECT * rank / (world.num - 1)
    elif world.planted == "slice":
        slices = {"planted": rank < SHARE * world.num}
        slices |= {"small": rank >= world.num - SMALL} if world.values[0] > SMALL else {}
        for name, where in slices.items():
            columns[name], truth[name, "yes"], hard = yes(where), EFFECT, hard + EFFECT * where
    columns["label"] = np.array([f"class {one}" for one in strata], object)
    return in_trials(world, hard, columns, draw), columns, strata, group, truth


def in_trials(world, hard, columns, draw):
    """How hard each example was in each trial [N, K]; over all trials there could be the mean is ``hard``."""
    luck = np.zeros((world.trials, world.num))
    for values in [*columns.values()][::-4] if world.luck else ():
        at = pd.factorize(values if values.dtype == object else pd.qcut(values, 4))[0]
        luck += world.luck * draw.normal(size=(world.trials, at.max() + 1))[:, at]
    p, noise = hard + np.clip(luck, -0.24, 0.24) * 4 * hard * (1 - hard), draw.random(luck.shape)
    values = p + (noise - 0.5) * p * (1 - p) if world.is_probability else (noise < p).astype(float)
    return np.where(draw.random(p.shape) < world.judges, values, np.nan)


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
    found = {
        "quiet": not told.is_named[true == 0].any(),
        "label quiet": not np.isfinite(told.effect[is_label]).any() and not told.is_named[is_label].any(),
    }
    target = keys.index(next(iter(truth))) if truth else -1
    if truth:
        first = np.lexsort([-np.abs(told.effect), told.p_adjusted])[0]
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
    """Heads on features of real data, and columns by id, by name; models' answers for CRUXEval."""
    heads = {"model": "ridge", "trials": 10, **ALONE}
    sounds, texts = (ez.load_dataset(folder / name) for name in ("fsdd", "trec"))
    whole = ez.load_dataset(min((folder / "cifar10").glob("train*.parquet")))
    is_dark = np.random.default_rng(0).random(5000) < 0.1
    pixels = np.where(is_dark[:, None, None, None], whole.array[:5000] // 4, whole.array[:5000])
    pictures = ez.load_dataset((pixels, whole.labels[:5000]), classes=whole.classes)
    speakers = [str(one).split("/")[-1].split("_")[0] for one in sounds.ids]
    words = [len(text.split()) for text in pd.read_csv(folder / "trec" / "train.csv")["text"]]
    table = folder / "outcomes" / "cruxeval-output.csv.gz"
    answers = pd.read_csv(table, keep_default_na=False).query("right == 1").groupby("item")["answer"].first()
    return {
        "FSDD": (
            ez.measure(sounds, features=["logmel"], out=runs / "fsdd", **heads),
            pd.DataFrame({"id": sounds.ids, "speaker": speakers}),
        ),
        "CIFAR-10": (
            ez.measure(pictures, features=["auto"], out=runs / "cifar10", **heads),
            pd.DataFrame({"id": pictures.ids, "dark": yes(is_dark)}),
        ),
        "TREC": (
            ez.measure(texts, features=["hashed"], out=runs / "trec", **heads),
            pd.DataFrame({"id": texts.ids, "words": words}),
        ),
        "CRUXEval": (
            ez.record(table, trials_are="models", progress=False),
            pd.DataFrame({"id": answers.index, "length": answers.str.len().to_numpy()}),
        ),
    }


def hardness(run):
    """How hard examples were in the trials that judge them [N, K], and their classes [K]."""
    if run.is_outcomes:
        rows = run.outcomes.rows.assign(wrong=lambda rows: 1 - rows["correct"] / rows["count"])
        values = rows.pivot_table("wrong", "trial", "item").to_numpy()
        return values, np.zeros(values.shape[1], np.int64)
    pieces = [one.columns(run.resolve_at(None), ["prediction", "trained_on"]) for one in run.trials]
    wrong = np.stack([one["prediction"] != run.labels for one in pieces]).astype(float)
    return np.where(np.stack([one["trained_on"] for one in pieces]), np.nan, wrong), run.labels


def made_up(run, draws):
    """How often none of 40 made-up columns is named beside real hardness, and intervals hold 0."""
    values, strata = hardness(run)
    world = World(num=values.shape[1], classes=int(strata.max()) + 1, follows=0.3)
    quiet, holds = [], []
    for seed in range(draws):
        slices = make_slices(null_columns(world, strata, None, np.random.default_rng(seed)), pairs=False)
        told = slice_effects(values, slices, strata, seed=seed, permutations=PERMUTATIONS)
        quiet.append(not told.is_named.any())
        holds.append(((told.low <= 0) & (told.high >= 0))[np.isfinite(told.effect)].mean())
    return {"quiet": float(np.mean(quiet)), "held": float(np.mean(holds))}


def explained(run, metadata, file):
    """What `explain` says first of a run, and how many rows it tested."""
    metadata.to_csv(file, index=False)
    table = ez.explain(run, metadata=file, progress=False).table()
    row = table.loc[0, ["column", "value", "examples", "effect", "low", "high", "p_adjusted"]]
    return {
        "rows": len(table),
        **{name: getattr(one, "item", lambda one=one: one)() for name, one in row.items()},
    }


def goals(worlds, real):
    """Rows: what, the goal, the worst world and the verdict."""
    both = worlds[[f"{kind} held" for kind in KINDS]].stack()
    both.index = [f"{world}, {kind.removesuffix(' held')}" for world, kind in both.index]
    power = worlds[worlds["found"].notna()]
    quiet = pd.concat([worlds["quiet"], real["quiet"]]) if len(real) else worlds["quiet"]
    rows = []
    for what, goal, values in (
        ("the planted slice is found", 0.9, power["found"]),
        ("it has the first place", 0.9, power["first"]),
        ("nothing else is named", 0.95, quiet),
        ("a column that is the label explains nothing", 1.0, worlds["label quiet"]),
        ("intervals hold", 0.93, pd.concat([both, real["held"]]) if len(real) else both),
    ):
        missed = int((values < goal).sum())
        verdict = f"**missed** by {missed} of {len(values)}" if missed else "met"
        rows.append((what, f"at least {goal:g}", f"{values.min():.3f} ({values.idxmin()})", verdict))
    return ("what", "goal", "worst", "verdict"), rows


def main():
    asked = options(__doc__, runs="slices", more={"--data": None, "--field": None, "--draws": 25})
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    has_sliceline = find_spec("sliceline") is not None
    if not has_sliceline:
        print("SliceLine is left out: its package is not here; give its folder with --field", flush=True)
    estimator = f"{crc32(Path(inspect.getfile(slice_effects)).read_bytes()):x}"
    worlds, real = {}, {}
    for name, world in WORLDS.items():
        file = asked.runs / f"{name}, {asked.draws}, {estimator}.json"
        worlds[name] = summary(kept(file, in_world, world, asked.draws, has_sliceline))
        print(name, {key: round(one, 3) for key, one in worlds[name].items()}, flush=True)
    for name, (run, metadata) in real_runs(asked.data, asked.runs).items() if asked.data else ():
        file = asked.runs / f"{name}, {estimator}.json"
        real[name] = kept(file, made_up, run, REAL_DRAWS) | explained(
            run, metadata, asked.runs / f"{name}.csv"
        )
        print(name, real[name], flush=True)
    worlds, real = (pd.DataFrame(one).T for one in (worlds, real))
    ...


if __name__ == "__main__":
    main()
