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
        ({"text": "t"}, "digits: no table, so --text means nothing here; omit it"),
        ({"sound": "s"}, "digits: no table, so --sound means nothing here; omit it"),
        ({"inputs": ["a"]}, "digits: no table, so --inputs means nothing here; omit it"),
        ({"label": "l"}, "digits: no table, so --label means nothing here; omit it"),
        ({"id": "i"}, "digits: no table, so --id means nothing here; omit it"),
        ({"without": "a"}, "digits: no table, so --without means nothing here; omit it"),
        ({"encoding": "latin-1"}, "digits: no table, so --encoding means nothing here"),
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
