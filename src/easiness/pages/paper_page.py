"""Pages of results and of studies, HTML that loads nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from easiness import show, store
from easiness.data import Dataset
from easiness.pages.data_map import Name
from easiness.pages.examples import FoundExamples, are_small, found_within, room_for
from easiness.pages.template import render_page
from easiness.paper.claims import Claim, count_verdicts
from easiness.studies.audit import Certificate
from easiness.studies.explain import Explanation
from easiness.studies.keeping import NextLabels
from easiness.studies.patterns import Patterns

_MOST_PICKS = 100


@dataclass(frozen=True)
class Gallery:
    """Examples with a ``title`` and a sentence: of each its id, what is shown, its name, and lines below.

    A line is a bold word and what follows it. ``examples`` has all of them.
    """

    title: str
    lead: str
    rows: Sequence[tuple[object, show.ShownExample | None, str, Sequence[tuple[str, str]]]]
    examples: FoundExamples
    is_pixelated: bool


def result_page(result: show.Result) -> str:
    """The page of a result, HTML that loads nothing from the network."""
    if isinstance(result, Certificate):
        return render_page("certificate.html", of=result, version=store.own_version())
    first, *others = result.sections()
    label = f"{first.title}; the tables below have the numbers."
    illustrations = [
        Illustration(caption, show.to_svg(figure, key=f"result{at or ''}", label=caption or label))
        for at, (caption, figure) in enumerate(result.figures().items())
    ]
    part = StudyPart("result", "Trials", "", illustrations, [first, *others])
    return render_study(
        first.title,
        show.sentence_case(result.headline),
        [part],
        getattr(result, "claims", ()),
        notices=[*result.notices, *first.notices],
        galleries=list(galleries_of(result)),
    )


def galleries_of(result: show.Result) -> Iterator[Gallery]:
    """Examples that a result is about, where there are pictures of them, or sounds or texts."""
    if isinstance(result, Explanation):
        rows = range(result.num_shown)
        if result.data is not None or result.run.is_outcomes:
            yield from slice_galleries(result, rows, slice_examples(result, rows))
        result = result.patterns or result
    if isinstance(result, Patterns):
        yield from _patterns(result)
    if isinstance(result, NextLabels) and result.pool is not None:
        yield from _picks(result, result.pool)


def _picks(result: NextLabels, pool: Dataset) -> Iterator[Gallery]:
    first = result.picks[result.picks["rule"] == result.rule].head(_MOST_PICKS)
    names: list[Name] = [("train", one) for one in first["id"].tolist()]
    examples = FoundExamples.of(pool, names, room_for(0), "those to label")
    if not examples.with_pictures:
        return
    rows = []
    for name, (_, one) in zip(names, first.iterrows(), strict=True):
        lines = [(f"{one['rank']}.", one["predicted"])]
        lines.append(("", f"margin {one['margin']:.2f}, rarity {one['rarity']:.2f}"))
        rows.append((name[1], examples.by_name[name], f"Example {name[1]}", lines))
    yield Gallery(
        "To label first",
        f"The first {len(rows):,} by the rule {result.rule}: the class predicted, how much likelier it is "
        "than the second, and how rare the example is.",
        rows,
        examples,
        are_small(pool),
    )


def slice_names(result: Explanation, rows: Iterable[int]) -> list[Name]:
    """The examples that show what is in the slices of some rows."""
    return [(result.split, one) for at in rows for one in result.ids[result.examples_of(at)].tolist()]


def slice_examples(result: Explanation, rows: Sequence[int]) -> FoundExamples:
    """The examples of `slice_names` as they are shown: of items the texts that they have."""
    if result.data is not None:
        return found_within(result.run, result.data, slice_names(result, rows))
    items = result.run.outcomes.items.reindex(columns=["text"])["text"].dropna()
    at = items.index.intersection([one for row in rows for one in result.examples_of(row).tolist()])
    texts = {(result.split, result.ids[one]): str(items[one]) for one in at}
    return FoundExamples({name: show.ShownExample.of(None, text, None) for name, text in texts.items()})


def slice_galleries(result: Explanation, rows: Iterable[int], examples: FoundExamples) -> Iterator[Gallery]:
    """Yield these examples by slice, each with its class and how hard it is."""
    run, is_small = result.run, result.data is not None and are_small(result.data)
    labels, score = run.examples(result.split)[1] if run.classes else None, result.score.replace("_", " ")
    for at in rows:
        items = []
        for position, name in zip(result.examples_of(at).tolist(), slice_names(result, [at]), strict=True):
            text = "" if labels is None else run.classes[labels[position]]
            lines = [(text, f"{score} {show.number(float(result.hard[position]))}")]
            items.append((name[1], examples.by_name.get(name), f"Example {name[1]}", lines))
        title = "{column}: {value}".format(**result.slices.iloc[at])
        yield Gallery(title, result.sentence(at), items, examples, is_small)


def _patterns(result: Patterns) -> Iterator[Gallery]:
    ids = {title: result.examples["id"].iloc[some].tolist() for title, some in result.leftover.items()}
    names: list[Name] = [(result.split, one) for some in ids.values() for one in some]
    examples = found_within(result.run, result.data, names)
    lead = (
        f"Class; {result.score}; how many of its class lie near, and the share of other classes among the "
        f"{result.around.nearest} nearest; what is left over."
    )
    for section in result.sections()[-len(ids) :]:
        if not ids[section.title]:
            continue
        rows = []
        for one, (_, name, value, frequency, contradiction, left) in zip(
            ids[section.title], section.rows[1:], strict=True
        ):
            lines = [(name, value), ("", f"{frequency} near, {contradiction} other"), ("", left)]
            example = examples.by_name.get((result.split, one))
            rows.append((one, example, f"Example {one} of class {name}", lines))
        yield Gallery(section.title, lead, rows, examples, are_small(result.data))


@dataclass(frozen=True)
class Illustration:
    """A figure as an ``svg`` element, and the tables of its numbers."""

    caption: str
    svg: str
    sections: Sequence[show.Section] = ()


@dataclass(frozen=True)
class StudyPart:
    """An experiment: a sentence or two, figures with their numbers, and tables that belong to none."""

    key: str
    title: str
    lead: str = ""
    figures: Sequence[Illustration] = ()
    sections: Sequence[show.Section] = ()


def render_study(
    title: str,
    subtitle: str,
    parts: Sequence[StudyPart],
    claims: Sequence[Claim] = (),
    *,
    notices: Sequence[str] = (),
    galleries: Sequence[Gallery] = (),
) -> str:
    """The page of a study, a part for each experiment; the same content gives the same text."""
    return render_page(
        "study.html",
        title=title,
        subtitle=subtitle,
        experiments=parts,
        claims=claims,
        notices=notices,
        verdicts=_in_words(claims),
        galleries=galleries,
        examples=galleries[0].examples if galleries else None,
        is_pixelated=bool(galleries) and galleries[0].is_pixelated,
    )


_VERBS = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "not tested here": ("is not tested here", "are not tested here"),
}


def _in_words(claims: Sequence[Claim]) -> str:
    """``4 hold, 7 are undecided and 3 are not tested here``."""
    counts = count_verdicts(claims).items()
    return show.enumeration(
        [f"{number} {_VERBS[verdict][number > 1]}" for verdict, number in counts if number]
    )
