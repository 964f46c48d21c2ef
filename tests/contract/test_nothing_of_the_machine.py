"""No page, figure, card, export or result tells where things lie on the machine, or whose they are."""

from __future__ import annotations

import base64
import io
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from easiness.regular_file import in_words, sharing

USER = "secretuser"
RESULTS = (".csv", ".md", ".json", ".parquet", ".png", ".svg", ".pdf")
EXPORTS = {
    **dict.fromkeys(("hf", "label-studio"), ""),
    **{"cleanlab": ".npz", "torch": ".npz", "spotlight": ".parquet", "csv": ".csv", "parquet": ".parquet"},
}


def _layers(data: bytes) -> Iterator[bytes]:
    """A file's bytes, and what is packed in them: members, cells, metadata, streams and addresses."""
    yield data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield from _layers(packed.read(name))
    elif data[:6] == b"\x93NUMPY":
        yield "\n".join(map(str, np.load(io.BytesIO(data)).ravel().tolist())).encode()
    elif data[:4] == b"PAR1":
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        yield from (repr(part).encode() for part in (table.schema.metadata, table.to_pydict()))
    elif data[:4] == b"\x89PNG":
        yield repr(Image.open(io.BytesIO(data)).info).encode()
    elif data[:4] == b"%PDF":
        for found in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
            yield zlib.decompressobj().decompress(found[1]) if found[1][:1] == b"x" else found[1]
    for found in re.finditer(rb"base64,([A-Za-z0-9+/=]+)", data):
        yield from _layers(base64.b64decode(found[1]))


def telling(folder: Path) -> list[str]:
    """Yield each place below a folder that tells the user's name, with the text around it."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    assert files
    return [
        f"{file.relative_to(folder)}: ...{layer[max(0, found.start() - 60) : found.end() + 40]!r}"
        for file in files
        for layer in _layers(file.read_bytes())
        for found in re.finditer(USER.encode(), layer.replace(b"<wbr>", b""))
    ]


def every_form(file: Path) -> list[object]:
    """The options that write a result in each form."""
    return [option for end in RESULTS for option in ("-o", file.with_suffix(end))]


@pytest.fixture
def home(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with pictures, a list of them by absolute paths, features, and a folder to write to."""
    home = tmp_path / USER
    home.mkdir()
    shutil.move(pictures, home / "pets")
    files = sorted((home / "pets").rglob("*.png"))
    rows = [f"{file},{file.parent.name}" for file in files]
    (home / "list.csv").write_text("\n".join(["path,label", *rows]))
    ids = [file.relative_to(home / "pets").as_posix() for file in files]
    (home / "labels.csv").write_text("\n".join(["id,label", *(f"{one},{one[:3]}" for one in ids[:-1])]))
    np.save(home / "vectors.npy", np.random.default_rng(0).normal(size=(len(files), 4)).astype(np.float32))
    (home / "out").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


PETS = ("--model", "mlp_1", "--trials", 2, "--epochs", 2, "--keep-logits")
WORLDS: dict[str, tuple[object, ...]] = {
    "pets": ("pets", *PETS, "--labels", "~/labels.csv"),
    "listed": ("list.csv", "--allow-outside", "--features", "~/vectors.npy", "--trials", 5),
}


@pytest.fixture(params=[pytest.param("pets", marks=pytest.mark.long), "listed"])
def run(request, home: Path, command) -> Path:
    source, *options = WORLDS[request.param]
    run = home / "runs" / request.param
    assert command("measure", home / str(source), *options, "--out", run).code == 0
    return run


def test_pages_results_cards_and_exports(run, home, command):
    out = home / "out"
    made = [command("report", run, "-o", out / "page.html")]
    made += [command("audit", run, "--looks", 6, *every_form(out / "audit"))]
    made += [command("report", run, "--decide", out / "audit.csv", "-o", out / "decide.html")]
    half = pd.read_csv(out / "audit.csv").astype({"action": object})
    half.assign(action=["keep", "keep", *half["action"][2:]]).to_csv(home / "half.csv", index=False)
    words = ("audit", run, "--decided", home / "half.csv", "--certificate", "-o")
    made += [command(*words, out / f"certificate{end}") for end in (".html", ".md", ".json")]
    made += [command(one, run, *every_form(out / one)) for one in ("suspects", "scores")]
    made += [command("labels", run, "-o", out / "labels.csv", "-o", out / "labels.md")]
    made += [command("suspects", run, "--decided", out / "labels.csv", "-o", out / "decided.md")]
    made += [command("card", run, "-o", out / "card", "--certificate", out / "certificate.json")]
    made += [command("card", "--apply", out / "card", home / "pets", "-o", out / "applied.parquet")]
    made += [command("export", run, "--to", form, "-o", out / f"{form}{EXPORTS[form]}") for form in EXPORTS]
    served = ("--document-root", home, "-o", out / "served")
    made += [command("export", run, "--to", "label-studio", *served)]
    assert [one.err for one in made if one.code] == []
    assert telling(out) == []
    page = (out / "page.html").read_text()
    assert f"../runs/{run.name}" in page
    assert str(home.parent) not in page


