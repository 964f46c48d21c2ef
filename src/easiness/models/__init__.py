"""Networks by name. Importing this package does not import torch; `build_model` does."""

from easiness.models.family import Family, ModelGiven, callable_name, is_given, model_name
from easiness.models.registry import (
    FAMILIES,
    build_model,
    find_family,
    is_users_own,
    missing_code,
    model_names,
    module_of,
    pretrained_file,
)

__all__ = [
    "FAMILIES",
    "Family",
    "ModelGiven",
    "build_model",
    "callable_name",
    "find_family",
    "is_given",
    "is_users_own",
    "missing_code",
    "model_name",
    "model_names",
    "module_of",
    "pretrained_file",
]
