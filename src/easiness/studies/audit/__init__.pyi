from .estimate import Audit as Audit
from .study import AUDIT as AUDIT, AuditDraw as AuditDraw, AuditOptions as AuditOptions, audit as audit
