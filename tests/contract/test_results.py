"""What every study and a run's scores give: rows, a figure, tables to read, a notebook, and any file."""

from __future__ import annotations

import dataclasses
import html
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from PIL import Image

import easiness.pages
import easiness.studies
from easiness.analysis import AccuracyAhead, FittedCurve, Gain, Interval, Votes
from easiness.data import UNKNOWN
from easiness.engine import write_result
from easiness.paper.perturbation.curve import PerturbationCurve
from easiness.paper.perturbation.study import PerturbationStudy, PseudoPatterns, count_levels
from easiness.paper.planted import Hypothesis
from easiness.paper.planted.design import ARMS, CONTROLS, SMOKE, patterns_of
from easiness.paper.planted.result import OfArm
from easiness.paper.training_sets import TrainingSetStudy
from easiness.paper.validation import Validation, easiness_view
from easiness.show import file_bytes, markdown_text
from easiness.show.rendering import PICTURE_SUFFIXES, SUFFIXES
from easiness.show.result import Result, Section
from easiness.store import Row, Run
from easiness.studies import outcomes
from easiness.studies.audit import Audit, AuditDraw, Certificate
from easiness.studies.explain import Explanation
from easiness.studies.keeping import PICKS, RARE, Curriculum, NextAnswers, NextLabels, Pruning, Worth
from easiness.studies.keeping.grid import cells_of, table_of
from easiness.studies.labels import CleanLabels, Consensus, PeopleAgreement
from easiness.studies.learning import LearningCurve
from easiness.studies.matching import Comparison
from easiness.studies.patterns import Patterns
from easiness.studies.scores import CombinedScores, RunScores, run_scores
from easiness.studies.similarity import DIFFERENCES, SETS, Similarity
from easiness.studies.suspects.result import Suspects
from easiness.studies.verification.study import Verification
from easiness.studies.versions import Difference
from lengths import long_but
from plans import curve_of, training_sets, votes_of
from recording import answered, believing, counted, recorded

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>$x$|[y](javascript:z)"  # a name of a class, of a network, or of a folder of a run
NUM, CLASSES = 40, 2
LEVELS = (4.0, 2.0, 1.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Four recorded trials, in which low ids are easy."""
    return _recorded(tmp_path_factory.mktemp("runs") / HOSTILE)


def _recorded(path: Path) -> Run:
    classes = np.arange(NUM) % CLASSES
    sure = np.linspace(3, -1, NUM)
    return recorded(path, believing(classes, 4, sure=sure), classes, classes=("plain", HOSTILE))


def _votes() -> list[Votes]:
    rng = np.random.default_rng(0)
    seen = []
    for at in range(len(LEVELS)):
        p = np.clip(np.linspace(1, 0, NUM) + 0.3 * (at + 1) * rng.normal(size=(4, NUM)), 0, 1)
        seen.append(votes_of(p > 0.5, p_label=p))
    return seen


def _curve(_: Run) -> PerturbationCurve:
    return curve_of(_votes(), LEVELS, model=HOSTILE, kind="radial", axis="radius (frequencies)")


def _what_is_shown(run: Run) -> Patterns:
    patterns = _explained(run).patterns
    assert patterns is not None
    return patterns


def _explained(run: Run) -> Explanation:
    vectors = np.random.default_rng(0).normal(size=(NUM, 3)).astype(np.float32)
    data = easiness.load_dataset((vectors, run.labels), classes=run.classes)
    return easiness.explain(run, features=vectors, nearest=5, data=data)


def _patterns(_: Run) -> PseudoPatterns:
    return PseudoPatterns(
        run="run", model=HOSTILE, row=Row(1), kind="radial", axis="radius", probe="train", seed=0,
        num_trials=4, classes=("plain", HOSTILE), level=2.0, levels=count_levels(_votes(), LEVELS),
        positions=np.arange(2), labels=np.arange(2), p_label=np.ones(2),
    )  # fmt: skip


def _training_sets(_: Run) -> TrainingSetStudy:
    rng = np.random.default_rng(0)
    cells = product(("easy", "random", "beta:1,2"), (0.0, 0.3))
    return training_sets({cell: rng.random((2, 3)) for cell in cells}, model=HOSTILE, chance=0.5)


def _learning(_: Run) -> LearningCurve:
    ahead = tuple(AccuracyAhead(times, Interval(0.75, 0.7, 0.8)) for times in (1, 2))
    curve = FittedCurve((0.2, 0.8), np.array([0.6, 0.7]), np.array([0.02, 0.01]), ahead)
    return LearningCurve(model=HOSTILE, num_trials=5, num_examples=100, chance=0.5, curve=curve)


def _similarity(_: Run) -> Similarity:
    one = {"space": "pixel", "value": 1.0, "low": 0.9, "high": 1.1, "examples": 4}
    kinds = {"distance": SETS, "difference": DIFFERENCES}
    rows = pd.DataFrame(
        {**one, "kind": kind, "name": name} for kind, names in kinds.items() for name in names
    )
    return Similarity(
        model=HOSTILE, row=Row(1), num_trials=4, fraction=0.1, tie_mass={"easy": 0.1, "hard": 0.2},
        classes=("plain", HOSTILE), num_classes=CLASSES, sizes=dict.fromkeys(SETS, 4), smallest=2,
        trial=None, distances=rows, by_class={"pixel": np.ones((len(SETS), 2))},
    )  # fmt: skip


def _validation(_: Run) -> Validation:
    votes = votes_of(np.arange(5)[:, None] < np.array([4, 0, 0, 0, 1, 1, 2, 3, 4, 4]))
    return Validation(
        rows=easiness_view(HOSTILE, votes, np.array([2, 1, 1, 0, 1, 0, 0, 0]), 2, 0.5),
        final={HOSTILE: np.array([0.5, 0.75])}, epoch=2, final_epoch=3,
        num_train=2, num_validation=8, num_classes=CLASSES, num_wrong=5,
    )  # fmt: skip


def _cleaned(run: Run) -> CleanLabels:
    labels = np.where(np.arange(NUM) == 0, 1, run.labels)
    known = np.where(np.arange(NUM) == 5, UNKNOWN, run.labels)
    return CleanLabels(run.ids, run.labels, labels, np.arange(NUM) == 3, known, run.classes)


def _verification(_: Run) -> Verification:
    right = {name: np.arange(40).reshape(2, 20) % 3 < num for name, num in (("before", 1), ("after", 2))}
    return Verification(HOSTILE, Row(2), NUM, {"relabelled": 1, "dropped": 1, "taken_back": 0}, right)


def _worth(run: Run) -> Worth:
    rng = np.random.default_rng(0)
    grid = cells_of(NUM, (0.5,)).assign(num_kept=20.0, near=np.nan)
    grid = grid.assign(right=pd.Series([rng.random((4, 30)) < 0.7 for _ in grid.index], dtype=object))
    gain = Gain(0.01, (-0.01, 0.03))
    judged = dict.fromkeys(("over_start", "over_random", "over_all"), gain)
    labels = CleanLabels(run.ids, run.labels, run.labels, np.arange(NUM) == 3, run.labels, run.classes)
    return Worth(
        run=run, num_test=30, num_seeds=4, held_out=True, margin=0.05, gains=[judged], keep=labels,
        grid=table_of(grid, 4), suspects=3, twice=None, silent="there is one size",
    )  # fmt: skip


def _difference(run: Run) -> Difference:
    return easiness.diff(run, _recorded(run.path.with_name("version")))


def _hypothesis(_: Run) -> Hypothesis:
    patterns, random = patterns_of(SMOKE, 0), np.random.default_rng(0)
    own, others, held_out = random.random((3, 3, len(patterns)))
    one = OfArm(own, others, held_out, np.full(3, 0.5))
    arms = {(arm, "wrn_10_1"): one for arm in (*ARMS, *CONTROLS)}
    return Hypothesis(SMOKE, 0, patterns, arms)


def _agreement(run: Run) -> PeopleAgreement:
    files = [run.path.with_name(f"{name}.csv") for name in ("a", "b", "c")]
    for at, file in enumerate(files):
        rows = [f"{one},{one % 2},{'keep' if one % (at + 2) else 'drop'},{file.stem} <b>" for one in range(9)]
        file.write_text("\n".join(["id,label,action,by", *rows]))
    return easiness.labels(run, files=files)


def _hostile_votes(run: Run) -> pd.DataFrame:
    people = {"ann": 0, HOSTILE: 1, "bob": 0}
    rows = [(one, by, run.classes[(one + at) % 2]) for one in run.ids for by, at in people.items()]
    return pd.DataFrame(rows, columns=["item", "by", "label"])


def _audited(run: Run, *, certificate: bool = False) -> Any:
    drawn = easiness.audit(run, looks=5)
    file = run.path.with_name("audit.csv")
    drawn.table().assign(action="keep", by=HOSTILE).to_csv(file, index=False)
    return easiness.audit(run, decided=file, certificate=certificate)


def _next_labels(_: Run) -> NextLabels:
    same = {"pool": 50, "picks": 2, "accuracy": 1.0, "gain": 0.1, "low": 0.05, "high": 0.15}
    both = [{"start": start, "rule": rule, **same} for start in (9, 20) for rule in PICKS]
    replayed = pd.DataFrame(both).assign(right=pd.Series([np.ones((2, 5), bool)] * len(both), dtype=object))
    columns = {"id": HOSTILE, "rank": 1, "rule": list(PICKS), "margin": 0.5, "rarity": 0.1}
    return NextLabels(
        run=HOSTILE, source=HOSTILE, num_labelled=NUM, num_copies=1, num_repeated=2,
        num_pool=9, num_looked_at=6, rule=RARE, replays=replayed,
        picks=pd.DataFrame({**columns, "predicted": HOSTILE}),
    )  # fmt: skip


def _outcomes(run: Run) -> list[Run]:
    """Two models, one of which has a name like markup, and whose answers are, too."""
    right = np.random.default_rng(0).random((2, NUM, 4)) < np.linspace(0, 1, NUM)[:, None]
    answers = dict(zip((HOSTILE, "b"), np.where(right, "a", HOSTILE).tolist(), strict=True))
    ids = [f"{at}{HOSTILE}" for at in range(NUM)]
    return answered(run.path.with_name("outcomes"), answers, ["a"] * NUM, id=ids)


def _counted(run: Run, name: str, of_first: int) -> Run:
    """Ten rollouts of an item, of which the first are right so often, others more and more."""
    counts = np.where(np.arange(NUM) < 4, of_first, np.arange(NUM) // 4)
    ids, right = [f"{HOSTILE}{at}" for at in range(NUM)], {f"{name}{HOSTILE}": counts}
    return counted(run.path.with_name(name), ids=ids, num=10, **right)[0]


RESULTS: dict[type, Callable[[Run], Any]] = {
    outcomes.OutcomeChanges: lambda run: easiness.diff(_counted(run, "was", 0), _counted(run, "is", 10)),
    outcomes.OutcomeComparison: lambda run: easiness.compare(
        [_counted(run, "one", 0), _counted(run, "two", 10)]
    ),
    outcomes.RolloutsAhead: lambda run: easiness.compare(_counted(run, "alone", 0)),
    PeopleAgreement: _agreement,
    Consensus: lambda run: easiness.labels(run, annotations=_hostile_votes(run)),
    Audit: _audited,
    Certificate: lambda run: _audited(run, certificate=True),
    CleanLabels: _cleaned,
    CombinedScores: lambda run: easiness.scores([run, _recorded(run.path.with_name("second"))]),
    Comparison: lambda run: easiness.compare([run, _recorded(run.path.with_name("other"))]),
    Difference: _difference,
    AuditDraw: lambda run: easiness.audit(run, looks=5),
    Hypothesis: _hypothesis,
    outcomes.ItemsBetween: lambda run: easiness.keep(_outcomes(run)[0], between=(0.2, 0.8)),
    outcomes.KeySuspects: lambda run: easiness.suspects(_outcomes(run)),
    LearningCurve: _learning,
    NextAnswers: lambda run: easiness.next(annotations=_hostile_votes(run).query('by != "bob" or item < 20')),
    NextLabels: _next_labels,
    outcomes.NextRollouts: lambda run: easiness.next(_outcomes(run)[0], rollouts=50, hard=True),
    outcomes.OutcomeScores: lambda run: easiness.scores(_outcomes(run)[0], between=(0.2, 0.8)),
    Explanation: _explained,
    Patterns: _what_is_shown,
    PerturbationStudy: lambda run: PerturbationStudy(_curve(run), _patterns(run)),
    PerturbationCurve: _curve,
    Pruning: lambda run: easiness.keep(run, drop=0.3, policy="easy"),
    Curriculum: lambda run: easiness.keep(run, steps=6, batch_size=8),
    PseudoPatterns: _patterns,
    RunScores: run_scores,
    Similarity: _similarity,
    Suspects: easiness.suspects,
    TrainingSetStudy: _training_sets,
    Validation: _validation,
    Verification: _verification,
    Worth: _worth,
}


NAMELESS = (Audit, Curriculum, AuditDraw, Hypothesis)
"""What is shown of them names neither classes nor examples."""


@pytest.fixture(scope="module", params=RESULTS, ids=lambda kind: kind.__name__)
def result(request: pytest.FixtureRequest, run: Run) -> Any:
    found = RESULTS[request.param](run)
    assert type(found) is request.param
    return found


def test_every_result_is_held_to_this():
    for package in (easiness.pages, easiness.studies):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)

    def last(kind: type) -> set[type]:
        return set().union(*map(last, kind.__subclasses__())) or {kind}

    assert {one for one in last(Result) if one.__module__.startswith("easiness.")} == set(RESULTS)


def test_rows_a_figure_and_tables_to_read(result):
    table = result.table()
    assert isinstance(table, pd.DataFrame)
    assert len(table) > 0
    assert isinstance(result.figure(), Figure)
    sections = result.sections()
    assert sections
    for section in sections:
        assert isinstance(section, Section)
        assert section.title
        assert len({len(row) for row in section.rows}) == 1
        assert len(section.rows) > 1 or section.title == "Certain conflicts"  # there may be none
        assert all(isinstance(cell, str) for row in section.rows for cell in row)
    assert all(meaning.endswith(".") for frame in result.frames() for meaning in frame.about.values())


def test_a_notebook_shows_a_figure_and_tables_and_no_name_becomes_markup(result):
    shown = result._repr_html_()
    root = ET.fromstring(shown)  # every element is closed
    tags = {element.tag for element in root.iter()}
    of_figures = {tag for tag in tags if tag.startswith(SVG)}
    assert tags - of_figures <= {
        *("div", "ul", "li", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "abbr"),
    }
    assert len(root.findall(f"div/{SVG}svg")) == 1
    assert f"{SVG}script" not in of_figures
    assert result._repr_html_() == shown  # also the ids in the figure
    assert len(root.findall("table")) == sum(len(one.rows) > 1 for one in result.sections())
    assert "<script" not in shown
    assert (html.escape(HOSTILE) in shown) == (type(result) not in NAMELESS)


def test_in_markdown_no_name_becomes_markup(result):
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")  # as lenient as any
    shown = reader.render(result.markdown())
    root = ET.fromstring(f"<div>{shown}</div>")
    assert {element.tag for element in root.iter()} <= {
        *("div", "ul", "li", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"),
    }
    assert (html.escape(HOSTILE, quote=False) in shown) == (type(result) not in NAMELESS)


def test_in_a_picture_no_name_becomes_markup(result):
    root = ET.fromstring(file_bytes(result, ".svg"))
    assert f"{SVG}script" not in {element.tag for element in root.iter()}
    links = [value for one in root.iter() for name, value in one.attrib.items() if name.endswith("href")]
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_in_a_line_it_is_short(result):
    shown = repr(result)
    assert re.fullmatch(rf"{type(result).__name__}\(.*\)", shown)
    assert str(result) == shown
    assert len(shown) <= 160
    assert "\n" not in shown
    assert "np." not in shown
    assert "array(" not in shown


def _scalars_of_numpy(value: Any, name: str) -> Iterator[str]:
    """Where a value, or what is in its fields, is a number of NumPy's and no number of Python's."""
    if isinstance(value, np.generic):
        yield name
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _scalars_of_numpy(getattr(value, field.name), f"{name}.{field.name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _scalars_of_numpy([key, inner], f"{name}[{key!r}]")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _scalars_of_numpy(inner, name)


def test_its_numbers_are_those_of_python(result):
    assert list(_scalars_of_numpy(result, type(result).__name__)) == []


@pytest.mark.parametrize("suffix", long_but(SUFFIXES, {*SUFFIXES} - {".pdf", ".png"}))
def test_it_is_written_as_what_the_name_says(result, suffix, tmp_path: Path):
    file = tmp_path / f"a{suffix}"
    write_result(file, result)
    READ[suffix](file, result)
    assert list(tmp_path.iterdir()) == [file]


def _read_rows(read: Callable[[Path], pd.DataFrame]) -> Callable[[Path, Any], None]:
    def check(file: Path, result: Any) -> None:
        rows, table = read(file), result.csv_rows() if file.suffix == ".csv" else result.table()
        assert list(rows) == list(table)
        assert len(rows) == len(table)
        for name, column in table.select_dtypes("number").items():
            np.testing.assert_allclose(rows[name], column, rtol=1e-14)

    return check


def _read_json(file: Path, result: Any) -> None:
    document = json.loads(file.read_text())
    assert isinstance(document, list) or document["easiness"] == version("easiness")
    rows = document
    within: dict[type, str] = {
        PeopleAgreement: "decisions",
        **dict.fromkeys((Audit, Certificate), "parts"),
        Comparison: "matching",
        Consensus: "items",
        Hypothesis: "rows",
        outcomes.KeySuspects: "suspects",
        outcomes.OutcomeComparison: "items",
        outcomes.RolloutsAhead: "rows",
        Explanation: "slices",
        Patterns: "examples",
        Suspects: "suspects",
        Worth: "grid",
    }
    if type(result) in within:
        rows = document[within[type(result)]]
    assert len(rows) == len(result.table())
    assert set(rows[0]) == set(result.table())
    assert "NaN" not in re.sub(r'"[^"]*"', "", file.read_text())


def _read_markdown(file: Path, result: Any) -> None:
    text = file.read_text()
    assert text.endswith(f"\n\nMade by easiness {version('easiness')}.\n")
    titles = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert titles == [markdown_text(section.title) for section in result.sections()]


def _read_png(file: Path, _: Any) -> None:
    with Image.open(file) as picture:
        low, high = picture.convert("L").getextrema()
        assert low < 128 < high  # type: ignore[operator]


def _read_svg(file: Path, _: Any) -> None:
    assert ET.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def _read_pdf(file: Path, _: Any) -> None:
    content = file.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content


def _read_html(file: Path, result: Any) -> None:
    page = file.read_text()
    assert HOSTILE not in page
    assert "<svg" in page
    shown = html.unescape(page.replace("<wbr>", ""))
    for section in result.sections():
        assert len(section.rows) == 1 or section.title in shown


# pandas read the last digit right only where asked to, and now always does
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if int(pd.__version__.split(".")[0]) < 3 else {}

READ: dict[str, Callable[[Path, Any], None]] = {
    ".csv": _read_rows(lambda file: pd.read_csv(file, **EXACT)),
    ".parquet": _read_rows(pd.read_parquet),
    ".json": _read_json,
    ".md": _read_markdown,
    ".html": _read_html,
    ".png": _read_png,
    ".svg": _read_svg,
    ".pdf": _read_pdf,
}


def test_pictures_are_among_what_can_be_written():
    assert set(PICTURE_SUFFIXES) < set(SUFFIXES) == set(READ)
