from .options import VERIFY as VERIFY, VerifyOptions as VerifyOptions
from .study import Verification as Verification, verify as verify
