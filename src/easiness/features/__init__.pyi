from .arrays import INPUTS_NAME as INPUTS_NAME
from .changed import changed_vectors as changed_vectors, eye_of as eye_of, find_frozen as find_frozen
from .kept import kept_features as kept_features, ready_features as ready_features
from .pictures import Preparation as Preparation
from .registry import (
    AUTO_NAME as AUTO_NAME,
    KINDS as KINDS,
    code_behind as code_behind,
    feature_forms as feature_forms,
    find_features as find_features,
    has_usual as has_usual,
)
from .run_networks import (
    check_trusted as check_trusted,
    feature_reader as feature_reader,
    untrusted as untrusted,
)
from .source import FeatureKind as FeatureKind, FeatureSource as FeatureSource, Request as Request
