from .study import VERIFY as VERIFY, Verification as Verification, verify as verify
