"""Recipes as no one would write them: one line that is short, whatever is in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from easiness.errors import BadInput
from easiness.spec import Recipe, make_recipe, recipe_settings

VALUES = ("9223372036854775808", "inf", "-inf", "nan", "0x" + "f" * 5000, "1" * 5000, '"' + "x" * 5000 + '"')
MORE = ("[" * 3000 + "]" * 3000, "{a = " * 2000 + "}" * 2000, "1979-05-27", "true")


@pytest.mark.parametrize("value", [*VALUES, *MORE], ids=lambda value: value[:12])
@pytest.mark.parametrize("field", [*Recipe.model_fields, "base", "z" * 5000], ids=lambda field: field[:12])
def test_no_field_takes_it_and_the_line_is_short(tmp_path: Path, field: str, value: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(f"{field} = {value}\n")
    takes_any_number = value == VALUES[0] and field in ("alpha", "epsilon", "w_norm", "period", "gcn_epsilon")
    takes_any_number |= value == VALUES[0] and field == "crop_ratio"
    if takes_any_number or (field, value) == ("gcn", "true"):
        make_recipe({}, {k: v for k, v in recipe_settings(file).items() if k != "base"}, origin="here")
        return
    with pytest.raises(BadInput, match=r"r\.toml: ") as refused:
        recipe_settings(file)
    assert len(str(refused.value).replace(str(tmp_path), "")) < 400


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("alpha = " + "[" * 1000, "values in values without end"),
        ("[" + "a." * 1000 + "b]\nc = 1", "a table cannot be in a table"),
        ("#" * 2**14, "it is larger than 16 KiB"),
        ("crop = 16385", "crop: Input should be less than or equal to 16384, not 16385"),
        ("batch_size = 2147483648", "batch_size: Input should be less than 2147483648, not 2147483648"),
        ("crop_share = 1e-300", "crop_share: Input should be greater than or equal to 0.01, not 1e-300"),
    ],
    ids=lambda text: text[:12],
)
def test_files_without_end_and_numbers_out_of_reach(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text + "\n")
    with pytest.raises(BadInput, match=f"r.toml.*{reason}"):
        recipe_settings(file)
