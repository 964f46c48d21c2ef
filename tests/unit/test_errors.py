from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from easiness.errors import BadInput, EasinessError, RunFailed, TrialFailed, nearest, printable, shorten


def test_nearest_offers_the_closest_names():
    assert nearest("batchsize", ["alpha", "batch_size"]) == " (did you mean batch_size?)"
    assert nearest("beta", ["beta1", "beta2", "flip"]) == " (did you mean beta2, beta1?)"


def test_a_hint_is_looked_for_among_few_names_that_are_short():
    """Ids of a data set may be hundreds of thousands, and as long as whoever made them liked."""
    asked = []

    def names() -> Iterator[str]:
        for number in range(200_000):
            asked.append(number)
            yield "b" * 1600 if number else "beta1"

    assert nearest("beta", names()) == " (did you mean beta1?)"
    assert len(asked) < 20_000
    assert nearest("b" * 1600, ["b" * 1600, "b" * 199]) == f" (did you mean {'b' * 199}?)"


def test_nearest_says_nothing_when_nothing_is_close():
    assert nearest("xyz", ["alpha", "batch_size"]) == ""
    assert nearest("nofolder", ["flowers102"]) == " (did you mean flowers102?)"  # 4 in 9 letters of each
    assert nearest("nofolder", ["flowers102"], 0.7) == ""


def test_shorten_counts_what_it_leaves_out():
    assert shorten([3]) == "3"
    assert shorten([3, 7, 9]) == "3, 7, 9"
    assert shorten([3, 7, 9, 1, 2]) == "3, 7, 9 and 2 more"
    assert shorten(["a", "b"], limit=1) == "a and 1 more"
    assert shorten("ab", total=9) == "a, b and 7 more"
    assert shorten("abcd", total=9) == "a, b, c and 6 more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("cat/é 1.txt", "cat/é 1.txt"),
        ("a\n\x1b[2J\udcff", r"a\n\x1b[2J\udcff"),
        ("a\r\tb", r"a\r\tb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x85\x7f", r"\x85\x7f"),
        ("\u2028\u202e", r"\u2028\u202e"),
        ("12\N{NO-BREAK SPACE}% ä \\ \N{OWL}", "12\N{NO-BREAK SPACE}% ä \\ \N{OWL}"),
    ],
)
def test_printable_escapes_what_is_not(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(("error", "code"), [(BadInput, 2), (RunFailed, 1), (TrialFailed, 1)])
def test_each_kind_has_its_exit_code(error, code):
    assert issubclass(error, EasinessError)
    assert issubclass(error, ValueError) == (error is BadInput)
    assert error.exit_code == code


def test_what_is_quoted_is_shown_by_its_beginning():
    long = "x" * 5000
    assert shorten([long, "b"]) == f"{'x' * 80}..., b"
    for words, said in {
        f"a.csv: the id {long!r} stands there twice; keep one": f"'{'x' * 79}... stands there twice",
        f"a.csv: the id {long} is unknown; give another": f"the id {'x' * 80}... is unknown",
        f"a.csv: the id '{'word ' * 2000}' is unknown; give another": "word... is unknown"[4:],
        f"a.csv: the class {'it is ' + chr(39) + long!r} is unknown": "... is unknown",
    }.items():
        error = BadInput(words)
        assert len(str(error)) < 200
        assert said in str(error)
    assert isinstance(pickle.loads(pickle.dumps(error)), BadInput)


@pytest.mark.parametrize(
    "words",
    [
        f"/{'/'.join(['a-folder'] * 100)}/{'b' * 255}: is a folder; give a file",
        f"the networks' {'labels are many, ' * 40} and the heads' as well",
        f"one of {', '.join(repr(f'name {at}') for at in range(99))}",
    ],
)
def test_paths_sentences_and_lists_stay_whole(words):
    assert str(BadInput(words)) == words
