from .asking import VALIDATE as VALIDATE, Validated as Validated
from .validating import (
    Trainings as Trainings,
    ValidationPlans as ValidationPlans,
    plan_validation as plan_validation,
)
from .validation import Validation as Validation
