from .found import Audited as Audited
from .study import AUDIT as AUDIT, AuditDraw as AuditDraw, Auditing as Auditing, audit as audit
