"""Every block of code in README.md and docs runs, in small: on stand-ins for the data that the pages name."""

from __future__ import annotations

import csv
import importlib
import io
import itertools
import json
import re
import runpy
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doc_blocks import ROOT, Block, blocks_of, commands_in, pages

import easiness as ez
from easiness.perturb import registry
from lengths import long_but
from recording import harness

# What is shown and not run: what a program printed, or how a folder looks.
SHOWN = ("text",)

# Tools that are not ours: what a page says of them runs where they are.
OTHER_TOOLS = ("skorch", "keras", "fiftyone")

# Pages whose commands another test runs on data of their own, and which: checked below.
RUN_ELSEWHERE = {
    "docs/labels.md": "tests/e2e/test_labels_tutorial.py",
    "docs/how-to/own-study.md": "tests/docs/test_own_study.py",
}

# Pages that quote what their commands print here, with dots for what is left out.
QUOTED = tuple(f"docs/tutorials/{name}.md" for name in ("outcomes", "slices", "tags", "votes"))

# Options whose values would take too long, with what stands for them.
IN_SMALL = {
    "--model": {
        "resnet18": "mlp_2_w8",
        "wrn_16_1": "mlp_2_w8",
        "wrn_10_1": "mlp_3_w16",
        "mlp_3": "mlp_3_w16",
    },
    "--preset": {"paper": "laptop"},
    "--rates": {"0,0.3,0.6": "0,0.3", "0,0.3,0.6,0.9": "0,0.3"},  # else no cat is left of so few
    "--epochs": {"30": "2"},
    "--final-epochs": {"30": "2"},
    "--final-trials": {"5": "2"},
    "--max-trials": {"40": "12"},
}
# Options that are left away: the stand-ins' pictures are small as they are.
LEFT_AWAY = ("--image-size",)
# Experiments are planned only: tests/e2e/test_paper_command.py and tests/unit/studies/hypothesis run them.
PLANNED = ("paper all", "paper hypothesis")
# What is fastest need not be found out here.
STEADY = {"--precision": "float32", "--jobs": "1"}
TRAINING = ("measure", "verify", "paper ablate", "paper corrupt", "paper validate")

# Pages whose `photos/` has no split that is held out; on all others it has `val/`.
WITHOUT_SPLITS = ("docs/studies.md",)
# Pages that measure all their runs by themselves, otherwise than the stand-ins were.
MEASURES_ALL = ("README.md", "docs/tutorials/outcomes.md")
# What a page takes for granted before its first block of Python.
BEFORE = {
    "README.md": """
import numpy
ids, labels, names, epochs = list(range(20)), [0, 1] * 10, ["cat", "dog"], 2
loader = [(range(10), numpy.zeros((10, 3))), (range(10, 20), numpy.ones((10, 3)))]
class Model:
    def eval(self): pass
    def __call__(self, images): return images[:, :2] - [[0.0, 0.5]]
model, train_one_epoch = Model(), lambda model: None
""",
    "docs/data.md": """
import numpy, pandas
import easiness as ez
x, y = numpy.random.default_rng(0).random((12, 8, 8)), numpy.arange(12) % 2
pandas.DataFrame({"id": [0, 1, 2, 5], "label": [0, 1, 0, 1]}).to_csv("kept.csv", index=False)
""",
    "docs/versions.md": """
import easiness as ez, pandas
digits = ez.load_dataset("digits")
digits.labels[0] = 5
pandas.DataFrame({"id": digits.ids, "label": digits.labels}).to_csv("labels.csv", index=False)
""",
}
RUNS = {("photos", "wrn_16_1"): "mlp_2_w8", ("mlp", "mlp_3"): "mlp_3_w16"}  # by the names that pages have
SYNSETS = ("n01751748", "n02123394", "n02169497", "n02883205", "n03125729", "n03954731")
SYNSETS = (*SYNSETS, "n04332243", "n04355358", "n04553703", "n07717556")  # type: ignore[assignment]


