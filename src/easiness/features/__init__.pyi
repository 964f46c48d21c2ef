from .arrays import INPUTS_NAME as INPUTS_NAME
from .frozen import PicturePreparation as PicturePreparation
from .of_run import (
    check_trusted as check_trusted,
    distrust_reason as distrust_reason,
    feature_reader as feature_reader,
)
from .registry import (
    AUTO_NAME as AUTO_NAME,
    KINDS as KINDS,
    code_behind as code_behind,
    eye_of as eye_of,
    feature_forms as feature_forms,
    find_features as find_features,
    find_frozen as find_frozen,
    has_usual as has_usual,
)
from .source import FeatureKind as FeatureKind, FeatureSource as FeatureSource, Request as Request
from .vector_files import (
    changed_vectors as changed_vectors,
    kept_features as kept_features,
    ready_features as ready_features,
)
