"""The certificate of an audit: its claim, digests and doubts, two who decide, the card that carries it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import easiness as ez
from easiness import Run
from easiness.data import LabelledExamples
from easiness.exports import open_card
from easiness.show import file_bytes
from easiness.studies.audit import Certificate
from easiness.studies.audit.certificate import _at_most, _digest_labels
from recording import answered, believing, recorded

NUM = 20
LABELS = np.arange(NUM) % 2
CLASSES = ("ant", "<b>bee</b>")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("runs") / "run", believing(LABELS, 3), LABELS, classes=CLASSES)


def audited(run: Run | list[Run] | str, file: Path, said: str, by: str = "ann", **options: Any) -> Path:
    """An audit's file with the first rows decided: ``k``, ``d`` or ``u`` for each, ``-`` for no action."""
    table = ez.audit(run, **options).table().astype({"action": object, "by": object, "time": object})
    actions = {"k": "keep", "d": "drop", "u": "unsure", "-": ""}
    for at, one in enumerate(said):
        cells = [actions[one], by if one != "-" else "", f"2026-05-{1 + at:02}T23:30:00+02:00"]
        table.loc[at, ["action", "by", "time"]] = cells
    table.to_csv(file, index=False)
    return file


def certified(run: Run | list[Run] | str, file: Path) -> Certificate:
    certificate = ez.audit(run, decided=file, certificate=True)
    assert isinstance(certificate, Certificate)
    return certificate


def test_a_bound_is_never_rounded_down():
    shares = [(45, 1000), (44_401, 10**6), (1, 3), (12, 50_000), (0, 9), (9, 9)]
    texts = [_at_most(*one).removesuffix(" %") for one in shares]
    assert texts == ["4.5", "4.5", "33.4", "0.03", "0", "100"]


def test_the_claim_by_hand(run: Run, tmp_path: Path):
    # 10 of 20 without a wrong one: with 3 wrong ones .105 = 10*9*8 / (20*19*18), with 4 .043 < .05
    found = certified(run, audited(run, tmp_path / "audit.csv", "k" * 10, looks=10))
    claim = "At most 15 % of these labels are wrong, with 95 % confidence, whatever the models say."
    document = json.loads(file_bytes(found, ".json"))
    assert document["claim"] == claim
    told = {"at_most": 3, "num_examples": NUM, "looked_at": 10, "seed": 0, "notices": [], "by": {"ann": 10}}
    told |= {"days": ["2026-05-01", "2026-05-10"], "split": "train", "noun": "label"}
    assert {name: document[name] for name in told} == told
    assert document["command"].endswith("audit.csv --certificate -o certificate.html")
    assert found.facts["drawn"] == "10 by chance, seed 0, 50.0\N{NO-BREAK SPACE}% of each of 1 strata"
    # all are looked at: 2 wrong and 1 unsure make 3 of 20, and what is corrected is not left
    found = certified(run, audited(run, tmp_path / "all.csv", "k" * 17 + "ddu", looks=NUM))
    assert found.claim == document["claim"]
    left = "2; when they are made, at most 1 (5 %) are left wrong"
    assert (found.facts["corrections"], found.facts["looked at"][:23]) == (left, "20: 2 wrong, 1 unsure; ")


def test_the_digests_are_of_what_was_looked_at(run: Run, tmp_path: Path):
    file = audited(run, tmp_path / "audit.csv", "kkdk", looks=4)
    first = certified(run, file).digests
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    changes: list[dict[str, Any]] = [{}, {"time": "", "suggested": "1"}, {"by": "bob"}, {"action": "keep"}]
    for change, is_same in zip(changes, (True, True, False, False), strict=True):
        table.assign(**change)[::-1].to_csv(file, index=False)  # wherever rows stand
        assert (certified(run, file).digests == first) is is_same
    of = LabelledExamples("", np.arange(NUM), LABELS, CLASSES)
    others = replace(of, ids=of.ids + 1), replace(of, labels=1 - LABELS), replace(of, classes=("ant", "bee"))
    digests = [_digest_labels(of, "data@2"), *(_digest_labels(one, "data@1") for one in (of, *others))]
    assert len({*digests}) == 5
    assert _digest_labels(replace(of, name="moved"), "elsewhere@1") == digests[1]


def test_the_same_looks_give_the_same_bytes(run: Run, tmp_path: Path):
    file = audited(run, tmp_path / "audit.csv", "kku", looks=3)
    for suffix in (".html", ".json", ".md"):
        assert file_bytes(certified(run, file), suffix) == file_bytes(certified(run, file), suffix)