def pictures(folder: Path, classes: tuple[str, ...], number: int, seed: int, wrong: int = 0) -> None:
    """Class folders of color pictures; a class has a color and noise, and of each some are in the next."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(seed)
    for at, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(number):
            pixels = random.integers(0, 140, (16, 16, 3), dtype=np.uint8)
            pixels[..., (at + (i < wrong)) % 3] += np.uint8(100)
            Image.fromarray(pixels).save(folder / name / f"{i:02d}.png")


def questions(folder: Path, number: int) -> None:
    """Texts of three classes, of which a word or two tell; one of train has another label."""
    words = {
        "HUM": ("Who", "wrote", "played"),
        "LOC": ("Where", "lies", "grows"),
        "NUM": ("How many", "are", "cost"),
    }
    things = ("the book", "a river", "this song", "that town", "an apple", "the film", "one queen", "no road")
    folder.mkdir()
    for split, first in (("train", 0), ("test", 5)):
        rows = ["text,label"]
        for i in range(first, first + number):
            for at, (label, (ask, *verbs)) in enumerate(words.items()):
                wrong = split == "train" and (i, at) == (0, 0)
                asked = f"{ask} {verbs[i % 2]} {things[i % 8]} of {things[(i * 3 + 1) % 8]} {i} ?"
                rows.append(f'"{asked}",{"LOC" if wrong else label}')
        (folder / f"{split}.csv").write_text("\n".join(rows) + "\n")


def recordings(folder: Path, number: int, seed: int) -> None:
    """Half a second of a low or a high tone in noise, as WAV."""
    import wave

    import numpy as np

    random, time = np.random.default_rng(seed), np.arange(4000) / 8000
    for name, pitch in (("no", 300), ("yes", 900)):
        (folder / name).mkdir(parents=True)
        for i in range(number):
            tone = np.sin(2 * np.pi * pitch * random.uniform(0.9, 1.1) * time)
            samples = 0.3 * tone + 0.1 * random.standard_normal(len(time))
            with wave.open(str(folder / name / f"{i:02d}.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes((samples * 2**15).astype("<i2").tobytes())


def samples(folder: Path, models: dict[str, float], files: int, number: int) -> None:
    """Rollouts of models as lm-evaluation-harness keeps them: a file each, two ways to read an answer."""
    random = np.random.default_rng(5)
    ease = random.normal(0, 2, number)
    for model, ability in models.items():
        (folder / model).mkdir(parents=True)
        for hour in range(files):
            is_right = random.random(number) < 1 / (1 + np.exp(-ease - ability))
            said = 8 * np.arange(number) + np.where(is_right, 3, random.integers(3, size=number))
            rows = [
                harness(
                    i,
                    float(is_right[i]),
                    doc={"question": f"What is {7 * i} + {i + 3} ?", "answer": f"#### {8 * i + 3}"},
                    target=str(8 * i + 3),
                    filtered_resps=[str(said[i])],
                    filter=name,
                )
                for name in ("strict-match", "flexible-extract")
                for i in range(number)
            ]
            file = folder / model / f"samples_sums_2026-11-30T{hour:02d}-15-00.123456.jsonl"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def stand_ins(made_once: Callable[..., Path]) -> tuple[Path, Path]:
    """What the pages name: photos, questions, recordings, flowers, CIFAR-10, ImageNet, and runs."""

    def make(out: Path) -> None:
        import pandas as pd
        from sklearn.datasets import load_iris

        pictures(out / "photos" / "train", ("cat", "dog", "owl"), 20, 0, wrong=1)
        pictures(out / "photos" / "val", ("cat", "dog", "owl"), 8, 1)
        pictures(out / "new-photos", ("some", "more"), 12, 7)
        pictures(out / "flat", ("cat", "dog", "owl"), 20, 2, wrong=1)
        pictures(out / "IMAGENET_FOLDER" / "train", SYNSETS, 12, 3)
        pictures(out / "IMAGENET_FOLDER" / "val", SYNSETS, 12, 4)
        questions(out / "questions", 20)
        flowers = load_iris(as_frame=True)
        named = flowers.frame.assign(species=flowers.target_names[flowers.target]).drop(columns="target")
        named.to_csv(out / "flowers.csv", index=False)
        samples(out / "samples", {"small": -1, "large": 1}, 8, 200)
        recordings(out / "words" / "train", 20, 5)
        recordings(out / "words" / "test", 8, 6)
        (out / "CIFAR10_FOLDER").mkdir()
        files = sorted((out / "photos" / "train").rglob("*.png"))
        rows = {"img": [file.read_bytes() for file in files], "label": [i // 20 for i in range(len(files))]}
        for split in ("train", "test"):
            pd.DataFrame(rows).to_parquet(out / "CIFAR10_FOLDER" / f"{split}.parquet")

    def train(out: Path) -> None:
        for (name, other), model in RUNS.items():
            size: dict[str, Any] = {"trials": 10, "epochs": 10, "precision": "float32", "jobs": 1}
            ez.measure(data / "photos", model=model, **size, out=out / name)
            shutil.copytree(out / name, out / other)

    data = made_once("stand_ins", make)
    return data, made_once("runs_of_stand_ins", train)


@pytest.fixture
def home(stand_ins: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a reader's own; what a page registers or imports is forgotten afterwards."""
    folder = tmp_path / "home"
    data, runs = stand_ins
    shutil.copytree(data, folder)
    shutil.copytree(runs, folder / "runs")
    (folder / "docs" / "results").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(registry, "_own_kinds", [])
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def ask_more() -> None:
    """The rollouts that ``next.csv`` wants, as somebody saves them: a row an answer, without a trial."""
    wanted = pd.read_csv("next.csv")
    items = np.repeat(wanted["id"].to_numpy(), wanted["more"].to_numpy())
    right = np.random.default_rng(0).integers(2, size=len(items))
    pd.DataFrame({"item": items, "model": "small", "right": right}).to_csv("more.csv", index=False)


