from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness import BadInput, Run, audit, load_dataset, measure, open_run, suspects
from easiness.pages import ReportOptions, labels as labels_module
from easiness.pages.deciding import decision_lists
from easiness.pages.labels import certain, suspect_labels
from easiness.runs import data_version
from recording import believing, page_of, recorded

NUM = 60
WRONG = [7, 20, 31, 52]
Record = Callable[..., Run]


def _logits(believed: Any, *, trials: int = 5, epochs: int = 4, seed: int = 0) -> Any:
    """Logits [trials, epochs, examples, classes] of networks that believe these labels, ever more clearly."""
    return believing(believed, trials, epochs, sure=2 + 2 * np.arange(epochs)[:, None], seed=seed)


def _mislabelled() -> tuple[Any, Any]:
    """The labels given, and those believed: the next class at `WRONG`."""
    labels = np.arange(NUM) % 3
    believed = labels.copy()
    believed[WRONG] = (labels[WRONG] + 1) % 3
    return labels, believed


def _section(page: str, key: str) -> str:
    """The HTML of a section; it has none inside."""
    return page.partition(f'<section id="{key}"')[2].partition("</section>")[0]


def _captions(section: str) -> list[str]:
    return [part.partition("</figcaption>")[0] for part in section.split("<figcaption>")[1:]]


def _of_arrays(folder: Path, images: Any, labels: Any, logits: Any, **held_out: Any) -> tuple[Path, Run]:
    """Pictures in a file, and a run recorded over them."""
    source = folder / "data.npz"
    np.savez(source, x=images, y=labels, **held_out)
    data = load_dataset(str(source))
    return source, recorded(folder / "run", logits, labels, data=data)


def _noise(num: int, side: int = 8) -> Any:
    return np.random.default_rng(3).integers(0, 256, (num, side, side), np.uint8)


def test_planted_labels_are_the_ones_shown(tmp_path: Path) -> None:
    labels, believed = _mislabelled()
    source, run = _of_arrays(tmp_path, _noise(NUM), labels, _logits(believed))
    page = page_of([run], data=str(source))
    section = _section(page, "labels")
    captions = [one for one in _captions(section) if "p wrong" in one]  # not that of the curve
    assert len(captions) == len(WRONG)
    ranked = suspects(run, pictures=False).ranked.head(len(WRONG))
    assert set(ranked["id"]) == set(WRONG)
    for caption, one in zip(captions, ranked.to_dict("records"), strict=True):
        at = one["id"]
        assert f'title="{at}"' in caption
        assert f"<b>{labels[at]}</b> → <b>{believed[at]}</b>" in caption
        assert f"p wrong {one['p_wrong']:.2f} · say so {one['suggested_share']:.2f}" in caption
        assert "wrong label" in caption
        assert f"all 5 say {believed[at]}" in caption
        assert f'alt="Example {at}, labelled {labels[at]}"' in section
    found = _section(page, "measured")
    assert "4 of 60 labels are more likely wrong than right" in found
    assert 'href="#labels"' in found


def test_the_first_are_shown_and_a_command_writes_all(record: Record) -> None:
    labels, believed = _mislabelled()
    run = record(_logits(believed), labels, name="my runs")
    (part,) = suspect_labels(run, 3, 3, 0)
    assert (part.num, len(part.rows)) == (4, 3)
    assert part.command == f"easiness suspects '{run.path}' --at 3 -o suspects.csv"
    (last,) = suspect_labels(run, 4, 3, 0)
    assert "--at" not in last.command


@pytest.mark.long
def test_without_suspects_it_says_so_and_shows_nothing(record: Record) -> None:
    labels = np.arange(NUM) % 3
    section = _section(page_of([record(_logits(labels), labels)]), "labels")
    assert "No label of the 60 examples is suspect" in section
    assert (section.count("<p>"), section.count("<table"), section.count("<ul")) == (1, 0, 0)


def test_one_trial_judges_and_the_page_says_that_it_is_alone(record: Record) -> None:
    labels = np.arange(20) % 2
    page = page_of([record(_logits(labels, trials=1), labels)])
    assert "Labels to look at" in page
    assert "One trial alone judges the labels" in page
    assert "One trial alone" not in page_of([record(_logits(labels, trials=2), labels, name="two")])


