from .family import (
    Family as Family,
    ModelGiven as ModelGiven,
    callable_name as callable_name,
    is_given as is_given,
    model_name as model_name,
)
from .registry import (
    FAMILIES as FAMILIES,
    build_model as build_model,
    find_family as find_family,
    missing_code as missing_code,
    model_names as model_names,
    module_of as module_of,
    pretrained_file as pretrained_file,
)
