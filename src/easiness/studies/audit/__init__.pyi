from .drawing import LOOKS as LOOKS, Drawn as Drawn
from .found import Audited as Audited
from .study import AUDIT as AUDIT, Auditing as Auditing, audit as audit