@pytest.mark.long
def test_held_out_labels_come_after_those_trained_on(planted: tuple[Path, Path], tmp_path: Path) -> None:
    measure(str(planted[0]), model="mlp_2_w8", trials=2, epochs=2, precision="float32", out=tmp_path / "run")
    run = open_run(tmp_path / "run")
    parts = suspect_labels(run, 2, 24, 6)
    assert [(part.result.split, len(part.result.ranked)) for part in parts] == [
        ("train", 300),
        ("held_out", 300),
    ]
    assert all(
        len(part.rows) <= 6 and one["name"][0] == "held_out" for part in parts[1:] for one in part.rows
    )
    assert "--split held_out" in parts[1].command
    section = _section(page_of([run]), "labels")
    found = suspects(run, split="held_out", pictures=False)
    expected = int((found.ranked["p_wrong"] >= 0.1).sum())
    words = f"{expected} are wrong" if expected > 1 else "held-out examples"
    assert words in section.partition("Held-out labels")[2]


def test_certain_conflicts_are_told_and_shown_in_pairs(tmp_path: Path) -> None:
    labels = np.arange(NUM) % 3
    images, held_out = _noise(NUM), _noise(NUM + 10)[NUM:]
    images[4], images[9], images[12] = images[2], images[0], images[0]  # of 2: another label; of 0: the same
    held_out[1] = images[30]
    source, run = _of_arrays(
        tmp_path, images, labels, _logits(labels), x_test=held_out, y_test=(np.arange(10) + 1) % 3
    )
    found = certain(run, load_dataset(str(source)))
    assert found.sentences[0] == "1 group of identical training pictures (2 in all) with two labels or more."
    assert "1 of 10 held-out pictures are in the training split as well, 1 of them" in found.sentences[1]
    assert [what for what, _ in found.examples] == ["identical, with two labels", "identical, one held out"]
    pairs = [pair for _, pair in found.examples]
    assert pairs[0] == [(("train", 2), "2"), (("train", 4), "1")]
    assert pairs[1] == [(("train", 30), "0"), (("held_out", 1), "2")]
    assert found.duplicates == [["0", "9", "12"]]
    page = page_of([run], data=str(source))
    assert len(_captions(_section(page, "labels"))) == 4
    left_out = _section(page, "left-out")
    assert "2 training pictures are exact copies of" in left_out
    assert "0 = 9 = 12" in left_out


