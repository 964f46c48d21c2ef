from .study import (
    Verification as Verification,
    VerificationPlans as VerificationPlans,
    carry_out_verification as carry_out_verification,
    plan_verification as plan_verification,
    verify as verify,
)
