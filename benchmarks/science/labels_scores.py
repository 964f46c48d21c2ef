"""What finds wrong labels: every score, combinations of them, cleanlab's, and a forest on pixels."""

from __future__ import annotations

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

from easiness import suspects
from easiness.scoring import SCORES
from science.labels_runs import FOLDS

SUSPICIOUS = {"hard": 1, "suspect label": 1, "unsure": 1, "ambiguous": 1, "easy": -1, "sound label": -1}
BINS = 10
QUALITIES = (
    ("self_confidence", False),
    ("self_confidence", True),
    ("normalized_margin", False),
    ("normalized_margin", True),
    ("confidence_weighted_entropy", False),
)


def of_run(run):
    """Suspicion [n] by name: each recorded score, and means of p and of the margin over trials."""
    table = run.scores()
    found = {
        one.name: SUSPICIOUS[one.high_means] * table[one.name].to_numpy()
        for one in SCORES
        if not table[one.name].isna().all()
    }
    for name, column in (("p", "p_label"), ("margin", "margin")):
        seen = np.stack([getattr(t.observations(len(run.classes)), column) for t in run.trials])
        for when, epochs in (("last", seen[:, -1:]), ("last 3", seen[:, -3:]), ("all", seen)):
            found[f"mean {name}, {when}"] = -epochs.mean(axis=(0, 1))
    return {name: np.nan_to_num(values, nan=np.nanmin(values)) for name, values in found.items()}


def of_suspects(run):
    """Probability of a wrong label [n] as `suspects` gives it, in the order of the run."""
    ranked = suspects(run, pictures=False).ranked.set_index("id")
    return ranked["p_wrong"].reindex(run.ids.tolist()).to_numpy()


def of_cleanlab(labels, probabilities):
    """Suspicion [n] by name of cleanlab's quality scores, and which its filter finds."""
    found = {}
    for method, adjusted in QUALITIES:
        quality = get_label_quality_scores(labels, probabilities, method=method, adjust_pred_probs=adjusted)
        found[f"cleanlab {method}" + (", adjusted" if adjusted else "")] = -quality
    return found, find_label_issues(labels, probabilities)


def of_forest(images, labels):
    """Suspicion [n] by random forests on pixels, cross-validated."""
    pixels = images.reshape(len(images), -1)
    forest = RandomForestClassifier(100, n_jobs=2, random_state=0)
    p = cross_val_predict(forest, pixels, labels, cv=FOLDS, method="predict_proba")
    return -p[np.arange(len(labels)), labels]


def judged(suspicion, wrong):
    """AUROC, average precision, precision at the number of wrong labels, and the share of these missed.

    Examples that are as suspicious share the places that they have: of those at the cut a part counts.
    """
    num = int(wrong.sum())
    cut = np.sort(suspicion)[::-1][num - 1]
    over, at = suspicion > cut, suspicion == cut
    hits = wrong[over].sum() + wrong[at].mean() * (num - over.sum())
    return {
        "auroc": float(roc_auc_score(wrong, suspicion)),
        "ap": float(average_precision_score(wrong, suspicion)),
        "precision": float(hits / num),
        "missed": float(1 - hits / num),
    }


def calibration(p_wrong, wrong):
    """Expected calibration error in bins of equal width, the true and the estimated share of wrong labels."""
    at = np.minimum((p_wrong * BINS).astype(int), BINS - 1)
    error = sum(
        (at == one).mean() * abs(p_wrong[at == one].mean() - wrong[at == one].mean()) for one in set(at)
    )
    return {
        "error": float(error),
        "share": float(wrong.mean()),
        "estimated": float(p_wrong.mean()),
        "likely": int((p_wrong >= 0.5).sum()),
    }