def test_many_pictures_are_not_compared_and_a_command_is_named(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = open_run(run_copy), load_dataset("digits", limit=100)
    monkeypatch.setattr(labels_module, "MOST_COMPARED", 99)
    (told,) = certain(run, data).sentences
    assert f"among 100, which takes a while: easiness suspects {run.path} does" in told
    suspects(run)  # which keeps what it finds
    assert certain(run, data).sentences[0].startswith("No identical training pictures")
    assert certain(run, None).sentences == []


def test_what_a_damaged_picture_leaves_of_the_page(pictures: Path, tmp_path: Path) -> None:
    data = load_dataset(str(pictures))
    run = recorded(tmp_path / "run", [], data=data)
    path = pictures / "cat" / "03.png"
    path.write_bytes(path.read_bytes()[:60])
    (told,) = certain(run, load_dataset(str(pictures))).sentences
    assert told.startswith("Identical pictures were not looked for: ")
    assert "03.png" in told


HEADER = ["id", "label", "class", "was", "action", "by", "time", "split", "data", "stratum"]


@pytest.fixture(scope="module")
def run(measured: Path) -> Run:
    return open_run(measured)


def _values(run: Run, folder: Path, **asked: Any) -> Any:
    """What the script of the page reads."""
    ez.report(run, folder / "page.html", **asked)
    text = (folder / "page.html").read_text("utf-8")
    return json.loads(re.findall(r'id="decide-values">(.*?)</script>', text, re.S)[0])


def _file(run: Run, path: Path, *rows: dict[str, Any]) -> Path:
    """A file of decisions: the ``rows`` name a position in the run and what else they say."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        for row in rows:
            at = row.pop("at")
            label = {"id": run.ids[at], "label": run.labels[at], "was": run.labels[at]}
            writer.writerow({"split": "train", "data": data_version(run), **label, **row})
    return path


def test_the_first_suspects_stand_beside_what_is_nearest_to_them(run: Run, tmp_path: Path) -> None:
    values = _values(run, tmp_path, suspects=7)
    assert [part["num"] for part in values["parts"]] == [7]
    labels, suggested = values["examples"]["labels"], values["suggested"]
    assert len(suggested) == 7
    assert sorted(values["pWrong"], reverse=True) == values["pWrong"]
    for place in range(7):
        own, others = values["near"][str(place)]
        assert {labels[one] for one in own} == {labels[place]}
        assert {labels[one] for one in others} == {suggested[place]}
        assert place not in own
    page = (tmp_path / "page.html").read_text("utf-8")
    for at, name in enumerate(values["examples"]["ids"]):  # each picture is there once
        assert (str(at) in values["pictures"]) != (f'data-example="{name}"' in page)
    assert values["data"] == data_version(run)
    way = os.path.relpath(run.path, tmp_path)
    assert values["command"] == f"easiness suspects {way} --decided labels.csv"


def test_what_shows_nothing_is_decided_on_after_the_suspects(run: Run) -> None:
    (part,) = suspect_labels(run, run.epochs, 1, 1)[:1]
    last = part.result.ranked["id"].tolist()[-1]
    (rows,) = decision_lists(run, [part], ReportOptions(run), {("train", last): "blank"})
    assert rows.num_suspect == part.num + 1
    assert rows.rows["id"].tolist()[part.num] == last
    assert rows.rows["reason"].tolist()[part.num].startswith("blank")
    assert rows.rows["id"].tolist()[: part.num] == part.result.ranked["id"].tolist()[: part.num]


def test_a_file_says_what_is_decided_on_and_keeps_its_columns(run: Run, tmp_path: Path) -> None:
    decided = {"action": "drop", "by": "Bob", "time": "2026-01-02T03:04:05Z"}
    file = _file(run, tmp_path / "a.csv", {"at": 5, "stratum": "2"}, {"at": 2, "stratum": "", **decided})
    values = _values(run, tmp_path, decide=file)
    assert values["examples"]["ids"][:2] == [str(run.ids[5]), str(run.ids[2])]
    assert values["decided"] == {"1": ["drop", int(run.labels[2]), "Bob", "2026-01-02T03:04:05Z"]}
    assert (values["others"], values["cells"]) == (["stratum"], [["2"], [""]])
    assert np.isfinite(values["pWrong"]).all()
    assert (values["file"], values["audit"]) == ("a.csv", False)
    way = os.path.relpath(run.path, tmp_path)
    assert values["command"] == f"easiness suspects {way} --decided {file.name}"
    blind = _values(run, tmp_path, decide=file, blind=True)
    assert not {"suggested", "pWrong", "kinds", "reasons", "courses"} & set(blind)
    assert blind["cells"] == values["cells"]
    assert all(others == [] for _, others in blind["near"].values())


def test_the_page_of_an_audit_is_blind_unless_told(run: Run, tmp_path: Path) -> None:
    audit(run, looks=5).table().to_csv(tmp_path / "audit.csv", index=False)
    values = _values(run, tmp_path, decide=tmp_path / "audit.csv")
    assert (values["audit"], values["blind"]) == (True, True)
    assert not {"suggested", "pWrong"} & set(values)
    assert not {"suggested", "p_wrong"} & set(values["others"])
    asked = _values(run, tmp_path, decide=tmp_path / "audit.csv", blind=False)
    assert (asked["audit"], asked["blind"]) == (True, False)
    assert len(asked["pWrong"]) == 5


def test_votes_are_shown_unless_they_are_hidden(run: Run, tmp_path: Path) -> None:
    drawn, answer = audit(run, looks=2).table(), "</script>: dog"
    for name, table in {"audit": drawn, "said": drawn.assign(said=["ann: 1", answer])}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    values = _values(run, tmp_path, decide=tmp_path / "said.csv")
    assert (values["blind"], values["others"][-1]) == (True, "said")
    assert [row[-1] for row in values["cells"]] == ["ann: 1", answer]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "decide-votes" in page
    assert answer not in page
    hidden = _values(run, tmp_path, decide=tmp_path / "said.csv", blind=True)
    assert hidden["cells"] == [row[:-1] for row in values["cells"]]
    assert "decide-votes" not in (tmp_path / "page.html").read_text("utf-8")
    _values(run, tmp_path, decide=tmp_path / "audit.csv", blind=False)
    assert "decide-votes" not in (tmp_path / "page.html").read_text("utf-8")


def test_what_cannot_be_decided_on_is_refused(run: Run, tmp_path: Path) -> None:
    theirs = _file(run, tmp_path / "theirs.csv", {"at": 1, "data": "cats@0123456789ab"})
    empty = _file(run, tmp_path / "empty.csv")
    version = data_version(run)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"decide": theirs}, f"theirs.csv: row 2: is of cats@0123456789ab, and not of {version}"),
        ({"decide": empty}, "empty.csv: no rows"),
        ({"blind": True}, "--blind: hides what is suggested of the examples of a file"),
        ({"suspects": -1}, "--suspects -1: must be at least 0"),
        ({"pixels": 31}, "--pixels 31: not in [32, 4096]"),
    ]
    for asked, why in refused:
        with pytest.raises(BadInput, match=re.escape(why)):
            ez.report(run, tmp_path / "page.html", **asked)
    with pytest.raises(BadInput, match="in the page of one run; give one"):
        ez.report([run, run], tmp_path / "page.html", decide=empty)
    assert not (tmp_path / "page.html").exists()
