"""The doors by which files come in: what is sound, how it is altered, and what then reads it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import datasets  # noqa: F401
import numpy as np
import pandas as pd
import torchvision  # noqa: F401
import typer
from herd import Asked
from mutations import CELLS, FORMATS, TEXTS, VALUES, altered, generator, one_of, places
from refitted import EXAMPLES, ODD, RUN, TRIAL, refit, rewrite, set_column

import loaded  # noqa: F401
from easiness import Dataset, card, load_dataset, open_run
from easiness.cli.main import app
from easiness.csv_cells import to_cell
from easiness.data import Labelled, decisions_by_person
from easiness.errors import BadInput
from easiness.features import find_features, kept, ready_features
from easiness.runs import find_data
from easiness.spec import Recipe, TrialSpec, make_recipe, recipe_settings
from easiness.store import (
    CHECKPOINTS,
    answers,
    checkpoints_of,
    last_events,
    read_checkpoint,
    run_folder,
    trial_document,
    verify,
)
from easiness.studies.audit.found import parse
from easiness.studies.keeping.pruning import named_positions
from easiness.studies.suspects import nearest_by_class
from easiness.studies.suspects.conflicts import conflicts_of
from easiness.studies.suspects.neighbours import find_neighbours

Read: TypeAlias = Callable[[Path], object]
Alter: TypeAlias = Callable[[np.random.Generator, Path], str]

NUM = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (NUM, 16, 12, 3), dtype=np.uint8)
LABELS = np.arange(NUM) % 2
CLASSES = ["cat", "dog"]
ROWS = np.random.default_rng(0).standard_normal((NUM, 4)).astype(np.float32)
DATA = "pets@0123456789ab"
OURS = {"identity": "a", "easiness": "b", "torch": "c"}
HUB = "model.safetensors", "config.json", "preprocessor_config.json"
_SHARE_OF_SEALED = 0.85


def prepare() -> None:
    """Let little be as much: runs have an index and features a file, and seals of answers fit."""
    os.environ["EASINESS_CACHE"] = "/dev/null/none"  # what is found out of files is remembered nowhere
    run_folder.FEWEST = 1  # type: ignore[attr-defined]
    kept.MOST_IN_MEMORY, kept.BLOCK = 0, 4
    answers._seal_of = lambda *_: np.zeros(32, np.uint8)


def alter(rng: np.random.Generator, at: Path, *globs: str) -> str:
    """Alter one of the files, mostly with the digest that then fits."""
    found = {file for glob in globs or ("**/*",) for file in at.glob(glob) if file.is_file()}
    file = one_of(rng, sorted(found) or [at])
    content, how = altered(rng, file.read_bytes(), file.name)
    file.write_bytes(content)
    fits = rng.random() < _SHARE_OF_SEALED and refit(file)
    return f"{file.name}: {how}{', its digest fits' * fits}"


def odd(rng: np.random.Generator, at: Path) -> str:
    """Put something else in place of a file or a folder."""
    file, kind = one_of(rng, sorted(at.rglob("*")) or [at]), str(rng.choice(list(ODD)))
    shutil.rmtree(file) if file.is_dir() else file.unlink()
    ODD[kind](file)
    return f"{file.name}: {kind}"


ANY: tuple[Alter, ...] = (*[alter] * 20, odd)


def only(*globs: str) -> tuple[Alter]:
    """Alter one of these files."""
    return (lambda rng, at: alter(rng, at, *globs),)


@dataclass(frozen=True)
class Door:
    """What is ``whole`` is copied and altered, and one of ``reads`` reads it, or a command; some are slow.

    Commands name the copy ``{at}``, and the folder of all that is whole ``{whole}``.
    """

    share: float
    whole: str
    reads: Mapping[str, Read] = field(default_factory=dict)
    commands: Sequence[str] = ()
    slow: Sequence[str] = ()
    alters: Sequence[Alter] = ANY

    def copied(self, whole: Path, folder: Path) -> Path:
        source, at = whole / self.whole, folder / Path(self.whole).name
        return Path(shutil.copytree(source, at) if source.is_dir() else shutil.copy(source, at))

    def asked(self, by: str, at: Path, whole: Path, was: str = "") -> Asked:
        words = [] if by in self.reads else [one.format(at=at, whole=whole) for one in by.split()]
        return Asked(f"{self.whole}: {was}", by, words or partial(self.reads[by], at))


# runs


def without_spec(rng: np.random.Generator, at: Path) -> str:
    """A trial whose document says other numbers, and of whose spec nothing is known that says otherwise."""
    file = one_of(rng, sorted(at.glob(f"trials/*/{TRIAL}")))
    trial = {**json.loads(file.read_bytes())["trial"], "spec": None}
    file.write_text(json.dumps({"trial": trial}))
    return f"without a spec: {alter(rng, file)}"


def indexed(rng: np.random.Generator, at: Path) -> str:
    """What a large run keeps of its trials."""
    trial_document.write_index(at, {one.path.name: one.known for one in open_run(at).trials})
    return alter(rng, at / trial_document.INDEX)


_IDS: tuple[Callable[[list[Any]], list[Any]], ...] = (
    *((lambda ids, text=text: [f"{text}{at}" for at, _ in enumerate(ids)]) for text in TEXTS[:24]),
    lambda ids: [TEXTS[at] if at < 24 else f"n{one}" for at, one in enumerate(ids)],
    *((lambda ids, first=first: [first, *ids[1:]]) for first in (2**63 - 1, -(2**63), 10**6)),
    *(lambda ids: [ids[0]] * len(ids), lambda ids: [-1 - at for at, _ in enumerate(ids)]),
    *(lambda ids: [*range(len(ids))], lambda ids: ids[::-1]),
)


def ids_alike(rng: np.random.Generator, at: Path) -> str:
    """Other ids in the list of examples and in every trial."""
    split = str(rng.choice(["train"] * 4 + ["held_out"]))
    tables = [at / EXAMPLES] * (split == "train") + sorted(at.glob(f"trials/*/{split}*.parquet"))
    known: dict[Any, Any] = {}

    def others(values: list[Any]) -> list[Any]:
        if not known:
            own = list(dict.fromkeys(values))
            known.update(zip(own, one_of(rng, _IDS)(own), strict=True))
        return [known[one] for one in values]

    for file in tables:
        rewrite(file, set_column("id", others))
    return f"ids of {split} are {str(list(known.values())[:2])[:40]}"


def tensors_alike(rng: np.random.Generator, at: Path) -> str:
    """The same in the headers of the weights of every trial."""
    seed, how = int(rng.integers(2**32)), ""
    for file in sorted(at.glob("trials/*/weights.safetensors")):
        content, how = FORMATS[".safetensors"](generator(seed, 0), file.read_bytes())
        file.write_bytes(content)
        refit(file)
    return f"all weights: {how}"


def spec_alike(rng: np.random.Generator, at: Path) -> str:
    """Another value in what the run was to be, in its description and in every trial."""
    document = json.loads((at / RUN).read_bytes())
    place = one_of(rng, [*places(document["spec"])])
    value = one_of(rng, TEXTS if rng.random() < 0.4 else VALUES)
    _put(document["spec"], place, value)
    _write(at / RUN, document)
    for file in sorted(at.glob(f"trials/*/{TRIAL}")):
        trial = json.loads(file.read_bytes())["trial"]
        if isinstance(trial.get("spec"), dict) and _put(trial["spec"], place, value):
            try:
                trial["hash"] = TrialSpec.model_validate(trial["spec"]).hash
            except (ValueError, TypeError, UnicodeError):
                continue
        if place == ("epochs",):
            trial["epochs"] = value
        _write(file, {"trial": trial})
    return f"{'/'.join(map(str, place))} is {str(value)[:30]!r} everywhere"


def _write(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document))
    refit(file)


def _put(holder: Any, place: tuple[Any, ...], value: Any) -> bool:
    try:
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
    except (LookupError, TypeError):
        return False
    return True


def _all_data(run: Path) -> None:
    data, why = find_data(open_run(run), None)
    assert "\n" not in why
    if data is not None:
        read_all(data)


def ask(folder: Path) -> None:
    """Ask a run for all that it keeps the answers to: what is damaged is asked again."""
    run, some = open_run(folder), np.arange(4)
    near, nearest = find_neighbours(run)[0], nearest_by_class(run, some, some % 2)[0]
    assert near is not None
    assert np.isfinite(near.strength).all()
    assert nearest is not None
    assert nearest.positions.max() < len(run.labels)
    assert conflicts_of(run).sentences()


def _read_checkpoint(folder: Path) -> None:
    """As a training does, which goes on without one that it cannot use."""
    for path in checkpoints_of(folder, 0):
        stored = read_checkpoint(path, **OURS)
        if not all(value.isfinite().all() for value in stored.tensors.values() if value.is_floating_point()):
            raise BadInput("not finite")


def _in_all(read: Callable[[Any], object]) -> Read:
    return lambda path: read(open_run(path))


RUN_READS: dict[str, Read] = {
    "verify": verify,
    "check": _in_all(lambda run: run.check()),
    "scores": _in_all(lambda run: run.scores()),
    "scores of held-out": _in_all(lambda run: run.scores(split="held_out")),
    "scores of epoch 1": _in_all(lambda run: run.scores(1)),
    "votes": _in_all(lambda run: run.votes()),
    "probabilities": _in_all(lambda run: run.probabilities()),
    "observations": _in_all(lambda run: [one.observations(len(run.classes)) for one in run.trials]),
    "weights": _in_all(lambda run: [one.weights() for one in run.trials]),
    "notes": lambda path: (last_events(path), open_run(path).failures()),
}
RUN_COMMANDS = (
    *("status {at}", "status {at}", "status {at}/..", "status {at} --verify", "scores {at}", "explain {at}"),
    "measure digits --limit 40 --out out.run --dry-run",
    *(f"scores {{at}} -o out.{end}" for end in ("csv", "parquet", "json", "md")),
    *("scores {at} --split held_out", "scores {at} {whole}/run"),
    *(f"keep {{at}} --drop 0.3 --policy {policy}" for policy in ("easy", "worst", "ccs")),
    *(f"keep {{at}} --drop 0.2 --policy hard -o out.{end}" for end in ("txt", "csv")),
    *("compare {at} {whole}/run", "compare {at} {whole}/run --details"),
    *("diff {whole}/run {at}", "diff {whole}/run {at} -o out.csv"),
    "keep {at} --steps 9 --batch-size 4 -o out.csv",
)
KEPT_COMMANDS = ("suspects {at}", "report {at} -o out.html", "export {at} --to csv -o out.csv", "status {at}")
RUN_SLOW = (
    *("suspects {at}", "suspects {at} --no-pictures", "suspects {at} --split held_out -o out.csv"),
    *("labels {at} --drop-above 0.99 -o out.csv", "labels {at}", "audit {at} --looks 5 -o out.csv"),
    *(f"export {{at}} --to {form} -o out.npz" for form in ("torch", "cleanlab")),
    *(f"export {{at}} --to {form} -o out.{form}" for form in ("csv", "parquet", "hf", "label-studio")),
    *("export {at} --to spotlight -o out.parquet", "card {at} -o out.card", "report {at} -o out.html"),
    *("scores {at} -o out.svg", "compare {at} {whole}/run -o out.svg"),
    "paper perturb {at} --kind shuffle -o out.csv",
    "measure digits --model mlp_2_w8 --trials 2 --epochs 2 --out {at}",
)
_ALIKE = (ids_alike, spec_alike)
RUN_ALTERS = (*ANY, *(without_spec, indexed, tensors_alike, *_ALIKE, spec_alike) * 5)
RECORDED_ALTERS = (*ANY, *_ALIKE * 5, *only("data.parquet") * 20)

# data


def read_all(data: Dataset) -> None:
    """Identify every example, and decode it."""
    _ = data.fingerprint
    for split in data.splits.values():
        for _ in split.stored.map(np.shape):
            pass


_NARROW = "--model mlp_2_w2"
_SIZE = "--trials 2 --epochs 2 --executor serial --precision float32 --cache off --out out.run"
_SKIP: tuple[dict[str, Any], ...] = ({}, {}, {"skip_unreadable": True})


def data(
    share: float,
    whole: str,
    source: str = "{at}",
    *,
    options: Sequence[Mapping[str, Any]] = ({},),
    flags: str = "",
    model: str = f"{_NARROW} --image-size 8",
    alters: Sequence[Alter] = ANY,
) -> Door:
    """Data, which are loaded with each of the ``options``, measured, and looked up in a card."""

    def load(given: Mapping[str, Any], at: Path) -> None:
        filled: dict[str, Any] = {name: at if value == "{at}" else value for name, value in given.items()}
        read_all(load_dataset(source.format(at=at), **filled))

    reads = {
        f"load {source} with {given}, {place}": partial(load, given) for place, given in enumerate(options)
    }
    commands = [f"card --apply {{whole}}/card {source} {flags} -o out.{end}" for end in ("csv", "parquet")]
    measured = f"measure {source} {flags} {model} {_SIZE}"
    return Door(share, whole, reads, (*commands, f"{measured} --dry-run"), (measured,), alters)


_OF_TABLES: tuple[dict[str, Any], ...] = (
    *({}, {}, {"text": "text"}, {"inputs": ["x", "kind"]}, {"inputs": "hidden"}, {"encoding": "utf-16"}),
    *({"encoding": "latin-1"}, {"encoding": "unicode_escape"}, {"label": "kind"}, {"group": "kind"}),
    *({"columns": {"split": "kind"}}, {"holdout": 0.25}, {"id": "kind"}, {"id": "x"}, {"without": "kind,x"}),
)


def _recipe(file: Path) -> Any:
    settings = recipe_settings(file, model="mlp_2_w2")
    settings.pop("base")
    return make_recipe({}, settings, origin=str(file))


def _photos_packed(rng: np.random.Generator, at: Path) -> str:
    """A cache of photos, finished or half made."""
    rows = load_dataset(at / "list.csv")
    rows.packed(Recipe(crop=8), cache := at.parent / "cache")
    (file,) = cache.iterdir()
    if rng.random() < 0.5:
        content, table = file.read_bytes(), 12 * len(rows)
        file.unlink()
        Path(f"{file}.pixels").write_bytes(content[: -62 - table])
        Path(f"{file}.table").write_bytes(content[-62 - table : -62])
    return alter(rng, cache)


def _take_photos(at: Path) -> None:
    rows = load_dataset(at / "list.csv")
    rows.packed(Recipe(crop=8), at.parent / "cache").take(np.arange(len(rows)))


_digits = cache(partial(load_dataset, "digits", limit=40, holdout=0.2))

# vectors


_BESIDE = "easiness-features"


def _arrays() -> Dataset:
    return load_dataset((PIXELS, LABELS), classes=CLASSES)


def _vectors(at: Path) -> object:
    return ready_features(find_features(at, _arrays()), _arrays(), at.parent / _BESIDE)


def _column(at: Path) -> object:
    rows = load_dataset(at)
    return find_features("column:v", rows).vectors(rows, np.arange(len(rows)))


def _file_of_features(rng: np.random.Generator, at: Path) -> str:
    """A file of features, or one that grows and its note."""
    ready_features(find_features(ROWS, _arrays()), _arrays(), beside := at.parent / _BESIDE)
    (file,) = beside.glob("*.npy")
    if rng.random() < 0.5:
        file.rename(file.with_suffix(".part"))  # as it is before it takes its name
    return alter(rng, beside)


def _made_again(at: Path) -> None:
    """Whatever became of the file, the vectors are what they have to be."""
    made = ready_features(find_features(ROWS, _arrays()), _arrays(), at.parent / _BESIDE)["train"]
    assert np.array_equal(made, ROWS.astype(np.float16))


# what people decided


def _answered(rng: np.random.Generator, at: Path) -> str:
    """Answers to an audit: other cells, mostly with the digest of the row that fits; or other bytes."""
    cells: Any = pd.read_csv(at, dtype=object, keep_default_na=False)
    cells["action"] = rng.choice(["keep", "keep", "drop", "unsure", "relabel"], len(cells))
    was = []
    for _ in range(int(rng.integers(0, 3))):
        row, name = int(rng.integers(len(cells))), str(rng.choice(list(cells)))
        cells.at[row, name] = to_cell(str(one_of(rng, (*CELLS, "known"))))
        design = parse(cells.at[row, "draw"])
        if design is not None and rng.random() < 0.8:
            cells.at[row, "draw"] = design.cell(*cells.loc[row, ["data", "split", "id", "order", "stratum"]])
        was.append(f"{name} {cells.at[row, name][:20]!r}")
    cells.to_csv(at, index=False)
    return ", ".join([*was, alter(rng, at)] if rng.random() < 0.3 else was)


def _decided(at: Path) -> None:
    """The decisions of each person, and the table of them."""
    rows = Labelled("pets", np.arange(8), np.arange(8) % 3, ("cat", "dog", "2"))
    for found in decisions_by_person(at, rows, "train", DATA).values():
        found.table()


_BEGUN = "digits --limit 40 --holdout 0.2 --model mlp_2_w8 --trials 2 --epochs 4 --checkpoint-every 0.0001"
_HEADS = "measure data.npz --features rows.npy --model ridge --trials 5 --executor serial --out"
DOORS = (
    Door(16, "run", RUN_READS, RUN_COMMANDS, RUN_SLOW, alters=RUN_ALTERS),
    Door(2, "on_features/run", {}, RUN_COMMANDS, RUN_SLOW, alters=RUN_ALTERS),
    *(
        Door(2, f"recorded/{kind}", {"data": _all_data}, RUN_COMMANDS, KEPT_COMMANDS, alters=RECORDED_ALTERS)
        for kind in ("texts", "sounds")
    ),
    Door(1, "asked", {"answers": ask}, KEPT_COMMANDS, alters=only("answer-*")),
    Door(1, CHECKPOINTS, {"read_checkpoint": _read_checkpoint}),
    Door(
        0.2,
        "begun",
        slow=[f"measure {_BEGUN} --executor serial --precision float32 --cache off --out {{at}}"],
        alters=(*only(f"{CHECKPOINTS}/*/*"), alter),
    ),
    Door(
        6,
        "card",
        {"card": lambda at: card(_digits(), apply=at).text},
        [f"card --apply {{at}} {{whole}}/data.npz -o out.{end}" for end in ("csv", "parquet")],
    ),
    data(5, "pets", options=_SKIP, flags="--skip-unreadable", alters=only("*/*")),
    data(2, "voices", options=_SKIP, model=""),
    *(data(1.5, name) for name in ("a.npz", "b.npz")),
    data(3.5, "hub"),
    data(1.5, "saved", "hf:{at}"),
    data(1.5, "csv", "{at}/list.csv", options=({}, {"allow_outside": True}), alters=only("list.csv")),
    data(0.5, "csv", "{at}/list.csv", alters=only("*.png")),
    *(
        data(0.6, name, name, options=({"data_root": "{at}"},), flags="--data-root {at}", alters=alters)
        for name in ("mnist", "usps", "gtsrb", "oxfordiiitpet")
        for alters in (only(), only("**/*.txt", "**/*.csv", "**/*ubyte", "**/*.bz2"))
    ),
    *(data(3, f"{name}.csv", options=_OF_TABLES, model="") for name in ("numbers", "texts")),
    *(data(3, f"{name}.parquet", options=_OF_TABLES, model="") for name in ("numbers", "texts")),
    *(data(1, f"numbers.{end}", options=_OF_TABLES, model="") for end in ("csv.gz", "jsonl", "json")),
    data(2, "mail", options=_SKIP, model=""),
    Door(
        2,
        "labels.csv",
        {"labels": lambda at: read_all(load_dataset((PIXELS, LABELS), classes=CLASSES, labels=at))},
        slow=[f"measure {{whole}}/a.npz --labels {{at}} {_NARROW} {_SIZE}"],
    ),
    *(
        Door(1, f"ids.{end}", {"ids": lambda at: named_positions(at, np.arange(NUM))})
        for end in ("csv", "txt")
    ),
    Door(
        2,
        "recipe.toml",
        {"a recipe": _recipe},
        slow=[f"measure {{whole}}/a.npz --recipe {{at}} {_NARROW} {_SIZE}"],
    ),
    Door(1, "csv", {"a cache of photos": _take_photos}, alters=(_photos_packed,)),
    *(Door(2, f"rows.{end}", {"vectors": _vectors}) for end in ("npy", "npz")),
    Door(2, "column.parquet", {"a column": _column}),
    Door(3, "rows.npy", {"a file of features": _made_again}, alters=(_file_of_features,)),
    Door(
        2,
        "vit",
        {"a network": lambda at: find_features(f"hf:{at}", _arrays()).vectors(_arrays(), np.arange(2))},
        alters=only(*HUB),
    ),
    Door(
        2,
        "on_features",
        commands=[
            *(
                f"{_HEADS} run",
                f"{_HEADS} out.run",
                "suspects run",
                "report run -o out.html",
                "status run --verify",
            ),
            *(f"next run --pool {pool} --seeds 4 --picks 4 -o out.csv" for pool in ("data.npz", "rows.npy")),
        ],
        alters=only("data.npz", "rows.npy", "easiness-features/*"),
    ),
    Door(1, "decisions.csv", {"decisions": _decided}),
    Door(3, "answers.json", {"decisions": _decided}),
    Door(
        4,
        "audit.csv",
        commands=[
            *(f"audit {{whole}}/run --decided {{at}}{more}" for more in ("", " -o out.json")),
            *(f"labels {{whole}}/run {{at}} -o out.{end}" for end in ("csv", "json", "md")),
            *(f"keep {{whole}}/run --ids {{at}} -o out.{end}" for end in ("txt", "csv")),
            "suspects {whole}/run --decided {at}",
            "labels {whole}/run --decided {at} --only-decided -o out.csv",
        ],
        alters=(_answered,),
    ),
)

# targets

_SHARES = {"reads": 0.78, "commands": 0.2, "slow": 0.02}
_SHARE_OF_OPTIONS = 0.12  # of the commands
_VALUES = (
    *(*TEXTS, "0", "1e999", "nan", "inf", "9" * 5000, "0.5,0.5", "\udcff", "/dev/null", "--", "http://x"),
    *("$(id)", "auto", "mlp_9_w9", "every:0", "beta:1", "beta:nan,1", "ccs:2"),
)


@cache
def _options_of(verb: str) -> list[str]:
    command: Any = typer.main.get_command(app)
    for word in verb.split():
        command = command.get_command(None, word)
    return [name for one in command.params for name in one.opts if name.startswith("-")]


def _odd_options(rng: np.random.Generator, verb: str) -> list[str]:
    """An option with an odd value, or two."""
    num = int(rng.choice([1, 1, 2]))
    return [str(one_of(rng, among)) for _ in range(num) for among in (_options_of(verb), _VALUES)]


def _drawn(rng: np.random.Generator, shares: Mapping[Any, float]) -> Any:
    return list(shares)[int(rng.choice(len(shares), p=np.array([*shares.values()]) / sum(shares.values())))]


def _one(ways: Sequence[str], rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Whatever is read in one of these ways; some commands have odd options, and then nothing is altered."""
    among = [door for door in DOORS if any(getattr(door, way) for way in ways)]
    door = among[_drawn(rng, {at: one.share for at, one in enumerate(among)})]
    way = _drawn(rng, {one: _SHARES[one] for one in ways if getattr(door, one)})
    at, by = door.copied(whole, folder), one_of(rng, list(getattr(door, way)))
    if way != "reads" and rng.random() < _SHARE_OF_OPTIONS:
        asked = door.asked(by, at, whole, "odd options")
        verb = " ".join(by.split()[: 2 if by.startswith("paper") else 1])
        return replace(asked, call=[*asked.call, *_odd_options(rng, verb)])
    return door.asked(by, at, whole, one_of(rng, door.alters)(rng, at))


anything, commands, slow = (
    partial(_one, ways) for ways in (["reads", "commands", "slow"], ["commands", "slow"], ["slow"])
)
SOUND = [door for door in DOORS if door.reads]


def sound(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Nothing altered: by the number of the case the first reading of one of these."""
    seed: Any = rng.bit_generator.seed_seq
    door = SOUND[seed.entropy[1] % len(SOUND)]
    by = next(iter(door.reads))
    return door.asked(by, door.copied(whole, folder), whole)
