from .validating import (
    Trainings as Trainings,
    ValidationPlans as ValidationPlans,
    carry_out_validation as carry_out_validation,
    plan_validation as plan_validation,
    validate as validate,
)
from .validation import Validation as Validation
