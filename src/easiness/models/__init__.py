"""Networks by name. Importing this package does not import torch; `build_model` does."""

from easiness.models.build import build_model
from easiness.models.custom import ModelGiven, code_digest, is_given, model_name
from easiness.models.family import Family
from easiness.models.registry import (
    FAMILIES,
    check_model_name,
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
    "check_model_name",
    "code_digest",
    "find_family",
    "is_given",
    "is_users_own",
    "missing_code",
    "model_name",
    "model_names",
    "module_of",
    "pretrained_file",
]
