"""What commands load when they are called, loaded at once: for processes that fork one for each command."""

import loky  # noqa: F401
import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401
import safetensors.numpy  # noqa: F401
import scipy.stats  # noqa: F401
import sklearn.datasets  # noqa: F401

import easiness.cli.main
import easiness.runs.measuring
import easiness.training  # noqa: F401
