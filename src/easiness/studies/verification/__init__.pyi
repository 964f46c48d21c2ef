from .asking import VERIFY as VERIFY, Verified as Verified
from .study import Verification as Verification, verify as verify