def test_elsewhere_on_the_machine_the_last_name_is_told(home, command, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command("measure", home / "pets", *PETS, "--out", home / "run")
    command("report", home / "run", "-o", elsewhere / "page.html")
    assert telling(elsewhere) == []
    assert ">pets<" in (elsewhere / "page.html").read_text()


@pytest.mark.long
def test_studies(home, command):
    runs, out = home / "runs", home / "out"
    heads = ("--features", "~/vectors.npy", "--trials", 5, "--holdout", 0.25)
    own = ("--model", "mlp_1", "--trials", 2, "--epochs", 1)
    made = [
        command("measure", home / "pets", *PETS, "--holdout", 0.25, "--out", runs / "a"),
        command("measure", home / "pets", *PETS, "--holdout", 0.25, "--seed", 1, "--out", runs / "b"),
        command("measure", home / "pets", *heads, "--out", runs / "heads"),
        command(
            *(
                "paper",
                "ablate",
                home / "pets",
                "--scores",
                runs / "a",
                *own[:2],
                "--epochs",
                1,
                "--rates",
                "0,0.5",
            ),
            *("--repetitions", 1, "--holdout", 0.25, "--out", runs / "ablate", "-o", out / "ablate.md"),
        ),
        command("labels", runs / "a", "-o", home / "cleaned.csv"),
        command("report", runs / "a", runs / "b", runs / "heads", "-o", out / "several.html"),
        command("report", runs / "a", "--since", runs / "b", "-o", out / "since.html"),
        command(
            *("paper", "hypothesis", "--preset", "smoke", "--out", runs / "hypothesis"),
            *every_form(out / "hypothesis"),
        ),
    ]
    (home / "fewer.csv").write_text("\n".join((home / "cleaned.csv").read_text().splitlines()[:-1]))
    verified = ("--labels", "~/fewer.csv", "--holdout", 0.25, *own, "--out", runs / "v", "-o", out / "v.md")
    made += [command("verify", home / "pets", *verified)]
    several = {"compare": ["a", "b", "heads"], "diff": "ba", "suspects": ["a", "heads"], "scores": "ab"}
    made += [command(one, *(runs / run for run in of), *every_form(out / one)) for one, of in several.items()]
    perturbed = ("--kind", "radial", "--levels", 2, *every_form(out / "perturb"))
    made += [
        command("paper", "perturb", runs / "a", *perturbed),
        command("keep", runs / "a", "--drop", 0.3, "--policy", "hard", *every_form(out / "prune")),
        command("keep", runs / "a", "--steps", 9, *every_form(out / "curriculum")),
    ]
    assert [one.err for one in made if one.code] == []
    assert telling(out) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/home/me/pets", "../pets"),
        ("/home/me/out/pets", "pets"),
        ("hf:/home/me/model", "hf:../model"),
        ("/home/you/pets", "pets"),
        ("/data/me/pets", "pets"),
        ("/pets", "pets"),
        ("digits", "digits"),
        ("hf:org/name", "hf:org/name"),
        ("https://example.org/pets", "https://example.org/pets"),
        ("../pets", "../pets"),
        (Path("/home/me/pets"), "../pets"),
    ],
)
def test_a_path_in_words(path, said, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert in_words(path) == str(path)
    with sharing(Path("/home/me/out")):
        assert in_words(path) == said
    assert in_words(path) == str(path)


def test_outside_of_the_home_folder_ways_are_told(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    with sharing(Path("/data/out")):
        assert in_words("/data/pets/cats") == "../pets/cats"
        assert in_words("/data/me/cats") == "cats"
        assert in_words("/home/me/cats") == "cats"
