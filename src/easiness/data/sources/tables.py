"""Tables in files: rows of texts, of numbers and categories, of paths, or of encoded examples."""

from __future__ import annotations

from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source, SourceRequest
from easiness.data.tables.dataset import dataset_of_tables
from easiness.data.tables.splits import open_tables, table_files


def _load(request: SourceRequest) -> Dataset:
    path = request.path
    tables = open_tables(path, request.options)
    name = path.name if path.is_dir() else path.stem
    return dataset_of_tables(name, str(path), tables, request.options, request.classes)


TABLES = Source(
    form="a CSV or Parquet file, or a folder of train* and test* of them",
    reads=lambda request: request.exists and table_files(request.path) is not None,
    load=_load,
    takes_classes=True,
    takes=("columns", "text", "sound", "inputs", "label", "encoding", "id", "without", "group"),
)
