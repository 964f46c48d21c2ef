"""Whole commands over all that they read: runs altered alike in every file, and files that go with runs."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import of_cards
import of_checkpoints
import of_data
import of_kept
import of_options
import of_runs
import of_tables
from alike import altered_alike
from herd import Asked, Target
from mutations import NUMBERS, altered

import loaded  # noqa: F401
from easiness.csv_cells import to_cell
from easiness.features import kept as features_kept, pieces
from easiness.store import CHECKPOINTS
from easiness.studies.audit.drawing import parse

SIZE = ("--trials", "2", "--epochs", "2", "--executor", "serial", "--precision", "float32")
TRAINED = ("--model", "mlp_2_w8", *SIZE, "--cache", "off")
CHECKPOINTED = ("digits", "--limit", "40", "--holdout", "0.2", *TRAINED, "--checkpoint-every", "0.0001")
_HEADS = ("--features", "rows.npy", "--model", "ridge", "--trials", "5", "--executor", "serial")
ON_FEATURES = ("data.npz", *_HEADS)
OF_RUNS: tuple[tuple[str, ...], ...] = (
    *of_runs.COMMANDS,
    *(("scores", "{run}", "-o", f"out.{end}") for end in ("parquet", "json", "md")),
    *(("scores", "{run}", "--split", "held_out"), ("scores", "{run}", "{whole}/run"), ("patterns", "{run}")),
    *(("prune", "{run}", "--drop", "0.3", "--policy", policy) for policy in ("easy", "worst", "ccs")),
    *(("prune", "{run}", "--drop", "0.2", "--policy", "hard", "-o", f"out.{end}") for end in ("txt", "csv")),
    *(("compare", "{run}", "{whole}/run", "--details"), ("diff", "{whole}/run", "{run}", "-o", "out.csv")),
    ("curriculum", "{run}", "--num-steps", "9", "--batch-size", "4", "-o", "out.csv"),
)
SLOW: tuple[tuple[str, ...], ...] = (
    *(("suspects", "{run}"), ("suspects", "{run}", "--split", "held_out", "-o", "out.csv")),
    *(("clean", "{run}", "--drop-above", "0.99", "-o", "out.csv"), ("clean", "{run}")),
    *(("audit", "{run}", "--looks", "5", "-o", "out.csv"), ("card", "{run}", "-o", "out.card")),
    *(("export", "{run}", "--to", form, "-o", "out.npz") for form in ("torch", "cleanlab")),
    *(("export", "{run}", "--to", form, "-o", "out.parquet") for form in ("parquet", "spotlight")),
    *(("export", "{run}", "--to", form, "-o", "out.folder") for form in ("hf", "label-studio")),
    *(("report", "{run}", "-o", "out.html"), ("scores", "{run}", "-o", "out.svg")),
    *(
        ("perturb", "{run}", "--kind", "shuffle", "-o", "out.csv"),
        ("compare", "{run}", "{whole}/run", "-o", "out.svg"),
    ),
)
_SHARE_OF_SLOW = 0.04
features_kept.MOST_IN_MEMORY, pieces.PIECE = 0, 4  # so that few vectors are a file
BASES = ("run", "run", "on_features/run", "texts/run")


def _filled(command: Sequence[str], whole: Path, run: Path) -> list[str]:
    return [one.format(run=run, whole=whole) for one in command]


def _one(rng: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(rng.integers(len(among)))]


def runs(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A run altered in one file or alike in all, and a command that reads it."""
    base = whole / _one(rng, BASES)
    alter = altered_alike if rng.random() < 0.6 else None
    if alter is None:
        made = _one(rng, of_runs.TARGETS)(rng, base.parent, folder)
        was, run = made.was, folder / "run"
    else:
        run = Path(shutil.copytree(base, folder / "run"))
        was = altered_alike(rng, run)
    command = _one(rng, SLOW if rng.random() < _SHARE_OF_SLOW else OF_RUNS)
    return Asked(f"{base.parent.name}: {was}", " ".join(command), _filled(command, whole, run), talks=True)


