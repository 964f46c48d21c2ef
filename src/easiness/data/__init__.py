"""Labelled examples: their values, labels, class names, stable ids and a fingerprint."""

from easiness.data.dataset import (
    DIGEST_BYTES,
    Dataset,
    rewritten,
    same_at,
    same_values,
    texts_of,
    value_digest,
    value_digests,
)
from easiness.data.holdout import hold_out, merge_splits
from easiness.data.label_files import (
    ACTIONS,
    COLUMNS,
    CONTROL,
    DRAWN,
    DROP,
    KEEP,
    RELABEL,
    UNKNOWN,
    UNSURE,
    Decisions,
    Labelled,
    choice_of,
    decisions_by_person,
    new_labels,
    read_decisions,
    read_label_file,
    relabelled,
    splits_in,
)
from easiness.data.load import grouped, load_dataset, part_of
from easiness.data.sources.file_blobs import cache_folder
from easiness.data.sources.splits import check_examples, check_ids, own_ids
from easiness.data.tables.splits import is_table, open_table
from easiness.data.tables.table import written_in
from easiness.data.tables.text_files import csv_header
from easiness.data.unlabelled import load_unlabelled

__all__ = [
    "ACTIONS",
    "COLUMNS",
    "CONTROL",
    "DIGEST_BYTES",
    "DRAWN",
    "DROP",
    "Dataset",
    "Decisions",
    "KEEP",
    "Labelled",
    "RELABEL",
    "UNKNOWN",
    "UNSURE",
    "cache_folder",
    "check_examples",
    "check_ids",
    "choice_of",
    "csv_header",
    "decisions_by_person",
    "grouped",
    "hold_out",
    "is_table",
    "load_dataset",
    "load_unlabelled",
    "merge_splits",
    "new_labels",
    "open_table",
    "own_ids",
    "part_of",
    "read_decisions",
    "read_label_file",
    "relabelled",
    "rewritten",
    "same_at",
    "same_values",
    "splits_in",
    "texts_of",
    "value_digest",
    "value_digests",
    "written_in",
]
