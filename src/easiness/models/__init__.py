"""Networks by name. Importing this package does not import torch; `build_model` does."""

from easiness.models.build import build_model
from easiness.models.names import check_model_name, model_names
from easiness.models.pretrained import pretrained_file

__all__ = ["build_model", "check_model_name", "model_names", "pretrained_file"]
