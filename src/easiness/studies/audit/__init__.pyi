from .found import Audited as Audited
from .study import AUDIT as AUDIT, Auditing as Auditing, Drawn as Drawn, audit as audit
