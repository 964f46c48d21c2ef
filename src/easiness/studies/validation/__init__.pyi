from .result import Validation as Validation
from .validating import (
    Asked as Asked,
    ValidationPlans as ValidationPlans,
    carry_out_validation as carry_out_validation,
    plan_validation as plan_validation,
    validate as validate,
)
