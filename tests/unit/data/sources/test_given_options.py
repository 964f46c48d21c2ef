"""Options that name columns are checked before a source is looked at, and refused where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput

PAIR = np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "t"}, "digits: no table, so it has no column of texts; leave out --text"),
        ({"sound": "s"}, "digits: no table, so it has no column of recordings; leave out --sound"),
        ({"inputs": ["a"]}, "digits: no table, so it has no columns of numbers; leave out --inputs"),
        ({"label": "l"}, "digits: no table, so it has no column of labels; leave out --label"),
        ({"id": "i"}, "digits: no table, so it has no column of ids; leave out --id"),
        ({"without": "a"}, "digits: no table, so it has no columns to leave out; leave out --without"),
        ({"encoding": "latin-1"}, r"digits: no CSV file and no folder of \.txt files; leave out --encoding"),
        ({"encoding": "klingon"}, "--encoding 'klingon': not known; name one such as utf-8"),
        ({"encoding": "rot13"}, "--encoding 'rot13': not known"),
        ({"inputs": []}, r"--inputs \[\]: no names of columns"),
        ({"inputs": "a,,b"}, "--inputs 'a,,b': no names of columns"),
        ({"inputs": ["a", 3]}, "no names of columns"),
        ({"inputs": 3}, "no names of columns"),
        ({"inputs": "a,b,a"}, "--inputs: column a is named twice"),
        ({"rate": 8000}, "rate 8000: goes with arrays of recordings"),
    ],
)
def test_options_that_do_not_go_with_a_source(options, message):
    with pytest.raises(BadInput, match=message) as told:
        load_dataset("digits", **options)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["text", "sound", "label", "id", "encoding"])
def test_arrays_have_no_columns(name):
    with pytest.raises(BadInput, match=f"{name} 'utf-8': the source has no columns; leave it out"):
        load_dataset(PAIR, **{name: "utf-8"})  # type: ignore[arg-type]