def decide(words: list[str]) -> None:
    """What somebody does by hand after a command: decide in the page, or fill in an audit's file."""
    if words[1] == "report" and words[2].startswith("runs/"):
        ranked = ez.suspects(ez.open_run(words[2]), pictures=False).ranked.head(5)
        rows = ranked[["id", "label"]].assign(action=["drop", *["keep"] * 4], by="Ann")
        rows.to_csv("labels.csv", index=False)
    elif words[1] == "audit" and "--decided" not in words:
        pd.read_csv("audit.csv").fillna({"action": "keep"}).to_csv("audit.csv", index=False)


class Reader:
    """Who does what a page says, from its first block to its last."""

    def __init__(self, page: str, home: Path, command: Callable[..., Any]) -> None:
        self.page, self.home, self.command = page, home, command
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.done: Counter[str] = Counter()
        self.not_run: list[str] = []
        self.said = ""
        exec(compile(BEFORE.get(page, ""), f"before {page}", "exec"), self.names)

    def follow(self, block: Block) -> None:
        """Do it; a block of a language that nobody runs is an error."""
        if block.saved is not None:
            (self.home / block.saved).write_text(block.text)
        does = {
            "sh": self.shell,
            "python": self.python,
            "sql": self.sql,
            "toml": self.toml,
            "csv": self.csv,
            "console": self.console,
        }
        if block.language == "text" and self.page in QUOTED and self.said:
            for part in block.text.split("..."):
                assert " ".join(part.split()) in " ".join(self.said.split()), block.place
        if block.language not in SHOWN:
            assert block.language in does, f"{block.place}: who runs {block.language!r}?"
            does[block.language](block)
        self.done[block.language] += 1

    def shell(self, block: Block) -> None:
        self.said = ""
        for words in commands_in(block.text):
            if words[0] != "easiness":
                can_be_called(words, block.place)
            elif self.page not in RUN_ELSEWHERE:
                finished = self.command(*in_small(words[1:]))
                assert finished.code == 0, f"{block.place}: {' '.join(words)}: {finished.err}"
                if self.page == "README.md":
                    decide(words)
                if "--rollouts" in words:
                    ask_more()
                self.said += finished.out + finished.err

    def python(self, block: Block) -> None:
        if self.page in RUN_ELSEWHERE or not self.can_import(block):
            compile(block.text, block.place, "exec")
        elif block.saved is None:
            exec(compile(python_in_small(block.text), block.place, "exec"), self.names)
        else:  # a module, which a command that follows loads
            compile(block.text, block.place, "exec")

    def can_import(self, block: Block) -> bool:
        """Is the tool there that a block is about? Where not, the page goes on, and says so in the end."""
        for tool in OTHER_TOOLS:
            if re.search(rf"^(import|from) {tool}\b", block.text, re.MULTILINE):
                try:
                    importlib.import_module(tool)
                except ImportError as error:
                    self.not_run.append(f"{block.place}: {error}")
                    return False
        return True

    def sql(self, block: Block) -> None:
        import duckdb

        for query in block.text.split(";"):
            if query.strip():
                assert len(duckdb.sql(query).fetchall()) > 1, block.place  # type: ignore[union-attr]

    def toml(self, block: Block) -> None:
        if "project" in tomllib.loads(block.text):  # of a package, no recipe
            return
        Path("block.toml").write_text(block.text)
        finished = self.command(
            *("measure", "photos", "--model", "mlp_2_w8", "--recipe", "block.toml"),
            *("--out", "runs/recipe", "--dry-run"),
        )
        assert finished.code == 0, f"{block.place}: {finished.err}"

    def csv(self, block: Block) -> None:
        head, *rows = csv.reader(io.StringIO(block.text))
        assert "label" in head, block.place
        assert {"path", "id"} & set(head), block.place
        assert rows, block.place
        assert {len(row) for row in rows} == {len(head)}, block.place

    def console(self, block: Block) -> None:
        lines = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
        assert lines, f"{block.place}: no line begins with $"
        for words in commands_in("\n".join(lines)):
            can_be_called(words, block.place)