def test_what_is_unfinished_or_unsigned_is_said(run: Run, tmp_path: Path):
    half = certified(run, audited(run, tmp_path / "half.csv", "kk-k", "", looks=5))
    unsigned, unfinished = half.notices
    assert unsigned == "Nobody signed 2 of the 2 decisions (column by)."
    assert unfinished.startswith("Unfinished: 2 of the 5 drawn count, up to the first without an action (")
    assert (half.facts["by"], half.facts["when"]) == ("nobody signed", "2026-05-01 to 2026-05-02")
    # one by one: 20 that are right show that at most 10 % are wrong, and 3 do not
    enough, few, short = (
        certified(run, audited(run, tmp_path / "seq.csv", "k" * num, at_most=0.1, looks=looks))
        for num, looks in ((20, 20), (3, 20), (3, 3))
    )
    assert "until at most 10\N{NO-BREAK SPACE}% can be left" in few.facts["drawn"]
    assert few.rests_on[-1] == "It holds at every look: one may stop by what was seen."
    assert (enough.notices, len(few.notices)) == ([], 1)
    assert short.notices[0].startswith("Unfinished: all drawn were looked at, and more may be left")


def test_keys_of_outcomes_are_certified(tmp_path: Path):
    answers = dict(zip("mn", (["AB"] * NUM, ["AC"] * NUM), strict=True))
    runs = answered(tmp_path / "asked", answers, "A" * NUM)
    found = certified(runs, audited(runs, tmp_path / "audit.csv", "k" * 10, looks=10))
    assert found.claim.startswith("At most 15 % of these keys are wrong, ")


def test_a_card_carries_it_and_refuses_that_of_others(run: Run, tmp_path: Path, command: Any, refused: Any):
    file = audited(run, tmp_path / "audit.csv", "k" * 10, looks=10)
    made = tmp_path / "certificate.json"
    words = ("audit", run.path, "--decided", file, "--certificate", "-o")
    assert command(*words, made).code == 0
    assert command("card", run.path, "-o", tmp_path / "card", "--certificate", made).code == 0
    assert "## Labels\n\nAt most 15" in (tmp_path / "card" / "README.md").read_text("utf-8")
    assert (tmp_path / "card" / "certificate.json").read_bytes() == made.read_bytes()
    assert "certificate.json" in open_card(tmp_path / "card").document.files
    other = recorded(tmp_path / "other", believing(LABELS, 3), 1 - LABELS, classes=CLASSES)
    carry = ("-o", tmp_path / "no", "--certificate", made)
    assert "certificate.json: certifies other labels than" in refused("card", other.path, *carry)
    made.write_text("[]")
    assert "cannot be read as a certificate" in refused("card", run.path, *carry)
    assert "leave out --at and --data, and --certificate" in refused("card", "digits", "--apply", "c", *carry)
    assert "give it by --decided" in refused("audit", run.path, "--certificate", "-o", made)
    assert "end the name in .html or .json or .md" in refused(*words, tmp_path / "a.csv")
    assert not (tmp_path / "no").exists()


def test_two_decide_the_same_audit(run: Run, tmp_path: Path, command: Any):
    known = audited(run, tmp_path / "known.csv", "kk", looks=2)
    for name, said in {"ann": "kdkukk", "bob": "kduukk"}.items():
        file = audited(run, tmp_path / f"{name}.csv", said, name, looks=6, known=known)
        if name == "bob":  # as a spreadsheet saves it
            pd.read_csv(file).astype({"order": float}).to_csv(file, index=False)
    merged, page = tmp_path / "merged.csv", tmp_path / "certificate.html"
    assert command("labels", run.path, tmp_path / "ann.csv", tmp_path / "bob.csv", "-o", merged).code == 0
    words = ("audit", run.path, "--decided", merged, "--certificate", "-o", page)
    ended = command(*words)
    assert ended.code == 0
    assert "Unfinished: 2 of the 6 drawn count" in ended.err  # they differ on the third
    [tie] = re.findall(r"merged\.csv: row \d+, (\d+)\)", ended.err)
    table = pd.read_csv(merged, dtype=str, keep_default_na=False)
    assert table.loc[table["id"] == tie, "said"].tolist() == ["ann: keep; bob: unsure"]
    table.loc[table["id"] == tie, "action"] = "unsure"
    table.to_csv(merged, index=False)
    assert command(*words).err == f"wrote {page}\n"
    found = certified(run, merged)
    assert found.by == {"ann+bob": 6, "ann": 2}
    assert (found.audit.unsure, found.audit.known_wrong, found.audit.corrections) == (2, 0, 1)


def test_two_decide_on_labels_of_votes_without_a_run(tmp_path: Path, command: Any, refused: Any):
    votes = pd.DataFrame({"item": [*range(NUM)] * 2, "by": ["a"] * NUM + ["b"] * NUM, "label": "cat"})
    votes.loc[0, "label"] = "dog"
    votes.to_csv(tmp_path / "votes.csv", index=False)
    of = tmp_path / "consensus.csv"
    assert command("labels", "--annotations", tmp_path / "votes.csv", "-o", of).code == 0
    files = [audited(str(of), tmp_path / f"{name}.csv", "k" * 10, name, looks=10) for name in ("ann", "bob")]
    assert command("labels", of, *files, "-o", tmp_path / "merged.csv").code == 0
    found = certified(str(of), tmp_path / "merged.csv")
    assert found.claim.startswith("At most 15 % of these labels are wrong, ")
    assert found.by == {"ann+bob": 10}
    assert "consensus.csv: is no run" in refused("labels", of)