def kept(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Examples or answers that a run keeps, and a command that needs them."""
    made = _one(rng, (of_kept.in_recorded, of_kept.asked))(rng, whole, folder)
    command = _one(
        rng,
        (
            ("suspects", "{run}"),
            ("report", "{run}", "-o", "out.html"),
            ("export", "{run}", "--to", "csv", "-o", "out.csv"),
        ),
    )
    return Asked(made.was, " ".join(command), _filled(command, whole, folder / "run"), talks=True)


def audits(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """An audit's file with answers in it: other cells, mostly with the digest of the row that fits."""
    with (whole / "audit.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    at = {name: place for place, name in enumerate(header)}
    for row in rows:
        row[at["action"]] = str(_one(rng, ("keep", "keep", "drop", "unsure", "relabel")))
    was = []
    for _ in range(int(rng.integers(0, 3))):
        row, name = _one(rng, rows), _one(rng, header)
        row[at[name]] = _one(
            rng, (*of_tables._CELLS, *(one.decode() for one in NUMBERS), "-1", "0", "known", "²")
        )
        design = parse(row[at["draw"]])
        if design is not None and rng.random() < 0.8:
            of = (row[at[one]] for one in ("data", "split", "id", "order", "stratum"))
            row[at["draw"]] = design.cell(*of)
        was.append(f"{name} {row[at[name]][:20]!r}")
    content = "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in [header, *rows]).encode()
    if rng.random() < 0.3:
        content, how = altered(rng, content)
        was.append(how)
    (folder / "audit.csv").write_bytes(content)
    command = _one(
        rng,
        (
            *(("audit", "{run}", "--decided", "audit.csv", *more) for more in ((), ("-o", "out.json"))),
            *(("decisions", "{run}", "audit.csv", "-o", f"out.{end}") for end in ("csv", "json", "md")),
            *(("prune", "{run}", "--ids", "audit.csv", "-o", f"out.{end}") for end in ("txt", "csv")),
            ("suspects", "{run}", "--decided", "audit.csv"),
            ("clean", "{run}", "--decided", "audit.csv", "--only-decided", "-o", "out.csv"),
        ),
    )  # fmt: skip
    return Asked(
        f"audit: {', '.join(was)}", " ".join(command), _filled(command, whole, whole / "run"), talks=True
    )


def _quoted(cell: str) -> str:
    return '"' + to_cell(cell).replace('"', '""') + '"'


def on_features(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A pool, the vectors, or the file of features beside a run, and a command that reads them."""
    for name in ("data.npz", "rows.npy"):
        shutil.copy(whole / "on_features" / name, folder)
    shutil.copytree(whole / "on_features" / "run", folder / "run")
    beside = folder / "easiness-features"
    shutil.copytree(whole / "on_features" / "easiness-features", beside)
    file = _one(rng, [folder / "data.npz", folder / "rows.npy", *sorted(beside.iterdir())])
    content = file.read_bytes()
    head, how = altered(rng, content[:128]) if rng.random() < 0.6 else altered(rng, content)
    file.write_bytes(head + content[128:] if len(head) < len(content) // 2 else head)
    command = _one(
        rng,
        (
            ("measure", *ON_FEATURES, "--out", "run"),
            ("measure", *ON_FEATURES, "--out", "out.run"),
            *(("suspects", "run"), ("report", "run", "-o", "out.html"), ("status", "run", "--verify")),
            ("worth", "run", "--pool", file.name, "--seeds", "4", "--picks", "4", "-o", "out.csv"),
        ),
    )
    return Asked(f"{file.name}: {how}", " ".join(command), [*command], talks=True)


def begun(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A training that goes on from an altered checkpoint, or beside altered trials."""
    run = Path(shutil.copytree(whole / "begun", folder / "run"))
    copy = folder / "made"
    copy.mkdir()
    made = of_checkpoints.any_of_them(rng, whole / "begun", copy)
    shutil.rmtree(run / CHECKPOINTS)
    (copy / CHECKPOINTS).rename(run / CHECKPOINTS)
    command = ("measure", *CHECKPOINTED, "--epochs", "4", "--out", "run")
    return Asked(made.was, "measure that goes on", [*command], talks=True)


_TORCHVISION = "a set of torchvision's"
SOURCES: dict[Target, tuple[str, ...]] = {
    of_data.pictures: ("pets",),
    of_data.sounds: ("voices",),
    of_data.manifest: ("csv/list.csv",),
    of_data.npz: ("npz/a.npz", "npz/b.npz"),
    of_data.parquet: ("hub",),
    of_data.described: ("hub",),
    of_data.saved: ("hf:saved",),
    of_data.idx: (_TORCHVISION,),
    of_data.labels: ("labels",),
    of_tables.any_of_them: (
        "tables/numbers.csv",
        "tables/texts.csv",
        "tables/numbers.parquet",
        "tables/mail",
    ),
}


def sources(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Data that are measured, or to which a card is applied."""
    target = _one(rng, list(SOURCES))
    tables = target is of_tables.any_of_them
    made = target(rng, whole / ("tables" if tables else "sources"), folder)
    source = _one(rng, SOURCES[target])
    given = [made.reads, "--data-root", "idx"] if source == _TORCHVISION else [source]
    if source == "labels":
        given = [str(whole / "sources" / "npz" / "a.npz"), "--labels", "texts/labels.csv"]
    given += ["--skip-unreadable"] if rng.random() < 0.3 else []
    model = [] if "voices" in source or "mail" in source or tables else ["--model", "mlp_2_w2"]
    crop = [] if model == [] else ["--image-size", "8"]
    measured = ["measure", *given, *model, *crop, *SIZE, "--cache", "off", "--out", "out.run"]
    command = _one(
        rng,
        (
            *([*measured, "--dry-run"], measured),
            *(
                ["card", "--apply", str(whole / "card"), *given, "-o", f"out.{end}"]
                for end in ("csv", "csv", "parquet")
            ),
        ),
    )
    return Asked(f"{made.was}", " ".join(command), command, talks=True)


def cards(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """A card, applied."""
    made = of_cards.any_of_them(rng, whole, folder)
    out = _one(rng, ("out.csv", "out.parquet"))
    command = [
        "card",
        "--apply",
        "card",
        str(whole / "data.npz"),
        *([] if rng.random() < 0.3 else ["-o", out]),
    ]
    return Asked(made.was, "card --apply", command, talks=True)


TARGETS: dict[Target, float] = {
    **{runs: 0.48, kept: 0.01, audits: 0.16, on_features: 0.03, begun: 0.01, sources: 0.05, cards: 0.14},
    of_options.any_of_them: 0.12,
}


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """One of these."""
    return list(TARGETS)[rng.choice(len(TARGETS), p=list(TARGETS.values()))](rng, whole, folder)