def in_small(words: list[str]) -> list[str]:
    """The arguments of a command in less time: see the tables above."""
    changed = [
        IN_SMALL.get(before, {}).get(word, word)  # type: ignore[arg-type]
        for before, word in zip([None, *words], words, strict=False)
        if before not in LEFT_AWAY and word not in LEFT_AWAY
    ]
    name = " ".join(words[: 2 if words[0] == "paper" else 1])
    if name in PLANNED and "--dry-run" not in words:
        changed.append("--dry-run")
    if name in TRAINING:
        changed += [text for pair in STEADY.items() if pair[0] not in words for text in pair]
    return changed


def python_in_small(text: str) -> str:
    """Fewer trials and epochs, and a small network in the place of a large one."""
    text = re.sub(r"\btrials=(\d+)", lambda m: f"trials={min(int(m[1]), 3)}", text)
    text = re.sub(r"\bepochs=(\d+)", lambda m: f"epochs={min(int(m[1]), 2)}", text)
    for large, small in IN_SMALL["--model"].items():
        text = text.replace(f'model="{large}"', f'model="{small}"')
    return text


def can_be_called(words: list[str], place: str) -> None:
    """What is no command of ours: targets of make, extras to install, scripts with their options."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets, f"{place}: make {words[1]}"
    elif words[:2] == ["pip", "install"]:
        extras = re.findall(r"\[([a-z,]+)\]", words[-1])
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert re.sub(r"\[.*", "", words[-1]) in (".", "easiness"), place
        assert set(",".join(extras).split(",")) - {""} <= set(known), f"{place}: {words[-1]}"
    else:
        assert words[0] == "python", f"{place}: who runs {words[0]!r}?"
        script = ROOT / words[1]
        assert script.is_file(), f"{place}: there is no {words[1]}"
        sources = "".join(path.read_text() for path in script.parent.glob("*.py"))
        kit = "".join(path.read_text() for path in (ROOT / "benchmarks" / "kit").glob("*.py"))
        for option in (word for word in words if word.startswith("--")):
            keyword = option[2:].replace("-", "_") + "="  # as `begin` of the kit takes it
            declared = f'"{option}"' in sources + kit or keyword in script.read_text()
            assert declared, f"{place}: {words[1]} has no {option}"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras with torch
@pytest.mark.parametrize(
    "page", long_but([page for page in pages() if blocks_of(page)], ["docs/how-to/network.md"])
)
def test_every_block_runs(
    page: str, home: Path, stand_ins: tuple[Path, Path], command: Callable[..., Any]
) -> None:
    if page in WITHOUT_SPLITS:
        shutil.rmtree(home / "photos")
        shutil.rmtree(home / "runs" / "photos")
        (home / "flat").rename(home / "photos")
    if page in MEASURES_ALL:
        shutil.rmtree(home / "runs")
    reader = Reader(page, home, command)
    if page in WITHOUT_SPLITS:
        measure = "easiness measure photos --holdout 0.2 --model resnet18 --out runs/photos"
        reader.shell(Block(page, 0, "sh", measure))
    runs = home / "runs" if page in WITHOUT_SPLITS else stand_ins[1]
    names = ez.open_run(runs / "photos").ids[:2]
    (home / "wrong.txt").write_text("".join(f"{name}\n" for name in names))
    blocks = blocks_of(page)
    for block in blocks:
        reader.follow(block)
    assert reader.done.total() == len(blocks)
    if reader.not_run:
        pytest.skip("all but " + "; ".join(reader.not_run))


PAGE = "docs/how-to/own-study.md"


def test_what_is_run_elsewhere_is_run_there() -> None:
    commands = runpy.run_path(str(ROOT / "benchmarks" / "science" / "labels_tutorial.py"))["commands"]
    assert f'PAGE = "{PAGE}"' in (ROOT / RUN_ELSEWHERE[PAGE]).read_text()
    assert 'tutorial["commands"]()' in (ROOT / RUN_ELSEWHERE["docs/labels.md"]).read_text()
    ours = [line for b in blocks_of("docs/labels.md") if b.language == "sh" for line in b.text.splitlines()]
    assert [line for line in ours if line.startswith("easiness ")] == commands()


def test_the_overrides_are_used() -> None:
    shell = [block for page in pages() for block in blocks_of(page) if block.language == "sh"]
    said = [words for block in shell for words in commands_in(block.text)]
    values = {pair for words in said for pair in itertools.pairwise(words)}
    stale = {(option, value) for option, table in IN_SMALL.items() for value in table} - values
    assert not stale
    assert set(LEFT_AWAY) <= {option for option, _ in values}
