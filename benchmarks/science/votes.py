"""Labels from votes that err together, beside majority, Dawid-Skene, GLAD and CROWDLAB, on data with truth.

People saw sketches, silhouettes and stylized pictures; models answered CRUXEval's questions, whose keys are
made wrong; simulated people label TREC's questions and CIFAR-10's pictures. Whatever is finished is kept in
--runs, so that the command goes on where it stopped. Where crowd-kit and cleanlab are in another environment,
--field is its folder of packages.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from baselines.crowd import fitted
from easiness.analysis import draw_fixed, label_posterior, stratify, useful_questions, wrong_in_strata
from kit.science import kept, options, publish
from science.votes_cells import SEEDS, cells

LOOKS = 200
FEWEST = 10  # wrong labels, for a bias and a spread that are relative
FIELD = ("majority", "Dawid-Skene", "GLAD", "CROWDLAB")
BINS, SIMULATED = 10, 50


def kept_fits(file, votes):
    """What other methods say of votes, kept in a file: a dict of arrays for each."""
    if not file.exists():
        np.savez(file, **fitted(votes))
    methods: dict[str, dict[str, Any]] = {}
    with np.load(file) as told:
        for key in told:
            name, what = key.split("/")
            methods.setdefault(name, {})[what] = told[key]
    return methods


def of_field(cell, runs):
    """What each other method says: ``label`` [K], how ``sure`` [K] it is of that or of a key, ``quality``."""
    file = runs / f"{cell.name}, seed {cell.seed}, field.npz"
    fits, rows = kept_fits(file, cell.for_field()), np.arange(len(cell.truth))
    if cell.key is None:
        fits = {name: one | {"sure": one["p"][rows, one["label"]]} for name, one in fits.items()}
        return fits if cell.heads is None else of_field(cell.without_run(), runs) | fits
    keyed, answers = kept_fits(file.with_suffix(".key.npz"), cell.for_field(with_key=True)), cell.answers()
    for name, one in fits.items():
        one["label"] = answers[rows, one["label"]]
        one["sure"] = keyed[name]["p"][answers == cell.key[:, None]]
    return fits


def ours(cell, more=0, looks=None, questions=0):
    """What ours says; with ``questions``, after so many that it asked next."""
    if looks is not None:
        looks = looks, cell.truth[looks]
    votes, rest = cell.asked(more), {"shape": cell.shape, "key": cell.key, "heads": cell.heads}
    told = label_posterior(*votes, **rest, looks=looks)
    if questions:
        num_votes = np.bincount(votes[0], minlength=len(cell.said)).astype(float)
        item, by, _ = useful_questions(told, votes[0], votes[1], num_votes, questions)
        votes = map(np.concatenate, zip(votes, (item, by, cell.said[item, by]), strict=True))
        told = label_posterior(*votes, **rest)
    share = [np.nan if one is None else one for one in (told.share, told.share_low, told.share_high)]
    number, low, high = len(cell.said) * np.array(share, float)
    sure = told.p_best if cell.key is None else 1 - told.p_wrong
    ends = {"number": number, "low": low, "high": high}
    return {"label": told.best, "sure": sure, "quality": told.accuracy, **ends}


def off(p, came):
    """The mean distance of probabilities [n] from what came true [n], in ten bins of as many each."""
    order = np.argsort(p, kind="stable")
    bins = zip(np.array_split(p[order], BINS), np.array_split(came[order], BINS), strict=True)
    return sum(abs(float((one - true).sum())) for one, true in bins) / len(p)


def calibration(p, came):
    """How far probabilities are off, and how far without what chance alone makes of true ones."""
    draw = np.random.default_rng(0)
    chance = float(np.mean([off(p, draw.random(len(p)) < p) for _ in range(SIMULATED)]))
    raw = off(p, came)
    return raw, max(raw - chance, 0.0)


def data_now(cell, told):
    """The labels [K] that are judged: the key, or where the data have none what a method says."""
    return told["label"] if cell.key is None else cell.key


def judged(cell, told):
    """A row of what a method says: right labels, calibration, the number of wrong ones, people's quality."""
    right, sure = data_now(cell, told) == cell.truth, told["sure"]
    raw, apart = calibration(sure, right)
    return {
        "accuracy": float((told["label"] == cell.truth).mean()),
        "off, raw": raw,
        "off": apart,
        "wrong": int((~right).sum()),
        "number": float(told.get("number", (1 - sure).sum())),
        "quality": float(spearmanr(told["quality"], cell.quality()).statistic),
        "order": average_precision_score(~right, 1 - sure) if cell.key is not None else None,
    }


