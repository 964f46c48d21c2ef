from .validating import (
    VALIDATE as VALIDATE,
    Trainings as Trainings,
    ValidationPlans as ValidationPlans,
    plan_validation as plan_validation,
)
from .validation import Validation as Validation
