"""Labels of every kind that a column of Parquet holds, in several files and row groups."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness import BadInput, load_dataset

TIMES = 3  # groups of rows
NARROW = pa.decimal32(7, 0) if hasattr(pa, "decimal32") else pa.decimal128(7, 0)


def written(folder, labels):
    """Two files of texts with the same labels in each row group."""
    for name in ("train-0", "train-1"):
        rows = pa.table({"text": [f"the text {at}" for at in range(len(labels) * TIMES)]})
        rows = rows.append_column("label", pa.concat_arrays([labels] * TIMES))
        pq.write_table(rows, folder / f"{name}.parquet", row_group_size=len(labels))
    return folder


@pytest.mark.parametrize(
    ("labels", "found", "classes"),
    [
        (pa.array([True, False, True]), [1, 0, 1], ("0", "1")),
        (pa.array([2, 7, 2], pa.uint8()), [0, 1, 0], ("2", "7")),
        (pa.array([1.0, 0.0, 0.0], pa.float32()), [1, 0, 0], ("0", "1")),
        (pa.array([1.0, 0.0, 0.0]).cast(pa.float16()), [1, 0, 0], ("0", "1")),
        (pa.array([10, 2, 10]).cast(pa.decimal128(22, 2)), [1, 0, 1], ("2", "10")),
        (pa.array([10, 2, 10]).cast(pa.decimal128(22, 0)).cast(NARROW), [1, 0, 1], ("2", "10")),
        (pa.array(["b", "a", "b"], pa.large_string()), [1, 0, 1], ("a", "b")),
        (pa.array(["b", "a", "b"]).dictionary_encode(), [1, 0, 1], ("a", "b")),
        (pa.array(["10", "9", "9"]), [1, 0, 0], ("9", "10")),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_labels_of_any_type(labels, found, classes, tmp_path):
    data = load_dataset(written(tmp_path, labels))
    assert data.labels.tolist() == found * 2 * TIMES
    assert data.classes == classes


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (pa.array([0, 1, None]), "row 2: the label is empty"),
        (pa.array([True, None, True]), "row 1: the label is empty"),
        (pa.array([0.0, float("nan"), 1.0]), "row 1: the label is empty"),
        (pa.array(["a", " ", "b"]), "row 1: the label is empty"),
        (pa.array(["a", " ", None]), "row 1: the label is empty"),
        (pa.array([0.0, None, float("nan")]), "row 1: the label is empty"),
        (pa.array(["a", "b", " b"]), "row 2: the label ' b' has spaces"),
        (pa.array([0, 1, -1]), "row 2: label -1 is out of range"),
        (pa.array([0.0, 0.5, 1.0]), "row 1: the label is 0.5"),
        (pa.array([[0], [1], [1]]), "column label holds list<.*> and no labels"),
        (pa.array([None] * 3), "column label holds null and no labels"),
        (pa.array([None] * 3, pa.decimal128(5, 0)), "row 0: the label is empty"),
    ],
    ids=str,
)
def test_the_first_row_that_is_wrong_is_named(labels, told, tmp_path):
    with pytest.raises(BadInput, match=told):
        load_dataset(written(tmp_path, labels))