def looked_at(cell, before, draws):
    """What looks at labels drawn by an audit's design make of the number and of the other probabilities."""
    order = np.argsort(before["sure"], kind="stable")
    wrong = (data_now(cell, before) != cell.truth)[order]
    num, rows = min(LOOKS, len(order) // 4), []
    strata = stratify(1 - before["sure"][order], num)
    sizes, num_wrong = strata.sizes, int(wrong.sum())
    for seed in range(draws):
        ranks = draw_fixed(strata, num, np.random.default_rng([cell.seed, seed]))
        told, stratum = ours(cell, looks=order[ranks]), strata.of(ranks)
        looks, seen = (np.bincount(one, minlength=len(sizes)) for one in (stratum, stratum[wrong[ranks]]))
        others = np.delete(np.arange(len(order)), order[ranks])
        right = (data_now(cell, told) == cell.truth)[others]
        rows.append({key: told[key] for key in ("number", "low", "high")})
        rows[-1] |= {"off": calibration(told["sure"][others], right)[1]}
        rows[-1] |= {"audit": wrong_in_strata(sizes, looks, seen)}
    table = pd.DataFrame(rows).astype(float)
    inside = (np.floor(table["low"]) <= num_wrong) & (num_wrong <= np.ceil(table["high"]))
    return {
        "wrong": num_wrong,
        "share": num_wrong / len(wrong),
        "number": table["number"].mean(),
        "bias": table["number"].mean() / num_wrong - 1,
        "range holds": float(inside.mean()),
        "spread": table["number"].std() / table["audit"].std(),
        "within 1.3": float((np.abs(np.log(table["number"] / num_wrong)) <= np.log(1.3)).mean()),
        "off": table["off"].mean(),
    }


def asked_again(cell, before, runs):
    """Errors left after a tenth as many more questions as there are items, asked in each method's order."""
    by_theirs, questions = np.zeros(len(cell.said), np.int64), len(cell.said) // 10
    by_theirs[np.argsort(of_field(cell, runs)["CROWDLAB"]["order"], kind="stable")[:questions]] = 1
    file = runs / f"{cell.name}, seed {cell.seed}, asked again.npz"
    told = {
        "before": before,
        "CROWDLAB": kept_fits(file, cell.for_field(by_theirs))["CROWDLAB"],
        "ours in CROWDLAB's order": ours(cell, by_theirs),
        "ours": ours(cell, questions=questions),
    }
    return {name: int((one["label"] != cell.truth).sum()) for name, one in told.items()}


def of_ours(cell, runs, draws):
    """All that is measured of ours in a cell, as JSON has it."""
    told = ours(cell)
    return {
        **judged(cell, told),
        "right": (told["label"] == cell.truth).tolist(),
        "looks": looked_at(cell, told, draws) if cell.seed == SEEDS[0] else {},
        "questions": {} if cell.heads is None else asked_again(cell, told, runs),
    }


def gain(rows):
    """How many more labels of a cell are right by ours than by the best other method, with its interval."""
    means = {name: np.mean(one["right"].tolist(), axis=0) for name, one in rows.groupby("method")}
    more = means.pop("ours") - max(means.values(), key=np.mean)
    reach = 1.96 * more.std() / np.sqrt(len(more))
    return pd.Series({"gain": more.mean(), "low": more.mean() - reach, "high": more.mean() + reach})


def goals(rows, gains, order, looks, questions):
    """Rows: what, the goal, the worst cell and how many of them miss it."""
    alone = rows[(rows["method"] == "ours") & rows["independent"]].groupby("cell")["off"].mean()
    average = pd.Series({"average": gains["gain"].mean()})
    fewer = 1 - questions["ours"].sum() / questions["CROWDLAB"].sum()
    held = (
        ("labels that are right, less the best other's", ">=", -0.005, average),
        ("the upper end of its interval", ">=", -0.005, gains["high"]),
        ("off without looks, voices independent", "<=", 0.05, alone),
        ("off with looks", "<=", 0.03, looks["off"]),
        ("bias of the number with looks", "<=", 0.1, looks["bias"].dropna().abs()),
        ("its range holds", ">=", 0.93, looks["range holds"]),
        ("its spread beside the audit's", "<=", 1, looks["spread"].dropna()),
        ("within 1.3, a fifth or more wrong", ">=", 0.9, looks["within 1.3"][looks["share"] >= 0.2]),
        ("order of wrong keys, less that of one other answer", ">=", 0.0, order["ours"] - order["plain"]),
        ("fewer errors left than by CROWDLAB's order", ">=", 0.3, pd.Series({"all with a run": fewer})),
    )  # fmt: skip
    found = []
    for what, way, limit, values in held:
        sign = 1 if way == "<=" else -1
        far = (sign * values).fillna(np.inf)
        missed = int((far > sign * limit).sum())
        at = int(far.argmax())
        measured = f"{values.iloc[at]:.3f} ({values.index[at]})"
        verdict = f"**missed** by {missed} of {len(far)}" if missed else "met"
        found.append((what, f"{'at most' if sign > 0 else 'at least'} {limit}", measured, verdict))
    return ("what", "goal", "worst", "verdict"), found


def in_small(tables):
    """Means of cells that differ in the number of votes or keys alone, or in TREC and CIFAR-10."""
    small: dict[str, Any] = {}
    for key, best in (("accuracy", "max"), ("calibration", "min"), ("quality", "max")):
        others = tables[key][list(FIELD)].agg(best, axis=1)
        small |= {key: tables[key]["ours"], f"{key}, best other": others}
    small["calibration, looks"] = tables["calibration"]["looks"]
    small["errors left"] = tables["questions"]["ours"] / tables["questions"]["CROWDLAB"]
    table = pd.DataFrame(small).reindex(tables["accuracy"].index)
    of = table.index.str.replace(r", \d+ (votes|models)|\d+% of |TREC, |CIFAR-10, ", "", regex=True)
    return table.groupby(of, sort=False).mean()


def shown(table, digits=3):
    rows = [
        (name, *(f"{one:.{digits}f}" if one == one else "" for one in row))
        for name, *row in table.itertuples()
    ]
    return ("data", *table.columns), rows


def write(docs, rows, looks, questions):
    looks.loc[looks["wrong"] < FEWEST, ["bias", "spread", "within 1.3"]] = np.nan
    names = rows["cell"].unique()
    values = ["accuracy", "off", "number", "wrong", "quality", "order"]
    wide = rows.groupby(["cell", "method"])[values].mean().unstack().reindex(names)
    of = {key: wide[key][[*FIELD, "ours"]] for key in values}
    gains = rows.groupby("cell")[["method", "right"]].apply(gain).reindex(names)
    tables = {
        "accuracy": of["accuracy"].join(gains),
        "calibration": of["off"].assign(looks=looks["off"]),
        "number": of["number"].div(of["wrong"]).assign(looks=looks["number"] / looks["wrong"]),
        "quality": of["quality"],
        "order": of["order"]
        .drop(columns="CROWDLAB")
        .assign(plain=rows.groupby("cell")["plain"].mean())
        .dropna(subset="plain"),
        "looks": looks[["bias", "range holds", "spread", "within 1.3"]],
        "questions": questions,
    }
    held = goals(rows, gains, tables["order"], looks, questions)
    whole = {name: shown(one) for name, one in tables.items()}
    publish(docs, "votes", whole, held, shown(in_small(tables), 2))


def main():
    more = {"--field": None, "--seeds": SEEDS, "--draws": 200, "--baselines": False}
    asked = options(__doc__, "--data", runs="votes", more=more)
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    rows, questions = [], []
    looks: dict[str, Any] = {}
    estimator = crc32(Path(inspect.getfile(label_posterior)).read_bytes())
    for cell in cells(asked.data, asked.runs, asked.seeds):
        about = {"cell": cell.name, "seed": cell.seed, "independent": cell.independent}
        if cell.key is not None:
            about["plain"] = average_precision_score(cell.key != cell.truth, cell.on_one_other())
        for name, told in of_field(cell, asked.runs).items():
            right = told["label"] == cell.truth
            rows.append({**about, "method": name, **judged(cell, told), "right": right})
        if not asked.baselines:
            file = asked.runs / f"{cell.name}, seed {cell.seed}, {estimator:x}, {asked.draws}.json"
            told = kept(file, of_ours, cell, asked.runs, asked.draws)
            again, after = told.pop("questions"), told.pop("looks")
            questions += [{"cell": cell.name, **again}] if again else []
            looks |= {cell.name: after} if after else {}
            rows.append({**about, "method": "ours", **told})
        table = pd.DataFrame(rows)
        numbers = table.drop(columns="right").round(4)
        numbers.to_csv(asked.runs / "methods.csv", index=False)
        print(numbers[numbers["cell"] == cell.name].to_string(header=False), flush=True)
    if not asked.baselines:
        again = pd.DataFrame(questions).groupby("cell", sort=False).mean()
        write(asked.docs, table, pd.DataFrame(looks).T, again)


if __name__ == "__main__":
    main()
